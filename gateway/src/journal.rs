//! The audit log of this process.
//!
//! A log has one writer. While a new binary takes over, two processes serve, so the folder holds numbered logs: a
//! process continues the last one, or begins the next where that is still being written. An event's number across
//! all of them is the log's number shifted by [`SHIFT`], plus its index.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hangu_audit::{
    Ack, Checkpoint, Durability, Health, Log, LogOptions, OpenError, ReadError, Record, SigningKey,
    Timestamp,
};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::clock;
use crate::watch::{Seen, Watchtower};

/// Bits of an event's number that its index takes; with 13 bits for the log it stays exact in JavaScript.
pub const SHIFT: u32 = 40;

/// The audit log of this process.
pub struct Journal {
    log: Log,
    number: u64,
    folder: PathBuf,
    tower: Arc<Watchtower>,
    /// Whether the last event found room; looked at by every request before anything is done for it.
    accepting: AtomicBool,
    lost: AtomicU64,
}

/// Why the log cannot be opened.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The folder cannot be read or made.
    #[error("`{0}`: {1}")]
    Folder(PathBuf, std::io::Error),
    /// The log cannot be continued.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] hangu_audit::KeyError),
}

/// An event could not be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the event could not be recorded")]
pub struct NotRecorded;

/// How long it takes until an event must be on disk before a request that waits for it is refused.
const PATIENCE: Duration = Duration::from_secs(10);

/// The numbered logs of a folder, in order.
pub fn numbers(folder: &Path) -> std::io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Some(number) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The folder of a numbered log.
pub fn log_folder(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:04}"))
}

impl Journal {
    /// Continues the last log of the folder, or begins the next where another process still writes it.
    ///
    /// # Errors
    /// When the last log holds anything that a crash cannot explain: nothing is repaired then.
    pub fn open(
        folder: &Path,
        origin: &str,
        key_file: &Path,
        queue: usize,
        checkpoint: Duration,
        tower: Arc<Watchtower>,
    ) -> Result<Self, JournalError> {
        let wrong = |e| JournalError::Folder(folder.to_owned(), e);
        fs::create_dir_all(folder).map_err(wrong)?;
        let key = || -> Result<SigningKey, JournalError> {
            if key_file.exists() {
                return Ok(SigningKey::load(key_file, origin)?);
            }
            let key = SigningKey::generate(origin)?;
            if let Some(parent) = key_file.parent() {
                fs::create_dir_all(parent)
                    .map_err(|e| JournalError::Folder(parent.to_owned(), e))?;
            }
            key.save(key_file)?;
            Ok(key)
        };
        let public = folder.join("public.key");
        if !public.exists() {
            key()?.public().save(&public)?;
        }
        let last = numbers(folder).map_err(wrong)?.last().copied().unwrap_or(1);
        let mut number = last;
        loop {
            let mut options = LogOptions::new(log_folder(folder, number), origin);
            options.queue_bytes = queue;
            options.checkpoint_every = checkpoint;
            let clock = || Timestamp(i64::try_from(clock::wall_ms()).unwrap_or(i64::MAX));
            match Log::open(&options, key()?, clock) {
                Ok((log, recovered)) => {
                    tracing::info!(number, ?recovered, "audit log open");
                    return Ok(Self {
                        log,
                        number,
                        folder: folder.to_owned(),
                        tower,
                        accepting: AtomicBool::new(true),
                        lost: AtomicU64::new(0),
                    });
                }
                Err(OpenError::InUse(_)) if number < last + 8 => number += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether events are recorded. A request is refused while they are not.
    pub fn accepts(&self) -> bool {
        self.accepting.load(Ordering::Acquire)
    }

    /// Looks again whether events are recorded; called every second.
    pub fn look(&self) {
        let running = matches!(self.log.health(), Health::Running);
        if !running && self.accepting.load(Ordering::Acquire) {
            tracing::error!(health = ?self.log.health(), "the audit log has stopped; requests are refused");
        }
        self.accepting.store(running, Ordering::Release);
    }

    /// Events that could not be recorded.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn append(
        &self,
        event: &[u8],
        durability: Durability,
        ack: Option<Ack>,
    ) -> Result<(), NotRecorded> {
        self.log.append(event, durability, ack).map_err(|error| {
            // From now on requests are refused, until the queue has room and the log runs.
            self.accepting.store(false, Ordering::Release);
            self.lost.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "an event could not be recorded");
            NotRecorded
        })
    }

    /// Hands an event over; it is written within milliseconds, and then seen by the detectors.
    pub fn soon(&self, event: &[u8], seen: Seen) {
        let (tower, number) = (Arc::clone(&self.tower), self.number);
        let ack: Ack = Box::new(move |result| {
            if let Ok(committed) = result {
                tower.see((number << SHIFT) | committed.index, seen);
            }
        });
        // The request is over; what could not be recorded makes the next ones refused.
        let _noted = self.append(event, Durability::Buffered, Some(ack));
    }

    /// Hands over an event that no detector looks at: an alert, a response.
    pub fn quietly(&self, event: &[u8]) {
        let _noted = self.append(event, Durability::Buffered, None);
    }

    /// Records an event and waits until it is on disk; gives its number.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub async fn durable(&self, event: &[u8], seen: Option<Seen>) -> Result<u64, NotRecorded> {
        let (send, receive) = oneshot::channel();
        let ack: Ack = Box::new(move |result| {
            // The waiter may have given up.
            let _gone = send.send(result);
        });
        self.append(event, Durability::Durable, Some(ack))?;
        match tokio::time::timeout(PATIENCE, receive).await {
            Ok(Ok(Ok(committed))) => {
                let number = self.number_of(committed.index);
                if let Some(seen) = seen {
                    self.tower.see(number, seen);
                }
                Ok(number)
            }
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => Err(NotRecorded),
        }
    }

