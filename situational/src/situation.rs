//! The whole: events in; alerts, risks and orders out.

use std::sync::Arc;

use crate::alert::{Alert, AlertId, AlertStatus, Taken, Verdict};
use crate::alerts::{AlertError, Alerts, Raised};
use crate::detect::{Detection, Watch};
use crate::entity::Entity;
use crate::observation::Observation;
use crate::respond::{Action, Order, OrderId, Responder, Withheld};
use crate::risk::RiskBoard;
use crate::settings::Settings;

/// Detectors, alerts and responses together, owned by one thread (or behind one lock, off the request's path).
///
/// For each event the gateway calls [`Situation::observe`], records every [`Reaction`]'s alert in the audit log,
/// carries out its order and then calls [`Situation::carried_out`] or [`Situation::failed`]. After a restart it hands
/// the recorded alerts to [`Situation::restore`], oldest first.
#[derive(Debug)]
pub struct Situation {
    watch: Watch,
    alerts: Alerts,
    responder: Responder,
    risk: Arc<RiskBoard>,
}

/// What one detection led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Reaction {
    /// The alert, new or again.
    pub raised: Raised,
    /// The risk of the one it is about, if it changed.
    pub risk: Option<u8>,
    /// What is to be done. A throttling is in effect already; a ban and the end of sessions wait for the gateway.
    pub order: Option<Order>,
    /// Why something is not done that the rule asks for.
    pub withheld: Option<Withheld>,
}

impl Situation {
    /// Nothing seen yet.
    pub fn new(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        Self {
            watch: Watch::new(Arc::clone(&settings)),
            alerts: Alerts::new(settings.alerts.clone()),
            responder: Responder::new(Arc::clone(&settings)),
            risk: Arc::new(RiskBoard::new(settings.risk.clone())),
        }
    }

    /// Uses other settings from now on, keeping what is known.
    pub fn set(&mut self, settings: Settings) {
        let settings = Arc::new(settings);
        self.alerts.set(settings.alerts.clone());
        self.risk.set(settings.risk.clone());
        self.watch.set(Arc::clone(&settings));
        self.responder.set(settings);
    }

    /// The risks, for the request's path to read.
    pub fn risk(&self) -> Arc<RiskBoard> {
        Arc::clone(&self.risk)
    }

    /// The alerts.
    pub fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// The responses.
    pub fn responder(&self) -> &Responder {
        &self.responder
    }

    /// Takes in one event; for almost every event nothing follows.
    pub fn observe(&mut self, observation: &Observation<'_>) -> Vec<Reaction> {
        let mut reactions = Vec::new();
        for detection in self.watch.observe(observation) {
            self.react(detection, &mut reactions);
        }
        reactions
    }

    /// Notes that an order was carried out. `undo` is the number by which it can be undone, such as a ban's.
    pub fn carried_out(&mut self, order: OrderId, undo: u64) -> Option<&Alert> {
        let order = self.responder.get(order)?;
        let (alert, action) = (order.alert, order.action);
        self.alerts.responded(alert, taken(action, undo))
    }

    /// Notes that an order could not be carried out; the next detection gives it again.
    pub fn failed(&mut self, order: OrderId) {
        self.responder.withdraw(order);
    }

    /// Says that somebody works on an alert.
    ///
    /// # Errors
    /// If there is no such alert, it is closed, or the note is empty or too long.
    pub fn acknowledge(
        &mut self,
        id: AlertId,
        by: &str,
        note: &str,
        now: u64,
    ) -> Result<&Alert, AlertError> {
        self.alerts.acknowledge(id, by, note, now)
    }

    /// Closes an alert with what people found. If it was false, the risk it added is taken away, throttlings end,
    /// and the orders to reverse are returned.
    ///
    /// # Errors
    /// If there is no such alert, it is closed, or the note is empty or too long.
    pub fn close(
        &mut self,
        id: AlertId,
        verdict: Verdict,
        by: &str,
        note: &str,
        now: u64,
    ) -> Result<(Alert, Vec<Order>), AlertError> {
        let alert = self.alerts.close(id, verdict, by, note, now)?.clone();
        let undone = match verdict {
            Verdict::TruePositive => Vec::new(),
            Verdict::FalsePositive => {
                if let Some(tactic) = alert.rule.tactic() {
                    self.risk.forgive(&alert.entity, tactic, now);
                }
                self.reverse(id, now)
            }
        };
        Ok((alert, undone))
    }

