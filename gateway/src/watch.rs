//! What the gateway notices about the traffic it carries, and what it does about it.
//!
//! Every recorded event comes here with its number. It is taken in off the request's path, twenty times a second:
//! detectors see it, alerts are raised and recorded, bans and ended sessions are carried out, and the console is told.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hangu_audit::Timestamp;
use hangu_audit::event::{self, Countermeasure, Event, Logon, Remedy, Severity, Status, What};
use hangu_identity::Caller;
use hangu_limit::{BanTarget, Fingerprint, NewBan};
use hangu_situational::{
    Action, Alert, Cause, Entity, Findings, Observation, Order, Outcome, Personal, Raised,
    Reaction, RiskBoard, Settings, SignIn, Situation, Standing,
};
use serde::Serialize;
use tokio::sync::broadcast;

use crate::clock;
use crate::exchange::{Ending, Exchange};
use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::stage::limit::fingerprint;
use crate::stage::record;
use crate::streams::Whose;

/// Events that may wait to be taken in. Chosen: two seconds at 100,000 a second.
const MOST_WAITING: usize = 200_000;
/// Events that room is kept for between two beats. Chosen: a beat of a busy gateway.
const KEPT_ROOM: usize = 8_192;
/// Callers that the console lists.
const MOST_CALLERS: usize = 20_000;
/// Seconds of traffic that are kept for the console's chart.
const SECONDS: usize = 600;
/// How often events are taken in.
pub const BEAT: Duration = Duration::from_millis(50);

/// One recorded event on its way to the detectors.
pub struct Seen {
    kind: Kind,
}

enum Kind {
    Exchange(Box<Exchange>, Box<Ending>),
    Connection {
        time_ms: u64,
        zone: usize,
        address: IpAddr,
        reason: &'static str,
    },
    SignIn {
        time_ms: u64,
        zone: Option<usize>,
        address: IpAddr,
        user: String,
        ok: bool,
    },
}

impl Seen {
    /// A request.
    pub fn new(mut exchange: Box<Exchange>, ending: Ending) -> Self {
        // It shares the connection's read buffer, which would be pinned until the next beat.
        exchange.user_agent = None;
        Self {
            kind: Kind::Exchange(exchange, Box::new(ending)),
        }
    }

    /// A connection that never became a request.
    pub fn connection(time_ms: u64, zone: usize, address: IpAddr, reason: &'static str) -> Self {
        Self {
            kind: Kind::Connection {
                time_ms,
                zone,
                address,
                reason,
            },
        }
    }

    /// A sign-in; signing out tells the detectors nothing.
    pub fn sign_in(
        time_ms: u64,
        zone: Option<usize>,
        address: IpAddr,
        user: &str,
        ok: bool,
        logon: Logon,
    ) -> Self {
        let user = if logon == Logon::Logon {
            user.to_owned()
        } else {
            String::new()
        };
        Self {
            kind: Kind::SignIn {
                time_ms,
                zone,
                address,
                user,
                ok,
            },
        }
    }
}

/// Requests that ended as requests should, one after the other by the same caller from the same address.
struct Ordinary {
    caller: Arc<Caller>,
    address: IpAddr,
    /// The last one, in milliseconds since the epoch.
    time_ms: u64,
    requests: u64,
}

/// One event as the console lists it.
#[derive(Debug, Clone, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the administration API"
)]
pub struct EventSummary {
    pub index: u64,
    pub time_ms: u64,
    pub request_id: String,
    pub decision_id: Option<String>,
    pub zone: String,
    pub to_zone: Option<String>,
    pub address: String,
    pub caller: String,
    pub portal: Option<String>,
    pub method: String,
    pub host: String,
    pub path: String,
    pub status: u16,
    pub outcome: &'static str,
    pub reason: Option<String>,
    pub score: u32,
    pub redacted: u64,
    pub duration_us: u64,
}

/// What the console is told as it happens.
#[derive(Debug, Clone)]
pub enum Live {
    /// A request or a sign-in.
    Event(Arc<EventSummary>),
    /// An alert, new or changed.
    Alert(Arc<Alert>),
    /// A second of traffic.
    Traffic(Arc<Second>),
}