    /// Whether events are still recorded.
    pub fn health(&self) -> Health {
        self.log.health()
    }

    /// Events in this process's log.
    pub fn size(&self) -> u64 {
        self.log.size()
    }

    /// The latest signed checkpoint.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.log.checkpoint()
    }

    /// The number of an event of this process's log.
    pub fn number_of(&self, index: u64) -> u64 {
        (self.number << SHIFT) | index
    }

    /// Events before a number, newest first, over all logs of the folder.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn read_back(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Record)>, ReadError> {
        let mut found = Vec::new();
        let numbers = numbers(&self.folder).unwrap_or_default();
        for number in numbers.into_iter().rev() {
            let below = match before.map(|b| (b >> SHIFT, b & ((1 << SHIFT) - 1))) {
                Some((log, _)) if log < number => continue,
                Some((log, index)) if log == number => Some(index),
                Some(_) | None => None,
            };
            let left = limit.saturating_sub(found.len());
            if left == 0 {
                break;
            }
            let records = hangu_audit::read_back(&log_folder(&self.folder, number), below, left)?;
            found.extend(
                records
                    .into_iter()
                    .map(|r| ((number << SHIFT) | r.index, r)),
            );
        }
        Ok(found)
    }

    /// One event by its number.
    ///
    /// # Errors
    /// When its log cannot be read.
    pub fn read_one(&self, number: u64) -> Result<Option<Record>, ReadError> {
        let (log, index) = (number >> SHIFT, number & ((1 << SHIFT) - 1));
        let records = hangu_audit::read(&log_folder(&self.folder, log), index, 1)?;
        Ok(records.into_iter().find(|r| r.index == index))
    }

    /// Writes what is queued, makes a last checkpoint and stops.
    pub fn close(&self) {
        if let Err(error) = self.log.clone().close() {
            tracing::error!(%error, "the audit log did not close well");
        }
    }
}
