//! What is done about an alert: it is recorded and told, somebody is banned, sessions end.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hangu_audit::Timestamp;
use hangu_audit::event::{self, Countermeasure, Event, Remedy, Severity, Status, What};
use hangu_limit::{BanTarget, Fingerprint, NewBan};
use hangu_situational::{Action, Alert, Entity, Order, Raised, Reaction};

use crate::clock;
use crate::gateway::Gateway;
use crate::stage::limit::fingerprint;
use crate::stage::record;
use crate::streams::Whose;

const fn severity(severity: hangu_situational::Severity) -> Severity {
    match severity {
        hangu_situational::Severity::Low => Severity::Low,
        hangu_situational::Severity::Medium => Severity::Medium,
        hangu_situational::Severity::High => Severity::High,
        hangu_situational::Severity::Critical => Severity::Critical,
    }
}

/// Carries out what an alert asks for, records it and tells the console.
pub(super) fn react(gateway: &Arc<Gateway>, reaction: Reaction) {
    let mut alert = match reaction.raised {
        Raised::New(alert) | Raised::Again(alert) => alert,
        Raised::Muted(_) => return,
    };
    if let Some(order) = reaction.order
        && let Some(changed) = carry_out(gateway, &order, &alert)
    {
        alert = changed;
    }
    record_alert(gateway, &alert);
    gateway.alerts_file.keep(&alert);
    gateway.tower.tell(&alert);
}

/// Writes an alert into the audit log.
pub fn record_alert(gateway: &Arc<Gateway>, alert: &Alert) {
    let number = alert.id.to_string();
    let subject = alert.entity.to_string();
    let events: Vec<String> = alert.events.iter().map(u64::to_string).collect();
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let what = What::Alert(event::Alert {
        id: &number,
        detection: alert.rule.name(),
        title: &alert.title.en,
        technique: alert.technique.as_deref(),
        subject: &subject,
        count: alert.count,
        events: &events,
    });
    let id = gateway.ids.next();
    let mut event = Event::new(record::timestamp(clock::wall_ms()), what, id.as_str());
    event.severity = severity(alert.severity);
    event.gateway = Some("hangu");
    gateway.journal.quietly(&event.to_record());
}

/// Writes a response, or its undoing, into the audit log.
pub fn record_remedy(
    gateway: &Arc<Gateway>,
    activity: Countermeasure,
    kind: &str,
    subject: &str,
    until: Option<u64>,
    because: Option<&str>,
) {
    let id = gateway.ids.next();
    let what = What::Remedy(Remedy {
        id: id.as_str(),
        activity,
        kind,
        subject,
        until: until.map(|ms| Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))),
        because,
    });
    let mut event = Event::new(record::timestamp(clock::wall_ms()), what, id.as_str());
    event.severity = Severity::Medium;
    event.status = Status::Success;
    event.gateway = Some("hangu");
    gateway.journal.quietly(&event.to_record());
}

/// Carries an order out and gives the alert as it then stands.
fn carry_out(gateway: &Arc<Gateway>, order: &Order, alert: &Alert) -> Option<Alert> {
    let subject = order.entity.to_string();
    let because = alert.id.to_string();
    match order.action {
        // In force already: the board that decisions read says so.
        Action::Throttle { until_ms } => {
            record_remedy(
                gateway,
                Countermeasure::Harden,
                "throttle",
                &subject,
                Some(until_ms),
                Some(&because),
            );
            None
        }
        Action::Ban { until_ms } => {
            let terms = NewBan {
                target: target(&order.entity)?,
                reason: alert.title.zh.clone(),
                until: until_ms,
                by: alert.rule.name().to_owned(),
                evidence: Some(because.clone()),
            };
            match ban(gateway, terms) {
                Ok(id) => {
                    record_remedy(
                        gateway,
                        Countermeasure::Isolate,
                        "ban",
                        &subject,
                        Some(until_ms),
                        Some(&because),
                    );
                    gateway.tower.situation().carried_out(order.id, id).cloned()
                }
                Err(error) => {
                    tracing::error!(%error, %subject, "a ban could not be made");
                    gateway.tower.situation().failed(
                        order.id,
                        &error.to_string(),
                        clock::wall_ms(),
                    );
                    None
                }
            }
        }
        Action::EndSession => {
            let Entity::Caller(caller) = &order.entity else {
                return None;
            };
            let ended = end_sessions(gateway, caller);
            record_remedy(
                gateway,
                Countermeasure::Evict,
                "end-session",
                caller,
                None,
                Some(&because),
            );
            gateway
                .tower
                .situation()
                .carried_out(order.id, ended as u64)
                .cloned()
        }
    }
}

fn target(entity: &Entity) -> Option<BanTarget> {
    match entity {
        Entity::Caller(id) => Some(BanTarget::Caller(id.clone())),
        Entity::Address(source) => Some(BanTarget::address(source.address())),
        Entity::Certificate(hex) => {
            fingerprint(hex).map(|f| BanTarget::Certificate(Fingerprint(f)))
        }
        Entity::Gateway(_) => None,
    }
}

/// Makes a ban and ends what the banned one still has open.
///
/// # Errors
/// When the terms are no ban's, or it cannot be kept.
pub fn ban(gateway: &Arc<Gateway>, terms: NewBan) -> Result<u64, hangu_limit::BanError> {
    if gateway.draining.load(Ordering::Acquire) {
        // The new process sees the same traffic from now on, and its file is the one that counts.
        return Err(hangu_limit::BanError::Unknown {
            id: hangu_limit::BanId(0),
        });
    }
    let target = terms.target.clone();
    let ban = gateway.bans.add(terms, clock::wall_ms())?;
    match &target {
        BanTarget::Network(net) => {
            let exempt = |a: IpAddr| gateway.bans.address(a, clock::wall_ms()).is_none();
            for connection in gateway.connections.all() {
                let client = connection.client.ip();
                if net.contains(&client) && !exempt(client) {
                    connection.cancel();
                }
            }
            gateway.streams.end(Whose::Address(net));
        }
        BanTarget::Caller(id) => {
            end_sessions(gateway, id);
        }
        BanTarget::Certificate(Fingerprint(bytes)) => {
            let mut hex = String::new();
            for byte in bytes {
                use std::fmt::Write as _;
                let _written = write!(hex, "{byte:02x}");
            }
            for connection in gateway.connections.all() {
                if connection
                    .peer()
                    .is_some_and(|p| p.identity.fingerprint_sha256 == hex)
                {
                    connection.cancel();
                }
            }
        }
    }
    Ok(ban.id.0)
}

/// Ends a caller's sessions and its open streams; tells how many sessions.
pub fn end_sessions(gateway: &Arc<Gateway>, caller: &str) -> usize {
    let ended = gateway
        .sessions
        .end_caller(caller, clock::now())
        .unwrap_or_else(|error| {
            // Ended in memory all the same.
            tracing::error!(%error, "the end of sessions could not be kept");
            0
        });
    gateway.streams.end(Whose::Caller(caller));
    ended
}
