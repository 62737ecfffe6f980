//! What happens when a log is opened: the last writer may have died at any point.
//!
//! A crash can leave a torn tail, a history one checkpoint ahead of the latest, an unfinished file and a tree file that
//! is short. These are mended. Anything else is not a crash, and stops the opening: below a signed checkpoint nothing
//! is ever repaired, and neither is a damaged place that was on disk before something after it was written.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use crate::Timestamp;
use crate::checkpoint::Checkpoint;
use crate::history::{self, LATEST};
use crate::key::SigningKey;
use crate::known::Known;
use crate::merkle::Frontier;
use crate::segment::Segment;
use crate::store::{Store, UNFINISHED};
use crate::tail::Tail;
use crate::tree::stored;
use crate::writer::{Rhythm, Writer, header, side_files};

/// What opening a log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Number of records in the log.
    pub size: u64,
    /// The checkpoint the log was opened with.
    pub checkpoint: Checkpoint,
    /// Bytes of a torn tail that were cut off; 0 after a clean close.
    pub torn_bytes: u64,
    /// Whole records after the last checkpoint, which the last writer did not live to sign.
    pub unsigned_records: u64,
}

/// Why a log was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system refused.
    #[error("cannot use `{path}`: {source}")]
    Io {
        /// The file or directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another writer has the directory.
    #[error("`{0}` is in use by another writer; a log has one at a time")]
    InUse(String),
    /// The key has another name than the log.
    #[error("the key signs for `{key}`, the log is `{origin}`; they must be the same")]
    KeyName {
        /// Name of the key.
        key: String,
        /// Name of the log.
        origin: String,
    },
    /// The log holds what no crash explains. Keep the directory as evidence, run `hangu-verify`, and begin a new log.
    #[error("`{file}` at byte {offset} (record {index}): {what}; nothing was changed")]
    Damaged {
        /// The file.
        file: String,
        /// Byte offset in it.
        offset: u64,
        /// Number of whole records before that place.
        index: u64,
        /// What is wrong.
        what: String,
    },
}

impl OpenError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.display().to_string(),
            source,
        }
    }
}

pub(crate) fn open(
    store: Box<dyn Store>,
    dir: &Path,
    origin: &str,
    key: SigningKey,
    clock: Box<dyn Fn() -> Timestamp + Send>,
    rhythm: Rhythm,
) -> Result<(Writer, Recovered), OpenError> {
    if key.name() != origin {
        return Err(OpenError::KeyName {
            key: key.name().to_owned(),
            origin: origin.to_owned(),
        });
    }
    let io = |source| OpenError::io(dir, source);
    remove_unfinished(dir).map_err(io)?;
    let segments = Segment::list(dir).map_err(io)?;
    let known = Known::read(dir, &key.public())?;
    let Some(checkpoint) = known.newest(&segments)? else {
        return begin(store, dir, key, clock, rhythm).map_err(io);
    };
    if segments.is_empty() {
        // Only the empty checkpoint stands: the first writer died before it made a segment.
        return begin(store, dir, key, clock, rhythm).map_err(io);
    }
    let (mut tree, mut history) = side_files(store.as_ref(), dir).map_err(io)?;
    let tail = Tail::scan(dir, &segments, &checkpoint, &key.public(), tree.as_mut())?;

    // All is well, or mended by what follows; a crash in between is mended in the same way.
    let mut segment = store.open(&tail.segment.path).map_err(io)?;
    let mut mend = || -> io::Result<()> {
        segment.set_len(tail.end)?;
        segment.sync()?;
        history.set_len(known.history_end)?;
        tree.set_len(stored(tail.frontier.size()) * 32)?;
        store.replace(&dir.join(LATEST), checkpoint.note().as_bytes())
    };
    mend().map_err(io)?;
    let recovered = Recovered {
        size: tail.frontier.size(),
        checkpoint: checkpoint.clone(),
        torn_bytes: tail.torn,
        unsigned_records: tail.frontier.size() - checkpoint.size,
    };
    let mut writer = Writer {
        store,
        dir: dir.to_path_buf(),
        key,
        clock,
        rhythm,
        durable: tail.frontier.size(),
        frontier: tail.frontier,
        segment,
        offset: tail.end,
        zeroed: tail.end,
        tree,
        history,
        history_end: known.history_end,
        checkpoint,
        checkpointed_at: Instant::now(),
        frames: Vec::new(),
        hashes: Vec::new(),
    };
    writer.resume(tail.committed).map_err(io)?;
    Ok((writer, recovered))
}

/// Begins an empty log.
fn begin(
    store: Box<dyn Store>,
    dir: &Path,
    key: SigningKey,
    clock: Box<dyn Fn() -> Timestamp + Send>,
    rhythm: Rhythm,
) -> io::Result<(Writer, Recovered)> {
    let frontier = Frontier::default();
    let checkpoint = Checkpoint::sign(&key, 0, frontier.root(), clock());
    let (mut tree, mut history) = side_files(store.as_ref(), dir)?;
    tree.set_len(0)?;
    let entry = history::entry(&checkpoint);
    history.set_len(0)?;
    history.write_at(&entry, 0)?;
    history.sync()?;
    // A crash from here on leaves a log without segments and a checkpoint of no records: it is begun again.
    store.replace(&dir.join(LATEST), checkpoint.note().as_bytes())?;
    let bytes = header(&key, &frontier, &checkpoint);
    let first = Segment::named(dir, 0);
    store.replace(&first.path, &bytes)?;
    let segment = store.open(&first.path)?;
    let recovered = Recovered {
        size: 0,
        checkpoint: checkpoint.clone(),
        torn_bytes: 0,
        unsigned_records: 0,
    };
    let writer = Writer {
        store,
        dir: dir.to_path_buf(),
        key,
        clock,
        rhythm,
        frontier,
        segment,
        offset: bytes.len() as u64,
        zeroed: bytes.len() as u64,
        tree,
        history,
        history_end: entry.len() as u64,
        durable: 0,
        checkpoint,
        checkpointed_at: Instant::now(),
        frames: Vec::new(),
        hashes: Vec::new(),
    };
    Ok((writer, recovered))
}

impl Writer {
    /// Signs what the last writer left unsigned.
    fn resume(&mut self, committed: bool) -> io::Result<()> {
        if !committed {
            self.end_batch(true)?;
        }
        if self.frontier.size() > self.checkpoint.size {
            self.publish_checkpoint()?;
        }
        Ok(())
    }
}

fn remove_unfinished(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let ours = entry.file_name().to_str().is_some_and(|name| {
            name.strip_suffix(UNFINISHED)
                .is_some_and(|name| name == LATEST || name.starts_with("segment-"))
        });
        if ours {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

pub(crate) fn damaged(file: &str, offset: u64, index: u64, what: String) -> OpenError {
    OpenError::Damaged {
        file: file.to_owned(),
        offset,
        index,
        what,
    }
}
