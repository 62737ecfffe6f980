//! What all requests share: the configuration in force and the state that outlives it.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use hangu_identity::token::TokenCache;
use hangu_limit::{AddressKey, Bans, Concurrency, Limiter};
use tokio::sync::Semaphore;

use crate::alerts_file::AlertsFile;
use crate::config::Mistake;
use crate::connection::Connections;
use crate::discovery::Discovery;
use crate::id::Ids;
use crate::journal::Journal;
use crate::jwks::JwksFetcher;
use crate::key_use::KeyUse;
use crate::metrics::Metrics;
use crate::policy::office::Office;
use crate::snapshot::Snapshot;
use crate::streams::Streams;
use crate::triage::Triage;
use crate::watch::Watchtower;
use hangu_identity::session::Sessions;

/// The gateway.
pub struct Gateway {
    /// The configuration in force; read once for each request.
    pub snapshot: ArcSwap<Snapshot>,
    /// Held by whoever makes a snapshot from the present one, until it has taken its place.
    pub changing: Mutex<()>,
    /// The record of policy changes, where they are reviewed.
    pub office: Option<Office>,
    /// The source of ids.
    pub ids: Ids,
    /// The audit log.
    pub journal: Journal,
    /// Rates of addresses.
    pub addresses: Limiter<AddressKey>,
    /// Rates of callers, for each rate class.
    pub callers: Limiter<(u64, u8)>,
    /// Sign-in attempts of addresses.
    pub sign_ins: Limiter<AddressKey>,
    /// Requests in progress of each caller and portal.
    pub concurrency: Concurrency<u64>,
    /// Bans.
    pub bans: Bans,
    /// Verified tokens.
    pub tokens: TokenCache,
    /// Signed-in people.
    pub sessions: Sessions,
    /// Open connections.
    pub connections: Arc<Connections>,
    /// Streams that outlive their decision and can be ended.
    pub streams: Arc<Streams>,
    /// Counters.
    pub metrics: Metrics,
    /// Alerts, risk and responses.
    pub tower: Arc<Watchtower>,
    /// What people decide about findings.
    pub triage: Triage,
    /// Which field carries which kind of personal data.
    pub discovery: Discovery,
    /// Where alerts are kept over a restart.
    pub alerts_file: AlertsFile,
    /// When API keys were last used.
    pub key_use: KeyUse,
    /// Fetches keys of issuers.
    pub jwks: JwksFetcher,
    /// Room for passwords that are being checked: each takes 19 MiB and tens of milliseconds.
    pub password_checks: Semaphore,
    /// Set once a new process has taken over: what is kept in files is then its to change.
    pub draining: AtomicBool,
    /// What the last reload found wrong.
    pub last_errors: ArcSwap<Vec<Mistake>>,
    /// When the process began to serve, in milliseconds since the epoch.
    pub started_ms: u64,
    /// Hashes keys that requests choose, so that nobody can aim at a bucket.
    pub hasher: foldhash::quality::RandomState,
}
