//! A new configuration while the gateway runs: by signal, by a change of its files, by the administration API.
//!
//! It is read and checked whole, then swapped at once. One that has mistakes changes nothing and says where they are.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hangu_policy::said;
use notify::{RecursiveMode, Watcher as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::config::{self, Configuration, Mistake};
use crate::gateway::Gateway;
use crate::snapshot::Snapshot;
use crate::stage::tls;

/// Editors write in several steps; what follows within this time is one change.
const SETTLE: Duration = Duration::from_millis(150);

/// Reads the configuration again and puts it into force.
///
/// # Errors
/// Every mistake; the running configuration stays.
pub fn reload(gateway: &Arc<Gateway>) -> Result<Arc<Snapshot>, Vec<Mistake>> {
    let alone = gateway
        .changing
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let before = gateway.snapshot.load_full();
    let result = config::load(&before.configuration.path)
        .and_then(|new| same_listeners(&before.configuration, new))
        .and_then(|new| Snapshot::build(new, Some(&before)));
    match result {
        Ok(snapshot) => {
            let snapshot = Arc::new(snapshot);
            warn_of_failing_cases(&snapshot);
            snapshot.start_checks(Some(&before));
            gateway
                .tower
                .situation()
                .set(snapshot.configuration.situational.clone());
            gateway
                .bans
                .exempt(&snapshot.configuration.situational.responses.spare_networks);
            gateway.snapshot.store(Arc::clone(&snapshot));
            drop(alone);
            if let (Some(office), Some(review)) =
                (&gateway.office, &snapshot.configuration.policy.review)
            {
                office.configure(review);
            }
            if let Some(keys) = &before.identities.api_keys {
                gateway.key_use.note(keys);
            }
            gateway.last_errors.store(Arc::new(Vec::new()));
            gateway.metrics.reloads.inc();
            let cut = verify_open_connections(gateway, &snapshot);
            end_sessions_of_the_removed(gateway, &snapshot);
            tracing::info!(revision = %snapshot.policy.revision, cut, "configuration in force");
            Ok(snapshot)
        }
        Err(mistakes) => {
            for mistake in &mistakes {
                tracing::error!(%mistake, "configuration refused; the running one stays");
            }
            gateway.metrics.reloads_failed.inc();
            gateway.last_errors.store(Arc::new(mistakes.clone()));
            Err(mistakes)
        }
    }
}

/// An urgent rule may break a test, so one that does not hold is said and does not stop the configuration.
pub fn warn_of_failing_cases(snapshot: &Snapshot) {
    for mistake in snapshot.failing_cases() {
        tracing::warn!(%mistake, "a test beside the policy does not hold");
    }
}

/// Listeners belong to the process: they change with a new one, which takes the old one's over.
fn same_listeners(
    before: &Configuration,
    new: Configuration,
) -> Result<Configuration, Vec<Mistake>> {
    let shape = |c: &Configuration| -> Vec<(String, Vec<std::net::SocketAddr>, bool)> {
        c.zones
            .iter()
            .map(|z| (z.name.clone(), z.listen.clone(), z.tls.is_some()))
            .collect()
    };
    let console = |c: &Configuration| c.console.as_ref().map(|console| console.listen);
    if before.policy.review.is_some() != new.policy.review.is_some() {
        let message = said!(
            "whether policy changes are reviewed changes with a new process: start it with `--upgrade` and send SIGQUIT to this one",
            "策略变更是否须评审，要换新进程才能改变：请用 `--upgrade` 启动新进程，再向本进程发送 SIGQUIT"
        );
        return Err(vec![Mistake::of_file(&new.path, message)]);
    }
    let same = shape(before) == shape(&new)
        && before.operations == new.operations
        && console(before) == console(&new)
        && before.state == new.state;
    if same {
        return Ok(new);
    }
    let message = said!(
        "zones, their listeners and the state folder change with a new process: start it with `--upgrade` and send SIGQUIT to this one",
        "区域、监听地址和状态目录要换新进程才能改变：请用 `--upgrade` 启动新进程，再向本进程发送 SIGQUIT"
    );
    Err(vec![Mistake::of_file(&new.path, message)])
}

/// Holds every open connection against the trust in force; what fails is cut at once. Tells how many were.
fn verify_open_connections(gateway: &Gateway, snapshot: &Snapshot) -> usize {
    let now = crate::clock::now();
    let stale = |connection: &Arc<crate::connection::Connection>| {
        let zone_tls = snapshot
            .zone(connection.zone)
            .and_then(|zone| zone.tls.as_ref());
        tls::still_trusted(connection, zone_tls, now).is_err()
    };
    gateway
        .connections
        .all()
        .iter()
        .filter(|c| stale(c))
        .map(|c| c.cancel())
        .count()
}

/// Ends the sessions of callers that are no longer among the local identities.
fn end_sessions_of_the_removed(gateway: &Gateway, snapshot: &Snapshot) {
    let local = &snapshot.identities.local;
    let ended = gateway.sessions.end_where(crate::clock::now(), |session| {
        !local.has_caller(session.caller())
    });
    match ended {
        Ok(0) => {}
        Ok(ended) => tracing::info!(ended, "sessions of removed identities ended"),
        Err(error) => tracing::error!(%error, "the end of sessions could not be kept"),
    }
}

/// Waits for SIGHUP and for changes of the files until the process ends.
pub async fn watch(gateway: Arc<Gateway>) {
    let (send, mut changed) = mpsc::channel::<()>(1);
    let mut watcher = FileWatcher::new(send);
    watcher.follow(&gateway.snapshot.load().files());
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::error!(%error, "SIGHUP cannot be waited for");
            return;
        }
    };
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            Some(()) = changed.recv() => {
                tokio::time::sleep(SETTLE).await;
                // Everything that came meanwhile is part of the same change.
                while changed.try_recv().is_ok() {}
            }
        }
        let blocking = Arc::clone(&gateway);
        let handle = tokio::runtime::Handle::current();
        let reloaded = tokio::task::spawn_blocking(move || {
            let _runtime = handle.enter();
            reload(&blocking)
        })
        .await;
        if let Ok(Ok(snapshot)) = reloaded {
            watcher.follow(&snapshot.files());
        }
    }
}

