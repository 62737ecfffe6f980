//! What the writer does when the disk fails: nothing is acknowledged that may be lost, and nothing is tried twice.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use crate::queue::{AppendError, Durability, Health};
use crate::store::{Disk, Output, Store};
use crate::{Log, LogOptions, SigningKey, Timestamp};

/// What goes wrong, and whether what was asked for happened all the same.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    SyncFailedAndLost,
    SyncFailedButDone,
    WriteFailed,
    WriteCutShort,
    WriteFailedButDone,
    ReplaceFailed,
    ReplaceFailedButDone,
}

const FAULTS: [Fault; 7] = [
    Fault::SyncFailedAndLost,
    Fault::SyncFailedButDone,
    Fault::WriteFailed,
    Fault::WriteCutShort,
    Fault::WriteFailedButDone,
    Fault::ReplaceFailed,
    Fault::ReplaceFailedButDone,
];

/// Fails the nth operation of its kind, and every one after it.
#[derive(Clone)]
struct Faulty {
    fault: Fault,
    left: Arc<AtomicU64>,
}

impl Faulty {
    fn strikes(&self, kinds: &[Fault]) -> bool {
        if !kinds.contains(&self.fault) {
            return false;
        }
        let before = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| {
                Some(n.saturating_sub(1))
            });
        before == Ok(0)
    }
}

fn injected() -> io::Error {
    io::Error::other("injected fault")
}

impl Store for Faulty {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        Ok(Box::new(FaultyOutput {
            inner: Disk.open(path)?,
            faulty: self.clone(),
            unsynced: None,
        }))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.strikes(&[Fault::ReplaceFailed, Fault::ReplaceFailedButDone]) {
            if self.fault == Fault::ReplaceFailedButDone {
                Disk.replace(path, bytes)?;
            }
            return Err(injected());
        }
        Disk.replace(path, bytes)
    }
}

struct FaultyOutput {
    inner: Box<dyn Output>,
    faulty: Faulty,
    /// Where the first byte stands that was not synced.
    unsynced: Option<u64>,
}

impl Output for FaultyOutput {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.faulty.strikes(&[
            Fault::WriteFailed,
            Fault::WriteCutShort,
            Fault::WriteFailedButDone,
        ]) {
            match self.faulty.fault {
                Fault::WriteCutShort => self.inner.write_at(&bytes[..bytes.len() / 2], offset)?,
                Fault::WriteFailedButDone => self.inner.write_at(bytes, offset)?,
                Fault::WriteFailed
                | Fault::SyncFailedAndLost
                | Fault::SyncFailedButDone
                | Fault::ReplaceFailed
                | Fault::ReplaceFailedButDone => {}
            }
            return Err(injected());
        }
        self.unsynced = Some(self.unsynced.unwrap_or(offset).min(offset));
        self.inner.write_at(bytes, offset)
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.inner.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        if self
            .faulty
            .strikes(&[Fault::SyncFailedAndLost, Fault::SyncFailedButDone])
        {
            if self.faulty.fault == Fault::SyncFailedAndLost
                && let Some(from) = self.unsynced
            {
                self.inner.set_len(from)?;
            }
            return Err(injected());
        }
        self.unsynced = None;
        self.inner.sync()
    }
}

fn key(dir: &Path) -> SigningKey {
    let path = dir.join("key");
    if !path.exists() {
        SigningKey::generate("h/log").unwrap().save(&path).unwrap();
    }
    SigningKey::load(&path, "h/log").unwrap()
}