    /// Undoes what was done about an alert: throttlings end at once, and the orders are returned for the gateway to
    /// reverse the rest. Also to be called when a ban that answers the alert is lifted by hand.
    pub fn undo(&mut self, id: AlertId, by: &str, reason: &str, now: u64) -> Vec<Order> {
        let undone = self.reverse(id, now);
        self.alerts.undone(id, by, reason, now);
        undone
    }

    /// Puts back an alert as the audit log has it, with the risk that it still means.
    pub fn restore(&mut self, alert: Alert, now: u64) {
        let first = self.alerts.get(alert.id).is_none();
        if let (true, false, Some(tactic)) = (
            first,
            alert.status == AlertStatus::Closed,
            alert.rule.tactic(),
        ) {
            self.risk
                .raise(&alert.entity, tactic, alert.severity, alert.last_ms);
        }
        if let Some(Taken {
            kind,
            until_ms: Some(until),
            ..
        }) = &alert.response
            && kind == "throttle"
            && *until > now
        {
            self.risk.throttle(&alert.entity, *until, now);
        }
        self.alerts.restore(alert);
    }

    fn react(&mut self, detection: Detection, reactions: &mut Vec<Reaction>) {
        let (now, foreign) = (detection.time_ms, detection.foreign);
        let (raised, full) = self.alerts.raise(detection);
        let reaction = match raised {
            Raised::Muted(_) => Reaction {
                raised,
                risk: None,
                order: None,
                withheld: None,
            },
            Raised::New(ref alert) | Raised::Again(ref alert) => {
                let risk = alert
                    .rule
                    .tactic()
                    .map(|tactic| self.risk.raise(&alert.entity, tactic, alert.severity, now));
                let callers = match &alert.entity {
                    Entity::Address(source) => self.watch.callers_behind(source, now),
                    Entity::Caller(_) | Entity::Certificate(_) | Entity::Gateway(_) => 0,
                };
                let (order, withheld) = match self.responder.respond(alert, foreign, callers, now) {
                    Ok(order) => (order, None),
                    Err(withheld) => (None, Some(withheld)),
                };
                Reaction {
                    raised,
                    risk,
                    order,
                    withheld,
                }
            }
        };
        let reaction = self.throttled(reaction, now);
        reactions.push(reaction);
        reactions.extend(full.map(|raised| Reaction {
            raised,
            risk: None,
            order: None,
            withheld: None,
        }));
    }

    /// Carries out a throttling, which needs nobody else, and puts the alert as it then stands into the reaction.
    fn throttled(&mut self, mut reaction: Reaction, now: u64) -> Reaction {
        let Some(Order {
            id,
            alert,
            ref entity,
            action: action @ Action::Throttle { until_ms },
            ..
        }) = reaction.order
        else {
            return reaction;
        };
        self.risk.throttle(entity, until_ms, now);
        if let Some(alert) = self.alerts.responded(alert, taken(action, id)) {
            reaction.raised = match reaction.raised {
                Raised::New(_) => Raised::New(alert.clone()),
                Raised::Again(_) => Raised::Again(alert.clone()),
                Raised::Muted(_) => Raised::Muted(alert.clone()),
            };
        }
        reaction
    }

    fn reverse(&mut self, id: AlertId, now: u64) -> Vec<Order> {
        let undone = self.responder.undo(id);
        // After a restart the order is gone and the throttling is known from the alert alone.
        let restored = self.alerts.get(id).filter(|alert| {
            alert
                .response
                .as_ref()
                .is_some_and(|taken| taken.kind == "throttle")
        });
        let entities = undone
            .iter()
            .filter(|order| matches!(order.action, Action::Throttle { .. }))
            .map(|order| &order.entity)
            .chain(restored.map(|alert| &alert.entity));
        for entity in entities {
            self.risk.release(entity, now);
        }
        undone
    }
}

fn taken(action: Action, id: u64) -> Taken {
    Taken {
        kind: action.name().into(),
        until_ms: action.until_ms(),
        id,
    }
}

#[cfg(test)]
mod tests;