/// Watches the folders of files, because editors replace files rather than change them.
struct FileWatcher {
    watcher: Option<notify::RecommendedWatcher>,
    files: Arc<std::sync::Mutex<HashSet<PathBuf>>>,
    folders: HashSet<PathBuf>,
}

impl FileWatcher {
    fn new(send: mpsc::Sender<()>) -> Self {
        let files: Arc<std::sync::Mutex<HashSet<PathBuf>>> = Arc::default();
        let known = Arc::clone(&files);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if event.kind.is_access() {
                return;
            }
            let known = known
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let concerns = |path: &PathBuf| {
                known.contains(path) || path.parent().is_some_and(|folder| known.contains(folder))
            };
            if event.paths.iter().any(concerns) {
                // Full means that a change is waiting already.
                let _waiting = send.try_send(());
            }
        });
        let watcher = watcher
            .map_err(|error| tracing::warn!(%error, "files cannot be watched; reload with SIGHUP"))
            .ok();
        Self {
            watcher,
            files,
            folders: HashSet::new(),
        }
    }

    fn follow(&mut self, files: &[PathBuf]) {
        let whole: HashSet<PathBuf> = files.iter().filter_map(|f| f.canonicalize().ok()).collect();
        let folders: HashSet<PathBuf> = whole
            .iter()
            // Of a folder, whatever comes and goes in it counts.
            .filter_map(|f| if f.is_dir() { Some(&**f) } else { f.parent() })
            .map(PathBuf::from)
            .collect();
        *self
            .files
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = whole;
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for folder in folders.difference(&self.folders) {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(%error, folder = %folder.display(), "a folder cannot be watched; reload with SIGHUP");
            }
        }
        for folder in self.folders.difference(&folders) {
            if let Err(error) = watcher.unwatch(folder) {
                tracing::debug!(%error, folder = %folder.display(), "a folder is no longer watched");
            }
        }
        self.folders = folders;
    }
}
