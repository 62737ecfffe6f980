//! What an event says about an exchange.
//!
//! Nothing secret or personal is written in the clear: headers that carry credentials are not recorded, query values
//! are dropped, and everything else that a client chose goes through redaction first.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use hangu_audit::Timestamp;
use hangu_audit::event::{
    Actor, CallerKind, Certificate, Decision, Effect, Endpoint, Event, Finding, Limit, People,
    Request, Response as EventResponse, Risk, Severity, Status, Tls, TlsWritten, Traffic, Upstream,
    What,
};
use hangu_identity::Proof;
use hangu_policy::{Grounds, RateClass};
use hangu_redact::{Level, mask_str};
use http::header::HeaderValue;
use http::{StatusCode, Version};
use smallvec::SmallVec;

use crate::connection::{Agent, Connection, TlsFacts};
use crate::exchange::{Ending, Exchange};
use crate::refusal::Refusal;
use crate::stage::record::counts::{asked, redactions, tried};
use crate::stage::record::noted::{self, Noted};

/// What of a client's text is kept, in characters. Chosen: paths and user agents of honest clients fit.
const KEPT: usize = 512;

/// People of one answer that an event names. Chosen: a page of a list; their number is told in any case.
const TOLD: usize = 64;

/// The level at which recorded text is masked.
const MASK: Level = Level::L3;

pub(super) fn masked(text: &str) -> Cow<'_, str> {
    let end = text.char_indices().nth(KEPT).map_or(text.len(), |(i, _)| i);
    mask_str(MASK, text.get(..end).unwrap_or_default())
}

/// A user agent as it is recorded; a connection keeps the last one, for it is always the same.
fn agent(connection: &Connection, sent: &HeaderValue) -> Arc<Agent> {
    let last = connection.agent.load_full();
    if let Some(last) = last.filter(|last| *last.sent == *sent.as_bytes()) {
        return last;
    }
    let agent = Arc::new(Agent {
        sent: sent.as_bytes().into(),
        masked: masked(&String::from_utf8_lossy(sent.as_bytes())).into(),
    });
    connection.agent.store(Some(Arc::clone(&agent)));
    agent
}

/// The names of a query's parameters; what stands behind them may be anybody's secret.
fn query_names(query: &str) -> String {
    let mut out = String::with_capacity(query.len().min(KEPT));
    for pair in query.split('&').take(64) {
        if !out.is_empty() {
            out.push('&');
        }
        let name = pair.split('=').next().unwrap_or_default();
        out.push_str(&masked(name));
        if name.len() < pair.len() {
            out.push_str("=*");
        }
    }
    out
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

pub(super) fn tls_of(facts: &TlsFacts) -> Tls<'_> {
    Tls {
        version: facts.version,
        cipher: Some(facts.cipher),
        sni: facts.server_name.as_deref(),
        ja4: facts.ja4.as_deref(),
        certificate: facts.peer.as_ref().map(|peer| Certificate {
            fingerprint: &peer.identity.fingerprint_sha256,
            subject: &peer.identity.subject,
            issuer: &peer.identity.issuer,
            serial: &peer.identity.serial,
        }),
    }
}

const fn kind(kind: hangu_identity::CallerKind) -> CallerKind {
    match kind {
        hangu_identity::CallerKind::Person => CallerKind::Person,
        hangu_identity::CallerKind::Service => CallerKind::Service,
        hangu_identity::CallerKind::Device => CallerKind::Device,
        hangu_identity::CallerKind::Nobody => CallerKind::Nobody,
    }
}

const fn proof(proof: Proof) -> Option<&'static str> {
    match proof {
        Proof::None => None,
        Proof::Certificate => Some("certificate"),
        Proof::Token => Some("token"),
        Proof::ApiKey => Some("key"),
        Proof::Session => Some("session"),
    }
}

/// The word for what a decision rests on.
pub const fn grounds(grounds: Grounds) -> &'static str {
    match grounds {
        Grounds::Rules => "rule",
        Grounds::ExplicitDeny => "explicit-deny",
        Grounds::NoRuleMatched => "default-deny",
    }
}

const fn redaction(level: Level) -> &'static str {
    match level {
        Level::L1 => "redact:L1",
        Level::L2 => "redact:L2",
        Level::L3 => "redact:L3",
        Level::L4 => "redact:L4",
    }
}

const fn request_redaction(level: Level) -> &'static str {
    match level {
        Level::L1 => "redact-requests:L1",
        Level::L2 => "redact-requests:L2",
        Level::L3 => "redact-requests:L3",
        Level::L4 => "redact-requests:L4",
    }
}

const fn rate(class: RateClass) -> &'static str {
    match class {
        RateClass::Bronze => "rate:bronze",
        RateClass::Silver => "rate:silver",
        RateClass::Gold => "rate:gold",
    }
}

