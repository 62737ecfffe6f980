//! What the gateway notices about the traffic it carries, and what it does about it.
//!
//! Every recorded event comes here with its number. It is taken in off the request's path, twenty times a second:
//! detectors see it in the words of `observe`, alerts are raised, `respond` carries out bans and ended sessions, and the
//! console is told.

mod observe;
mod respond;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hangu_audit::event::Logon;
use hangu_identity::Caller;
use hangu_situational::{Alert, RiskBoard, Settings, Situation, Standing};
use serde::Serialize;
use tokio::sync::broadcast;

use crate::clock;
use crate::exchange::{Ending, Exchange};
use crate::gateway::Gateway;
use observe::{observe, observe_ordinary};
use respond::react;
pub use respond::{ban, end_sessions, record_alert, record_remedy};

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