/// A second of traffic, by zone.
#[derive(Debug, Clone, Serialize)]
pub struct Second {
    /// Its begin, in milliseconds since the epoch.
    pub t_ms: u64,
    /// Requests of each zone.
    pub zones: Vec<ZoneSecond>,
    /// Open connections.
    pub connections: i64,
}

/// A zone's requests in a second.
#[derive(Debug, Clone, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the administration API"
)]
pub struct ZoneSecond {
    pub name: String,
    pub allowed: u64,
    pub refused: u64,
}

/// A caller as the console lists it.
#[derive(Debug, Clone, Default)]
pub struct CallerSeen {
    /// Requests.
    pub requests: u64,
    /// Those that were refused.
    pub refused: u64,
    /// The last one, in milliseconds since the epoch.
    pub last_ms: u64,
    /// Addresses it came from, the latest first.
    pub addresses: VecDeque<IpAddr>,
}

/// Alerts, risk and responses.
pub struct Watchtower {
    /// Guards the events that wait; held for a push or a swap.
    waiting: Mutex<Vec<(u64, Seen)>>,
    /// Guards the ordinary requests that wait; held for a push or a swap.
    ordinary: Mutex<Vec<Ordinary>>,
    lost: AtomicU64,
    /// Guards detectors and alerts, off the request's path.
    situation: Mutex<Situation>,
    risk: Arc<RiskBoard>,
    ready: AtomicBool,
    live: broadcast::Sender<Live>,
    /// Guards the list of callers, off the request's path.
    callers: Mutex<HashMap<String, CallerSeen>>,
    /// Guards the seconds of the chart, off the request's path.
    seconds: Mutex<VecDeque<Arc<Second>>>,
}

impl Watchtower {
    /// A tower with these thresholds, and nothing seen yet.
    pub fn new(settings: Settings) -> Self {
        let situation = Situation::new(settings);
        Self {
            waiting: Mutex::new(Vec::new()),
            ordinary: Mutex::new(Vec::new()),
            lost: AtomicU64::new(0),
            risk: situation.risk(),
            situation: Mutex::new(situation),
            ready: AtomicBool::new(false),
            live: broadcast::channel(1024).0,
            callers: Mutex::new(HashMap::new()),
            seconds: Mutex::new(VecDeque::new()),
        }
    }

