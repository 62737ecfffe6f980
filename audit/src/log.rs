//! The log as those who append see it.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::Timestamp;
use crate::checkpoint::Checkpoint;
use crate::key::SigningKey;
use crate::queue::{Ack, AppendError, Durability, Failed, Health, Queue};
use crate::read::{self, ReadError, Record};
use crate::recover::{self, OpenError, Recovered};
use crate::store::{Disk, Store};
use crate::writer::Rhythm;

/// Where a log lives and how it is written.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The log's directory; made if it is missing.
    pub dir: PathBuf,
    /// The log's name in its checkpoints, like `gateway1.example/audit`; the key must have the same name.
    pub origin: String,
    /// A segment is sealed when it has this many bytes. Default 64 MiB.
    pub segment_bytes: u64,
    /// Longest time between a record and the checkpoint that covers it. Default 1 s.
    pub checkpoint_every: Duration,
    /// Records after which a checkpoint is made earlier, though at most twice a second. Default 1,000.
    pub checkpoint_records: u64,
    /// Bound on the bytes of events that are queued or being written. Default 32 MiB.
    pub queue_bytes: usize,
}

impl LogOptions {
    /// The defaults, for a directory and a name.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, origin: impl Into<String>) -> Self {
        Self {
            dir: dir.into(),
            origin: origin.into(),
            segment_bytes: 64 * 1024 * 1024,
            checkpoint_every: Duration::from_secs(1),
            checkpoint_records: 1000,
            queue_bytes: 32 * 1024 * 1024,
        }
    }
}

/// A handle on a log that is open for writing; clones share it.
///
/// When the last handle goes, what is queued is written and a last checkpoint is made; [`Log::close`] also says how
/// that went.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue>,
    /// Guards the thread so that only one closer joins it.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    /// Opens a log, and recovers it if the last writer died.
    ///
    /// # Errors
    /// When the directory is in use or cannot be written, or when it holds anything that a crash cannot explain:
    /// nothing is repaired then, and the error names the file and the place.
    pub fn open(
        options: &LogOptions,
        key: SigningKey,
        clock: impl Fn() -> Timestamp + Send + 'static,
    ) -> Result<(Self, Recovered), OpenError> {
        Self::open_in(Box::new(Disk), options, key, Box::new(clock))
    }

    pub(crate) fn open_in(
        store: Box<dyn Store>,
        options: &LogOptions,
        key: SigningKey,
        clock: Box<dyn Fn() -> Timestamp + Send>,
    ) -> Result<(Self, Recovered), OpenError> {
        let lock = lock(&options.dir)?;
        let rhythm = Rhythm {
            segment_bytes: options.segment_bytes,
            checkpoint_every: options.checkpoint_every,
            checkpoint_records: options.checkpoint_records,
        };
        let (writer, recovered) =
            recover::open(store, &options.dir, &options.origin, key, clock, rhythm)?;
        let queue = Arc::new(Queue::new(options.queue_bytes, writer.checkpoint.clone()));
        let shared = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                writer.run(&shared);
                // Only now may another writer open the directory.
                drop(lock);
            })
            .map_err(|source| OpenError::io(&options.dir, source))?;
        let inner = Arc::new(Inner {
            queue,
            thread: Mutex::new(Some(thread)),
        });
        Ok((Self { inner }, recovered))
    }

    /// Hands an event to the writer; `ack` is called when it is recorded as `durability` asks, or never will be.
    ///
    /// The caller pays for one short lock and a copy; hashing and writing happen on the writer's thread.
    ///
    /// # Errors
    /// When the queue is full, the log has stopped, or the event is larger than [`crate::MAX_RECORD`]; `ack` is
    /// dropped uncalled then.
    pub fn append(
        &self,
        event: impl AsRef<[u8]>,
        durability: Durability,
        ack: Option<Ack>,
    ) -> Result<(), AppendError> {
        self.inner.queue.push(event.as_ref(), durability, ack)
    }

    /// Whether the log still records.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.queue.health()
    }

    /// Number of records written.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.inner.queue.size()
    }

    /// The latest signed checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        Some(self.inner.queue.checkpoint())
    }

    /// Writes what is queued, makes a last checkpoint and stops; other handles find the log stopped.
    ///
    /// # Errors
    /// When the log had failed before or failed now.
    pub fn close(self) -> Result<(), Failed> {
        self.inner.finish();
        match self.health() {
            Health::Failed(reason) => Err(Failed(reason)),
            Health::Running | Health::Closed => Ok(()),
        }
    }

    /// Reads records of the log in `dir`; the same as [`crate::read()`].
    ///
    /// # Errors
    /// When a file cannot be read or a record below the end is damaged.
    pub fn read(dir: &Path, from_index: u64, limit: usize) -> Result<Vec<Record>, ReadError> {
        read::read(dir, from_index, limit)
    }
}

impl Inner {
    fn finish(&self) {
        self.queue.close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            // A panic of the writer shows in the log's health.
            drop(thread.join());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Makes the directory and takes it for this process; the lock goes with the file.
fn lock(dir: &Path) -> Result<File, OpenError> {
    if !dir.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(dir)
            .map_err(|source| OpenError::io(dir, source))?;
    }
    let path = dir.join("lock");
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|source| OpenError::io(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse(dir.display().to_string())),
        Err(fs::TryLockError::Error(source)) => Err(OpenError::io(&path, source)),
    }
}
