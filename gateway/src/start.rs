//! Puts a gateway together from its configuration, and what it kept over the last restart.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use hangu_identity::session::Sessions;
use hangu_identity::session::journal::FileJournal;
use hangu_identity::token::TokenCache;
use hangu_limit::{Bans, Concurrency, Limiter};
use hangu_policy::lifecycle::Bundle;
use hangu_policy::said;
use tokio::sync::Semaphore;

use crate::alerts_file::AlertsFile;
use crate::clock;
use crate::config::{self, Mistake, unusable};
use crate::connection::Connections;
use crate::discovery::Discovery;
use crate::gateway::Gateway;
use crate::id::Ids;
use crate::journal::Journal;
use crate::jwks::JwksFetcher;
use crate::key_use::{self, KeyUse};
use crate::metrics::Metrics;
use crate::policy::office::Office;
use crate::reload::warn_of_failing_cases;
use crate::snapshot::Snapshot;
use crate::streams::Streams;
use crate::triage::{self, Triage};
use crate::watch::Watchtower;

/// Addresses and callers whose rates are remembered at once.
const LIMITED: usize = 1 << 20;
/// Verified tokens that are remembered at once.
const TOKENS: usize = 1 << 16;
/// Passwords that are checked at once: 19 MiB each.
const PASSWORD_CHECKS: usize = 2;

/// Reads the configuration at `path` and everything it names, and opens what was kept over the last restart.
///
/// # Errors
/// Every mistake, or what of the state cannot be used.
pub fn gateway(path: &Path) -> Result<Arc<Gateway>, Vec<Mistake>> {
    open(snapshot(path)?)
}

/// Reads the configuration at `path` and everything it names; touches nothing that a running process owns.
///
/// # Errors
/// Every mistake.
pub fn snapshot(path: &Path) -> Result<Snapshot, Vec<Mistake>> {
    let configuration = config::load(path)?;
    let state = &configuration.state;
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state);
    made.map_err(|e| wrong(state, &e))?;
    Snapshot::build(configuration, None)
}

fn wrong(file: &Path, error: &dyn std::fmt::Display) -> Vec<Mistake> {
    vec![Mistake::of_file(file, unusable(error))]
}

/// Opens what was kept over the last restart: bans, sessions, alerts, the audit log.
///
/// # Errors
/// What of it cannot be used.
pub fn open(snapshot: Snapshot) -> Result<Arc<Gateway>, Vec<Mistake>> {
    warn_of_failing_cases(&snapshot);
    let configuration = &snapshot.configuration;
    let state = configuration.state.clone();
    let now_ms = clock::wall_ms();

    let tower = Arc::new(Watchtower::new(configuration.situational.clone()));
    let audit = &configuration.audit;
    let journal = Journal::open(
        &audit.folder,
        &audit.origin,
        &audit.key,
        audit.queue,
        audit.checkpoint,
        Arc::clone(&tower),
    )
    .map_err(|e| wrong(&audit.folder, &e))?;
    let bans_file = state.join("bans.jsonl");
    let bans = Bans::open(&bans_file, now_ms).map_err(|e| wrong(&bans_file, &e))?;
    bans.exempt(&configuration.situational.responses.spare_networks);
    let sessions_file = state.join("sessions.jsonl");
    let (sessions_journal, past) =
        FileJournal::open(&sessions_file).map_err(|e| wrong(&sessions_file, &e))?;
    let sessions = Sessions::open(
        configuration.identity.session.clone(),
        sessions_journal,
        past,
        clock::now(),
    )
    .map_err(|e| wrong(&sessions_file, &e))?;
    let alerts_path = state.join("alerts.jsonl");
    let (alerts_file, alerts) =
        AlertsFile::open(&alerts_path).map_err(|e| wrong(&alerts_path, &e))?;
    tower.situation().restore(alerts, now_ms);
    let ids = Ids::new().map_err(|_| {
        let said = said!(
            "the operating system gives no random numbers",
            "操作系统无法提供随机数"
        );
        vec![Mistake::of_file(&state, said)]
    })?;
    let metrics = Metrics::new(configuration);
    let discovery = Discovery::start().map_err(|error| wrong(&configuration.path, &error))?;
    let office = match &configuration.policy.review {
        None => None,
        Some(review) => {
            let first = shortened(&snapshot.policy.bundle, &configuration.path);
            let opened = Office::open(&state, review, &first, now_ms);
            Some(opened.map_err(|mistake| vec![mistake])?)
        }
    };
    let snapshot = match &office {
        None => snapshot,
        Some(office) => office.first(snapshot, now_ms)?,
    };
    let grants = Arc::clone(&snapshot.grants);
    let triage = Triage::open(state.join(triage::FILE), grants, now_ms);
    Ok(Arc::new(Gateway {
        snapshot: ArcSwap::from_pointee(snapshot),
        changing: Mutex::new(()),
        office,
        ids,
        journal,
        addresses: Limiter::new(LIMITED),
        callers: Limiter::new(LIMITED),
        sign_ins: Limiter::new(LIMITED / 16),
        concurrency: Concurrency::new(LIMITED / 4),
        bans,
        tokens: TokenCache::new(TOKENS),
        sessions,
        connections: Arc::new(Connections::default()),
        streams: Arc::new(Streams::default()),
        metrics,
        tower,
        triage,
        discovery,
        alerts_file,
        key_use: KeyUse::open(state.join(key_use::FILE)),
        jwks: JwksFetcher::default(),
        password_checks: Semaphore::new(PASSWORD_CHECKS),
        draining: AtomicBool::new(false),
        last_errors: ArcSwap::from_pointee(Vec::new()),
        started_ms: now_ms,
        hasher: foldhash::quality::RandomState::default(),
    }))
}

/// Texts under their names in the configuration's folder, so that a policy is named alike wherever it was set up.
fn shortened(bundle: &Bundle, configuration: &Path) -> Bundle {
    let folder = configuration.parent().unwrap_or(Path::new(""));
    let mut bundle = bundle.clone();
    let texts = std::iter::once(&mut bundle.model)
        .chain(&mut bundle.rules)
        .chain(&mut bundle.statements)
        .chain(&mut bundle.cases);
    for text in texts {
        if let Ok(name) = Path::new(&text.name).strip_prefix(folder) {
            text.name = name.display().to_string();
        }
    }
    bundle
}