    /// Takes note of an event that has been recorded; what finds no room is counted and reported.
    pub fn see(&self, number: u64, seen: Seen) {
        let mut waiting = lock(&self.waiting);
        if waiting.len() < MOST_WAITING {
            waiting.push((number, seen));
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes note of a request that ended as requests should: of most, so it costs as little as it can.
    pub fn see_ordinary(&self, exchange: &Exchange) {
        let (caller, address) = (exchange.caller(), exchange.address());
        let mut ordinary = lock(&self.ordinary);
        if let Some(last) = ordinary.last_mut()
            && Arc::ptr_eq(&last.caller, &caller)
            && last.address == address
        {
            last.requests += 1;
            last.time_ms = exchange.begun_ms;
        } else if ordinary.len() < MOST_WAITING {
            ordinary.push(Ordinary {
                caller,
                address,
                time_ms: exchange.begun_ms,
                requests: 1,
            });
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Risk and throttling of a caller and an address.
    pub fn standing(&self, caller: &str, address: IpAddr, now_ms: u64) -> Standing {
        self.risk.standing(caller, address, now_ms)
    }

    /// Whether every listener is open.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Says whether every listener is open.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// Detectors and alerts.
    pub fn situation(&self) -> MutexGuard<'_, Situation> {
        lock(&self.situation)
    }

    /// Whether anybody listens.
    pub fn is_listened_to(&self) -> bool {
        self.live.receiver_count() > 0
    }

    /// What happens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Live> {
        self.live.subscribe()
    }

    /// Tells the console about an alert.
    pub fn tell(&self, alert: &Alert) {
        // Nobody listening is no error.
        let _listeners = self.live.send(Live::Alert(Arc::new(alert.clone())));
    }

    /// Callers that have been seen.
    pub fn callers(&self) -> Vec<(String, CallerSeen)> {
        lock(&self.callers)
            .iter()
            .map(|(id, seen)| (id.clone(), seen.clone()))
            .collect()
    }

    /// The last ten minutes, a second each.
    pub fn seconds(&self) -> Vec<Arc<Second>> {
        lock(&self.seconds).iter().cloned().collect()
    }

    fn note_caller(&self, id: &str, address: IpAddr, time_ms: u64, requests: u64, refused: u64) {
        let mut callers = lock(&self.callers);
        if !callers.contains_key(id) && callers.len() >= MOST_CALLERS {
            // The one that has been silent for longest makes room; rare, and off the path.
            let oldest = callers
                .iter()
                .min_by_key(|(_, c)| c.last_ms)
                .map(|(id, _)| id.clone());
            if let Some(oldest) = oldest {
                callers.remove(&oldest);
            }
        }
        // Almost always known already, and then its name need not be copied.
        let caller = match callers.get_mut(id) {
            Some(known) => known,
            None => callers.entry(id.to_owned()).or_default(),
        };
        caller.requests += requests;
        caller.refused += refused;
        caller.last_ms = time_ms;
        if caller.addresses.front() != Some(&address) {
            caller.addresses.retain(|a| *a != address);
            caller.addresses.push_front(address);
            caller.addresses.truncate(8);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes events in until the process ends.
pub async fn run(gateway: Arc<Gateway>) {
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut before: Vec<(u64, u64)> = Vec::new();
    let mut second = clock::wall_ms() / 1000;
    let mut room = Room::default();
    loop {
        beat.tick().await;
        take_in(&gateway, &mut room);
        let now = clock::wall_ms();
        if now / 1000 != second {
            second = now / 1000;
            count_second(&gateway, second * 1000, &mut before);
            gateway.bans.expire(now);
            gateway.journal.look();
        }
    }
}

fn count_second(gateway: &Gateway, t_ms: u64, before: &mut Vec<(u64, u64)>) {
    let snapshot = gateway.snapshot.load();
    let counters = gateway.metrics.zones();
    before.resize(counters.len(), (0, 0));
    let mut zones = Vec::with_capacity(counters.len());
    for (i, counter) in counters.iter().enumerate() {
        let now = (counter.allowed.get(), counter.refused.get());
        let last = before.get(i).copied().unwrap_or(now);
        zones.push(ZoneSecond {
            name: snapshot
                .zone(i)
                .map_or_else(String::new, |z| z.settings.name.clone()),
            allowed: now.0.saturating_sub(last.0),
            refused: now.1.saturating_sub(last.1),
        });
        if let Some(slot) = before.get_mut(i) {
            *slot = now;
        }
    }
    let connections = counters
        .iter()
        .map(|c| c.connections.load(Ordering::Relaxed))
        .sum();
    let second = Arc::new(Second {
        t_ms,
        zones,
        connections,
    });
    let mut seconds = lock(&gateway.tower.seconds);
    if seconds.len() >= SECONDS {
        seconds.pop_front();
    }
    seconds.push_back(Arc::clone(&second));
    drop(seconds);
    let _listeners = gateway.tower.live.send(Live::Traffic(second));
}

/// Room that is exchanged for what waits, so that it need not grow anew each time.
#[derive(Default)]
struct Room {
    waiting: Vec<(u64, Seen)>,
    ordinary: Vec<Ordinary>,
}

fn take_in(gateway: &Arc<Gateway>, room: &mut Room) {
    std::mem::swap(&mut *lock(&gateway.tower.waiting), &mut room.waiting);
    std::mem::swap(&mut *lock(&gateway.tower.ordinary), &mut room.ordinary);
    let lost = gateway.tower.lost.swap(0, Ordering::Relaxed);
    if lost > 0 {
        tracing::error!(lost, "events came faster than the detectors take them in");
    }
    for (number, seen) in room.waiting.drain(..) {
        for reaction in observe(gateway, number, seen) {
            react(gateway, reaction);
        }
    }
    for seen in room.ordinary.drain(..) {
        for reaction in observe_ordinary(gateway, &seen) {
            react(gateway, reaction);
        }
    }
    room.waiting.shrink_to(KEPT_ROOM);
    room.ordinary.shrink_to(KEPT_ROOM);
}

fn observe_ordinary(gateway: &Arc<Gateway>, seen: &Ordinary) -> Vec<Reaction> {
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
        | Refusal::Handshake(_)
        | Refusal::Upgrade => Cause::Malformed,
        Refusal::NoPortal | Refusal::NoCrossing => Cause::NotFound,
        Refusal::NoUpstream
        | Refusal::UpstreamFailed
        | Refusal::UpstreamSlow
        | Refusal::Unredactable(_)
        | Refusal::NoRecord
        | Refusal::Undecided
        | Refusal::Closing => Cause::Fault,
    }
}

fn observe(gateway: &Arc<Gateway>, number: u64, seen: Seen) -> Vec<Reaction> {
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
    let refusal = match ending {
        Ending::Refused(refusal) => Some(refusal),
        Ending::Answered { .. }
        | Ending::BrokenOff { .. }
        | Ending::Streamed { .. }
        | Ending::Own(_) => None,
    };
    let caller = exchange.caller();
    let address = exchange.address();
    gateway.tower.note_caller(
        &caller.id,
        address,
        exchange.begun_ms,
        1,
        refusal.is_some().into(),
    );
    let redacted = match ending {
        Ending::Answered { redacted, .. } | Ending::BrokenOff { redacted, .. } => redacted.as_ref(),
        Ending::Refused(_) | Ending::Streamed { .. } | Ending::Own(_) => None,
    };
    let counts: Vec<(&str, u32)> = redacted
        .map(|s| {
            s.counts
                .iter()
                .filter(|(_, n)| *n > 0)
                .map(|(kind, n)| (kind.as_str(), u32::try_from(n).unwrap_or(u32::MAX)))
                .collect()
        })
        .unwrap_or_default();
    // Without a hash of each person, people are at most as many as the kind of value that occurs most often.
    let subjects = counts.iter().map(|(_, n)| *n).max().unwrap_or(0);
    let categories: Vec<&str> = exchange
        .verdict
        .findings
        .iter()
        .map(|f| record::category(f.category))
        .collect();
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
            score: exchange.verdict.score,
            categories: &categories,
        },
        personal: Personal {
            counts: &counts,
            subjects,
            hashes: &[],
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
    let refusal = match ending {
        Ending::Refused(refusal) => Some(refusal),
        Ending::Answered { .. }
        | Ending::BrokenOff { .. }
        | Ending::Streamed { .. }
        | Ending::Own(_) => None,
    };
    let redacted = match ending {
        Ending::Answered { redacted, .. } | Ending::BrokenOff { redacted, .. } => {
            redacted.as_ref().map_or(0, |s| s.counts.total())
        }
        Ending::Refused(_) | Ending::Streamed { .. } | Ending::Own(_) => 0,
    };
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
        score: exchange.verdict.score,
        redacted,
        duration_us: u64::try_from(
            clock::monotonic()
                .saturating_sub(exchange.begun)
                .as_micros(),
        )
        .unwrap_or(u64::MAX),
    }
}

const fn severity(severity: hangu_situational::Severity) -> Severity {
    match severity {
        hangu_situational::Severity::Low => Severity::Low,
        hangu_situational::Severity::Medium => Severity::Medium,
        hangu_situational::Severity::High => Severity::High,
        hangu_situational::Severity::Critical => Severity::Critical,
    }
}

fn now_stamp() -> Timestamp {
    Timestamp(i64::try_from(clock::wall_ms()).unwrap_or(i64::MAX))
}

fn react(gateway: &Arc<Gateway>, reaction: Reaction) {
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
    let mut event = Event::new(now_stamp(), what, id.as_str());
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
    let mut event = Event::new(now_stamp(), what, id.as_str());
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
