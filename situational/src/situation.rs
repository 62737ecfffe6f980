//! The whole: events in; alerts, risks and orders out.

use std::sync::Arc;

use crate::alert::{Alert, AlertId, Taken, Verdict};
use crate::alerts::{AlertError, Alerts, Raised};
use crate::callers::Callers;
use crate::detect::{Detection, Watch};
use crate::entity::Entity;
use crate::observation::Observation;
use crate::respond::{Action, Order, OrderId, Responder, Withheld};
use crate::risk::RiskBoard;
use crate::rule::{Rule, Words};
use crate::settings::Settings;
use crate::traffic::Traffic;

/// Detectors, alerts and responses together, owned by one thread (or behind one lock, off the request's path).
///
/// For each event the gateway calls [`Situation::observe`], records every [`Reaction`]'s alert in the audit log,
/// carries out its order and then calls [`Situation::carried_out`] or [`Situation::failed`]. After a restart it hands
/// the recorded alerts to [`Situation::restore`], oldest first. One that was undone or closed is recorded as well.
#[derive(Debug)]
pub struct Situation {
    watch: Watch,
    alerts: Alerts,
    responder: Responder,
    risk: Arc<RiskBoard>,
    callers: Callers,
    traffic: Traffic,
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

impl Reaction {
    /// An alert that nothing else follows from.
    fn only(raised: Raised) -> Self {
        Self {
            raised,
            risk: None,
            order: None,
            withheld: None,
        }
    }
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
            callers: Callers::new(usize::try_from(settings.watched.get()).unwrap_or(usize::MAX)),
            traffic: Traffic::default(),
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

    /// The callers seen lately.
    pub fn callers(&self) -> &Callers {
        &self.callers
    }

    /// What crosses each zone.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Takes in one event; for almost every event nothing follows.
    pub fn observe(&mut self, observation: &Observation<'_>) -> Vec<Reaction> {
        self.callers.observe(observation);
        self.traffic.observe(observation);
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

    /// Notes that an order could not be carried out, and why, in an alert of its own; the next detection gives the
    /// order again.
    pub fn failed(&mut self, order: OrderId, why: &str, now: u64) -> Option<Alert> {
        let order = self.responder.withdraw(order)?;
        let (entity, kind) = (&order.entity, order.action.name());
        let description = Words::new(
            format!(
                "对“{entity}”的处置（{kind}，告警 {}）未能执行：{why}",
                order.alert
            ),
            format!(
                "the {kind} of `{entity}` for alert {} could not be carried out: {why}",
                order.alert
            ),
        );
        Some(self.own(Rule::ResponseFailed, description, now))
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

    /// Puts back the alerts as the audit log has them, oldest state first, with the risks and responses that they
    /// still mean at `now`; of several states of one alert the last one holds. For the start of a process.
    pub fn restore(&mut self, states: impl IntoIterator<Item = Alert>, now: u64) {
        states
            .into_iter()
            .for_each(|alert| self.alerts.restore(alert));
        let mut alerts: Vec<&Alert> = self.alerts.list(None).collect();
        alerts.sort_by_key(|alert| (alert.last_ms, alert.id));
        for alert in alerts {
            if let (false, Some(tactic)) = (
                alert.verdict == Some(Verdict::FalsePositive),
                alert.rule.tactic(),
            ) {
                self.risk
                    .raise(&alert.entity, tactic, alert.severity, alert.last_ms);
            }
            let Some(order) = self.responder.restore(alert, now) else {
                continue;
            };
            if let Action::Throttle { until_ms } = order.action {
                self.risk.throttle(&order.entity, until_ms, now);
            }
        }
    }

    fn react(&mut self, detection: Detection, reactions: &mut Vec<Reaction>) {
        let (now, foreign) = (detection.time_ms, detection.foreign);
        let (raised, full) = self.alerts.raise(detection);
        let mut reaction = Reaction::only(raised);
        if let Raised::New(alert) | Raised::Again(alert) = &reaction.raised {
            let raise = |tactic| self.risk.raise(&alert.entity, tactic, alert.severity, now);
            reaction.risk = alert.rule.tactic().map(raise);
            let callers = match &alert.entity {
                Entity::Address(source) => self.watch.callers_behind(source, now),
                Entity::Caller(_) | Entity::Certificate(_) | Entity::Gateway(_) => 0,
            };
            match self.responder.respond(alert, foreign, callers, now) {
                Ok(order) => reaction.order = order,
                Err(withheld) => reaction.withheld = Some(withheld),
            }
        }
        let limited = reaction.withheld == Some(Withheld::TooMany);
        reactions.push(self.throttled(reaction, now));
        reactions.extend(full.map(Reaction::only));
        if limited {
            let description = Words::new(
                "一分钟内的自动处置已达上限，其余告警未处置；请查看告警并手工处置",
                "as many responses as may be were given within a minute; the other alerts wait for a person",
            );
            let alert = self.own(Rule::ResponsesLimited, description, now);
            let raised = if alert.count == 1 {
                Raised::New(alert)
            } else {
                Raised::Again(alert)
            };
            reactions.push(Reaction::only(raised));
        }
    }

    /// An alert about ourselves.
    fn own(&mut self, rule: Rule, description: Words, now: u64) -> Alert {
        let entity = Entity::Gateway("responses".into());
        let detection = Detection {
            time_ms: now,
            rule,
            entity,
            description,
            events: Vec::new(),
            foreign: 0.0,
        };
        self.alerts.raise(detection).0.alert().clone()
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
        for order in undone
            .iter()
            .filter(|order| matches!(order.action, Action::Throttle { .. }))
        {
            self.risk.release(&order.entity, now);
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