#[test]
fn whatever_fails_and_whenever_nothing_is_acknowledged_that_is_not_there() {
    for fault in FAULTS {
        for after in (0..16).chain((16..60).step_by(4)) {
            let root = tempfile::tempdir().unwrap();
            let mut options = LogOptions::new(root.path().join("log"), "h/log");
            options.segment_bytes = 800;
            options.checkpoint_every = Duration::ZERO;
            let store = Faulty {
                fault,
                left: Arc::new(AtomicU64::new(after)),
            };
            let opened = Log::open_in(
                Box::new(store),
                &options,
                key(root.path()),
                Box::new(|| Timestamp(0)),
            );
            let mut acknowledged = 0;
            if let Ok((log, _)) = opened {
                let mut failed = false;
                for n in 0..10u64 {
                    let (tell, told) = mpsc::channel();
                    let ack = Box::new(move |result| drop(tell.send(result)));
                    match log.append(n.to_string().into_bytes(), Durability::Durable, Some(ack)) {
                        Ok(()) => {}
                        Err(error) => {
                            assert_eq!(error, AppendError::Stopped);
                            failed = true;
                            continue;
                        }
                    }
                    match told.recv().unwrap() {
                        Ok(committed) => {
                            assert!(
                                !failed,
                                "{fault:?} after {after}: acknowledged after a failure"
                            );
                            assert_eq!(committed.index, n);
                            acknowledged = n + 1;
                        }
                        Err(_) => failed = true,
                    }
                }
                assert!(!failed || matches!(log.health(), Health::Failed(_)));
                // An operation that only closing does may be the one that fails.
                drop(log.close());
            }
            // The next writer has a sound disk.
            let (log, recovered) = Log::open(&options, key(root.path()), || Timestamp(0))
                .unwrap_or_else(|e| panic!("{fault:?} after {after}: {e}"));
            assert!(
                recovered.size >= acknowledged,
                "{fault:?} after {after}: {recovered:?}, {acknowledged} acknowledged"
            );
            log.close().unwrap();
            let records = crate::read(&options.dir, 0, 100).unwrap();
            for (n, record) in records.iter().enumerate() {
                assert_eq!(record.event, n.to_string().into_bytes());
            }
            let report = crate::verify(&options.dir, &key(root.path()).public()).unwrap();
            assert!(report.ok, "{fault:?} after {after}: {report}");
        }
    }
}

/// A disk that stands still until it is let go.
#[derive(Clone)]
struct Stuck {
    stuck: Arc<AtomicBool>,
    freed: Arc<(Mutex<()>, Condvar)>,
}

impl Store for Stuck {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        Ok(Box::new(StuckOutput(Disk.open(path)?, self.clone())))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        Disk.replace(path, bytes)
    }
}

struct StuckOutput(Box<dyn Output>, Stuck);

impl Output for StuckOutput {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn set_len(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        let (lock, freed) = &*self.1.freed;
        let mut guard = lock.lock().unwrap();
        while self.1.stuck.load(Ordering::SeqCst) {
            guard = freed.wait(guard).unwrap();
        }
        self.0.sync()
    }
}

#[test]
fn a_full_queue_refuses_and_takes_events_again_when_the_disk_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let mut options = LogOptions::new(root.path().join("log"), "h/log");
    options.queue_bytes = 100_000;
    let stuck = Stuck {
        stuck: Arc::new(AtomicBool::new(false)),
        freed: Arc::default(),
    };
    let (log, _) = Log::open_in(
        Box::new(stuck.clone()),
        &options,
        key(root.path()),
        Box::new(|| Timestamp(0)),
    )
    .unwrap();
    stuck.stuck.store(true, Ordering::SeqCst);
    let (tell, told) = mpsc::channel();
    let mut taken = 0;
    loop {
        let tell = tell.clone();
        let ack = Box::new(move |result: Result<_, _>| tell.send(result.is_ok()).unwrap());
        match log.append(vec![b'x'; 1000], Durability::Durable, Some(ack)) {
            Ok(()) => taken += 1,
            Err(error) => {
                assert_eq!(error, AppendError::Full);
                break;
            }
        }
        assert!(taken < 1000, "the queue has no bound");
    }
    drop(tell);
    stuck.stuck.store(false, Ordering::SeqCst);
    drop(stuck.freed.0.lock().unwrap());
    stuck.freed.1.notify_all();
    assert_eq!(
        told.iter().filter(|ok| *ok).count(),
        taken,
        "everything taken is recorded"
    );
    log.append(b"again", Durability::Durable, None).unwrap();
    log.close().unwrap();
    assert_eq!(crate::read(&options.dir, 0, 1000).unwrap().len(), taken + 1);
}