/// Milliseconds since the epoch, as events have them.
pub fn timestamp(ms: u64) -> Timestamp {
    Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// How grave an ending is.
fn severity(exchange: &Exchange, ending: &Ending) -> Severity {
    match ending.refusal() {
        Some(Refusal::Attack | Refusal::Certificate(_)) => Severity::High,
        Some(Refusal::Denied(_) | Refusal::Banned(_) | Refusal::Framing) => Severity::Medium,
        Some(_) => Severity::Low,
        None if exchange.is_noted() => Severity::Medium,
        None => Severity::Informational,
    }
}

/// Hands the event of an exchange over as bytes, which are gone afterwards.
pub(super) fn event<R>(exchange: &Exchange, ending: &Ending, record: impl FnOnce(&[u8]) -> R) -> R {
    let snapshot = &exchange.snapshot;
    let connection = &exchange.connection;
    let portal = exchange.portal.and_then(|i| snapshot.portals.get(i));
    let mut event = Event::new(
        timestamp(exchange.begun_ms),
        What::Http,
        exchange.id.as_str(),
    );
    event.severity = severity(exchange, ending);
    event.trace = Some(exchange.trace.id.as_str());
    event.gateway = Some("hangu");
    event.source = Endpoint {
        ip: Some(connection.client.ip()),
        port: Some(connection.client.port()),
        zone: snapshot
            .zone(connection.zone)
            .map(|z| z.settings.name.as_str()),
        hostname: None,
    };
    event.target = Endpoint {
        ip: None,
        port: None,
        zone: portal
            .and_then(|p| snapshot.zone(p.settings.zone))
            .map(|z| z.settings.name.as_str()),
        hostname: (!exchange.host.is_empty()).then_some(exchange.host.as_str()),
    };
    event.portal = portal.map(|p| p.settings.name.as_str());
    event.tls = connection.tls.as_ref().map(tls_of);
    event.tls_written = event
        .tls
        .as_ref()
        .map(|tls| connection.tls_written.get_or_init(|| TlsWritten::from(tls)));
    let path = masked(&exchange.path);
    let query = exchange.query.as_deref().map(query_names);
    let agent = exchange
        .user_agent
        .as_ref()
        .map(|sent| agent(connection, sent));
    event.request = Some(Request {
        method: exchange.method.as_str(),
        host: (!exchange.host.is_empty()).then_some(exchange.host.as_str()),
        path: Some(&path),
        query: query.as_deref(),
        version: Some(version(exchange.version)),
        user_agent: agent.as_ref().map(|agent| &*agent.masked),
        length: None,
    });
    let caller = exchange.caller.as_deref();
    let clearance = caller.map(|c| CLEARANCES.get(usize::from(c.clearance)).copied());
    let clearance = clearance.map(|short| {
        short.map_or_else(
            || Cow::Owned(caller.map_or(0, |c| c.clearance).to_string()),
            Cow::Borrowed,
        )
    });
    event.actor = caller.map(|c| Actor {
        id: &c.id,
        name: None,
        kind: kind(c.kind),
        department: c.department.as_deref(),
        session: None,
        method: proof(c.proof),
        assurance: Some(c.assurance.level()),
        device_trust: u8::try_from(crate::stage::decide::device_trust(c)).ok(),
        clearance: clearance.as_deref(),
    });
    let decided = exchange.decision.as_ref();
    let decided = decided.map(|d| (d, exchange.snapshot.policy_of(d.by)));
    let rules: SmallVec<[&str; 4]> = decided
        .iter()
        .flat_map(|(d, policy)| d.rules.iter().map(|rule| policy.rule_name(*rule)))
        .collect();
    let mut obligations: SmallVec<[&str; 4]> = SmallVec::new();
    if let Some(decided) = &exchange.decision {
        if let Some(level) = decided.redact {
            obligations.push(redaction(level));
        }
        if let Some(level) = decided.redact_requests {
            obligations.push(request_redaction(level));
        }
        if let Some(class) = decided.obligations.rate {
            obligations.push(rate(class));
        }
        if decided.obligations.log_full {
            obligations.push("log:full");
        }
        if decided.obligations.watermark {
            obligations.push("watermark:on");
        }
    }
    event.decision = decided.map(|(d, policy)| Decision {
        id: exchange.id.as_str(),
        effect: if d.allow { Effect::Allow } else { Effect::Deny },
        rules: &rules,
        revision: &policy.revision,
        grounds: Some(grounds(d.grounds)),
        obligations: &obligations,
    });
    let noted = noted::noted(exchange);
    let findings: SmallVec<[Finding<'_>; 2]> = noted.iter().map(Noted::finding).collect();
    event.findings = &findings;
    event.risk = (exchange.risk > 0).then_some(Risk {
        caller: exchange.risk,
        address: 0,
    });
    event.upstream = exchange.upstream.as_ref().map(|address| Upstream {
        address: &address.name,
        attempts: 1,
        code: None,
    });
    let micros = exchange.took().as_micros();
    event.duration_us = Some(u64::try_from(micros).unwrap_or(u64::MAX));
    let bytes_in = exchange.sent.as_ref().map_or(0, |s| s.bytes());
    let told: Vec<String> = exchange
        .people
        .iter()
        .take(TOLD)
        .map(ToString::to_string)
        .collect();
    let told: SmallVec<[&str; 4]> = told.iter().map(String::as_str).collect();
    event.people = (!told.is_empty()).then_some(People {
        count: exchange.people.len() as u64,
        told: &told,
    });
    let tried = exchange.tried.as_deref().and_then(tried);
    let asked = asked(exchange);
    let marked = exchange
        .marked
        .map(|cells| format!("watermarked:cells={cells}"));
    let mut notes: SmallVec<[&str; 2]> = SmallVec::new();
    notes.extend(exchange.unread.iter().copied());
    notes.extend(tried.as_deref());
    notes.extend(asked.as_deref());
    notes.extend(marked.as_deref());
    if exchange
        .sent
        .as_ref()
        .is_some_and(|sent| sent.has_unread_parts())
    {
        notes.push("request-unread-parts");
    }
    let detail;
    let counts;
    match ending {
        Ending::Answered {
            status,
            bytes,
            redacted,
        } => {
            event.response = Some(EventResponse {
                code: status.as_u16(),
                length: Some(*bytes),
                latency_us: None,
            });
            event.traffic = Some(Traffic {
                bytes_in,
                bytes_out: *bytes,
            });
            counts = redactions(exchange, redacted.as_ref());
            event.redactions = &counts;
        }
        Ending::BrokenOff {
            status,
            bytes,
            redacted,
            why,
        } => {
            event.response = Some(EventResponse {
                code: status.as_u16(),
                length: Some(*bytes),
                latency_us: None,
            });
            event.traffic = Some(Traffic {
                bytes_in,
                bytes_out: *bytes,
            });
            notes.push(why);
            counts = redactions(exchange, redacted.as_ref());
            event.redactions = &counts;
        }
        Ending::Streamed { status } => {
            event.response = Some(EventResponse {
                code: status.as_u16(),
                length: None,
                latency_us: None,
            });
            notes.push("streamed");
        }
        Ending::Closed {
            bytes_in,
            bytes_out,
            redacted,
            refusal,
            why,
        } => {
            event.response = Some(EventResponse {
                code: StatusCode::SWITCHING_PROTOCOLS.as_u16(),
                length: None,
                latency_us: None,
            });
            event.traffic = Some(Traffic {
                bytes_in: *bytes_in,
                bytes_out: *bytes_out,
            });
            notes.push(why);
            counts = redactions(exchange, redacted.as_ref());
            event.redactions = &counts;
            if let Some(refusal) = refusal {
                event.status = Status::Failure;
                event.reason = Some(refusal.reason());
                detail = refusal.detail();
                event.detail = (!detail.is_empty()).then_some(detail.as_str());
            }
        }
        Ending::Refused(refusal) => {
            event.status = Status::Failure;
            event.reason = Some(refusal.reason());
            detail = refusal.detail();
            event.detail = (!detail.is_empty()).then_some(detail.as_str());
            event.response = Some(EventResponse {
                code: refusal.status().as_u16(),
                length: None,
                latency_us: None,
            });
            event.traffic = (bytes_in > 0).then_some(Traffic {
                bytes_in,
                bytes_out: 0,
            });
            if let Refusal::RateLimited { limit, outcome } = refusal {
                let wait = crate::connection::millis(crate::refusal::wait(outcome));
                event.limit = Some(Limit {
                    name: limit,
                    remaining: 0,
                    retry_after_ms: Some(wait),
                });
            }
        }
        Ending::Own(status) => {
            event.response = Some(EventResponse {
                code: status.as_u16(),
                length: None,
                latency_us: None,
            });
            notes.push("own-page");
        }
    }
    event.notes = &notes;
    // One buffer for all events of a thread: they are copied out of it at once.
    ROOM.with_borrow_mut(|room| {
        event.record_into(room);
        record(room)
    })
}

thread_local! {
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Clearances as they stand in events.
const CLEARANCES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_never_kept() {
        assert_eq!(
            query_names("q=11010519491231002X&token=abc&flag"),
            "q=*&token=*&flag"
        );
        assert_eq!(query_names(""), "");
    }
}
