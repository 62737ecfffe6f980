//! An event in the words of the detectors, and in those of the console.

use std::net::IpAddr;
use std::sync::Arc;

use hangu_inspect::Category;
use hangu_situational::{Cause, Findings, Observation, Outcome, Personal, Reaction, SignIn};
use hangu_websocket::Peer;

use super::{EventSummary, Kind, Live, Ordinary, Seen};
use crate::exchange::{Ending, Exchange};
use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::stage::record::{self, ruled};

/// Shows requests that ended as requests should to the detectors.
pub(super) fn observe_ordinary(gateway: &Arc<Gateway>, seen: &Ordinary) -> Vec<Reaction> {
    let caller = &seen.caller;
    gateway
        .tower
        .note_caller(&caller.id, seen.address, seen.time_ms, seen.requests, 0);
    let observation = Observation {
        caller: if caller.is_nobody() { "" } else { &caller.id },
        ..blank(seen.time_ms, 0, "", seen.address)
    };
    gateway.tower.situation().observe(&observation)
}

fn cause(refusal: &Refusal) -> Cause {
    match refusal {
        Refusal::Denied(_)
        | Refusal::StepUp(_)
        | Refusal::MethodNotAccepted
        | Refusal::Obligation => Cause::Denied,
        Refusal::Unidentified => Cause::Unidentified,
        Refusal::BadCredentials(_) | Refusal::Certificate(_) => Cause::BadCredential,
        Refusal::RateLimited { .. } | Refusal::TooManyAtOnce(_) => Cause::Limited,
        Refusal::Banned(_) => Cause::Banned,
        Refusal::Attack | Refusal::Uninspectable(_) => Cause::Inspected,
        Refusal::Message { from, .. } => match from {
            Peer::Client => Cause::Malformed,
            Peer::Server => Cause::Fault,
        },
        Refusal::Unparsable
        | Refusal::HeadTooLarge
        | Refusal::TooSlow(_)
        | Refusal::Framing
        | Refusal::BadHost
        | Refusal::Method
        | Refusal::TargetByte(_)
        | Refusal::Path(_)
        | Refusal::Header(_)
        | Refusal::BodyTooLarge
        | Refusal::BodyCut
        | Refusal::NotDescribed
        | Refusal::Handshake(_)
        | Refusal::Upgrade => Cause::Malformed,
        Refusal::NoPortal | Refusal::NoCrossing => Cause::NotFound,
        Refusal::NoUpstream
        | Refusal::UpstreamFailed
        | Refusal::UpstreamSlow
        | Refusal::Unredactable(_)
        | Refusal::UnredactableRequest(_)
        | Refusal::Leak
        | Refusal::NoRecord
        | Refusal::Undecided
        | Refusal::Closing => Cause::Fault,
    }
}

/// Shows an event to the detectors.
pub(super) fn observe(gateway: &Arc<Gateway>, number: u64, seen: Seen) -> Vec<Reaction> {
    match seen.kind {
        Kind::Exchange(exchange, ending) => observe_exchange(gateway, number, &exchange, &ending),
        Kind::Connection {
            time_ms,
            zone,
            address,
            reason,
        } => {
            let snapshot = gateway.snapshot.load();
            let observation = Observation {
                outcome: Outcome::Refused {
                    reason,
                    cause: Cause::Malformed,
                },
                ..blank(
                    time_ms,
                    number,
                    snapshot.zone(zone).map_or("", |z| &z.settings.name),
                    address,
                )
            };
            gateway.tower.situation().observe(&observation)
        }
        Kind::SignIn {
            time_ms,
            zone,
            address,
            user,
            ok,
        } => {
            if user.is_empty() {
                return Vec::new();
            }
            let snapshot = gateway.snapshot.load();
            let zone = zone
                .and_then(|z| snapshot.zone(z))
                .map_or("console", |z| &z.settings.name);
            let observation = Observation {
                sign_in: Some(SignIn { user: &user, ok }),
                outcome: if ok {
                    Outcome::Allowed
                } else {
                    Outcome::Refused {
                        reason: "bad-credentials",
                        cause: Cause::BadCredential,
                    }
                },
                ..blank(time_ms, number, zone, address)
            };
            gateway.tower.situation().observe(&observation)
        }
    }
}

fn blank(time_ms: u64, event: u64, zone: &str, address: IpAddr) -> Observation<'_> {
    Observation {
        time_ms,
        event,
        zone,
        address,
        caller: "",
        portal: "",
        path: "",
        resource: None,
        status: 0,
        outcome: Outcome::Allowed,
        findings: Findings::default(),
        personal: Personal::default(),
        sign_in: None,
        scanner: false,
    }
}

fn observe_exchange(
    gateway: &Arc<Gateway>,
    number: u64,
    exchange: &Exchange,
    ending: &Ending,
) -> Vec<Reaction> {
    let snapshot = &exchange.snapshot;
    let portal = exchange.portal.and_then(|i| snapshot.portals.get(i));
    let status = record::status(ending);
    let refusal = ending.refusal();
    let caller = exchange.caller();
    let address = exchange.address();
    // The end of a WebSocket is no request: it was one when it began.
    let requests = u64::from(!matches!(ending, Ending::Closed { .. }));
    gateway.tower.note_caller(
        &caller.id,
        address,
        exchange.begun_ms,
        requests,
        refusal.is_some().into(),
    );
    let redacted = ending.redacted();
    let counts: Vec<(&str, u32)> = redacted
        .map(|s| {
            s.counts
                .iter()
                .filter(|(_, n)| *n > 0)
                .map(|(kind, n)| (kind.as_str(), u32::try_from(n).unwrap_or(u32::MAX)))
                .collect()
        })
        .unwrap_or_default();
    let people: Vec<u64> = exchange.people.iter().map(|person| person.0).collect();
    // Whom no hash tells apart, such as names, are at most as many as the kind of value that occurs most often.
    let subjects = counts.iter().map(|(_, n)| *n).max().unwrap_or(0);
    let categories: Vec<&str> = exchange
        .verdict
        .findings
        .iter()
        .filter(|finding| !finding.observed)
        .map(|finding| finding.category)
        .chain(
            exchange
                .ruled
                .iter()
                .map(|matched| ruled::category(&matched.tags)),
        )
        .map(Category::as_str)
        .collect();
    let score = exchange.verdict.score.max(ruled::sum(&exchange.ruled));
    let observation = Observation {
        caller: if caller.is_nobody() { "" } else { &caller.id },
        portal: portal.map_or("", |p| &p.settings.name),
        path: &exchange.path,
        resource: exchange.query.as_ref().map(|query| {
            use std::hash::BuildHasher as _;
            gateway.hasher.hash_one((&exchange.path, query))
        }),
        status: status.as_u16(),
        outcome: refusal.map_or(Outcome::Allowed, |r| Outcome::Refused {
            reason: r.reason(),
            cause: cause(r),
        }),
        findings: Findings {
            score,
            categories: &categories,
        },
        personal: Personal {
            counts: &counts,
            subjects,
            hashes: &people,
        },
        scanner: categories.contains(&"scanner"),
        ..blank(
            exchange.begun_ms,
            number,
            snapshot
                .zone(exchange.connection.zone)
                .map_or("", |z| &z.settings.name),
            address,
        )
    };
    let reactions = gateway.tower.situation().observe(&observation);
    if gateway.tower.live.receiver_count() > 0 {
        let summary = summary(number, exchange, ending);
        let _listeners = gateway.tower.live.send(Live::Event(Arc::new(summary)));
    }
    reactions
}

fn summary(number: u64, exchange: &Exchange, ending: &Ending) -> EventSummary {
    let snapshot = &exchange.snapshot;
    let portal = exchange.portal.and_then(|i| snapshot.portals.get(i));
    let refusal = ending.refusal();
    let redacted = ending.redacted().map_or(0, |s| s.counts.total());
    EventSummary {
        index: number,
        time_ms: exchange.begun_ms,
        request_id: exchange.id.as_str().to_owned(),
        decision_id: exchange
            .decision
            .as_ref()
            .map(|_| exchange.id.as_str().to_owned()),
        zone: snapshot
            .zone(exchange.connection.zone)
            .map_or_else(String::new, |z| z.settings.name.clone()),
        to_zone: portal
            .and_then(|p| snapshot.zone(p.settings.zone))
            .map(|z| z.settings.name.clone()),
        address: exchange.address().to_string(),
        caller: exchange.caller().id.clone(),
        portal: portal.map(|p| p.settings.name.clone()),
        method: exchange.method.as_str().to_owned(),
        host: exchange.host.clone(),
        path: hangu_redact::mask_str(hangu_redact::Level::L3, &exchange.path).into_owned(),
        status: record::status(ending).as_u16(),
        outcome: if refusal.is_some() {
            "refused"
        } else {
            "allowed"
        },
        reason: refusal.map(|r| r.reason().to_owned()),
        score: exchange.verdict.score.max(ruled::sum(&exchange.ruled)),
        redacted,
        duration_us: u64::try_from(exchange.took().as_micros()).unwrap_or(u64::MAX),
    }
}
