//! What happens when a log is opened: the last writer may have died at any point.
//!
//! A crash can leave a torn tail, a history one checkpoint ahead of the latest, an unfinished file and a tree file that
//! is short. These are mended. Anything else is not a crash, and stops the opening: below a signed checkpoint nothing
//! is ever repaired, and neither is a damaged place that was on disk before something after it was written.

use std::fs;
use std::io::{self, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Instant;

use crate::Timestamp;
use crate::checkpoint::Checkpoint;
use crate::frame::{Frame, latest_durable};
use crate::history::{self, Entry, HISTORY, History, LATEST};
use crate::key::{SigningKey, VerifyingKey};
use crate::merkle::{Frontier, Hash};
use crate::segment::Segment;
use crate::store::{Output, Store, UNFINISHED};
use crate::tree::{TreeFile, stored};
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

/// The signed statements about a log.
struct Known {
    latest: Option<Checkpoint>,
    last_in_history: Option<Checkpoint>,
    history_end: u64,
}

impl Known {
    fn read(dir: &Path, key: &VerifyingKey) -> Result<Self, OpenError> {
        let latest =
            match history::latest(dir, key).map_err(|e| OpenError::io(&dir.join(LATEST), e))? {
                None => None,
                Some(Ok(checkpoint)) => Some(checkpoint),
                Some(Err(e)) => return Err(damaged(LATEST, 0, 0, e.to_string())),
            };
        let path = dir.join(HISTORY);
        let io = |source| OpenError::io(&path, source);
        let mut last_in_history = None;
        let mut history_end = 0;
        if let Some(mut history) = History::open(dir, key).map_err(io)? {
            history.skip_to_tail().map_err(io)?;
            loop {
                match history.next().map_err(io)? {
                    Entry::Checkpoint(checkpoint) => last_in_history = Some(checkpoint),
                    Entry::Bad(e) => {
                        return Err(damaged(HISTORY, history.offset(), 0, e.to_string()));
                    }
                    Entry::Torn | Entry::End => break,
                }
            }
            history_end = history.offset();
        }
        Ok(Self {
            latest,
            last_in_history,
            history_end,
        })
    }

    /// The newest checkpoint, or nothing where there is no log yet.
    fn newest(&self, segments: &[Segment]) -> Result<Option<Checkpoint>, OpenError> {
        let gone = |what: &str| damaged(LATEST, 0, 0, what.to_owned());
        let newest = match (&self.latest, &self.last_in_history) {
            (None, None) if segments.is_empty() => return Ok(None),
            (None, None) => return Err(gone("there are records but no checkpoint")),
            (None, Some(last)) if last.size > 0 => {
                return Err(gone("there is a history but no latest checkpoint"));
            }
            (None, Some(last)) => last,
            (Some(latest), None) if latest.size > 0 => {
                return Err(gone("there is no history of checkpoints"));
            }
            (Some(latest), None) => latest,
            (Some(latest), Some(last)) if latest.size > last.size => {
                return Err(gone("the history ends before the latest checkpoint"));
            }
            (Some(latest), Some(last)) if latest.size == last.size && latest.root != last.root => {
                return Err(gone(
                    "two checkpoints of the same size have different roots",
                ));
            }
            (Some(_), Some(last)) => last,
        };
        if segments.is_empty() && newest.size > 0 {
            return Err(gone(
                "the checkpoint signs records, but there are no segments",
            ));
        }
        Ok(Some(newest.clone()))
    }
}

/// The end of a log, read from the segment that holds its newest checkpoint.
struct Tail {
    segment: Segment,
    /// Where the next frame goes.
    end: u64,
    torn: u64,
    frontier: Frontier,
    /// Whether the last record is followed by a commit marker.
    committed: bool,
}

impl Tail {
    fn scan(
        dir: &Path,
        segments: &[Segment],
        checkpoint: &Checkpoint,
        key: &VerifyingKey,
        tree: &mut dyn Output,
    ) -> Result<Self, OpenError> {
        let start = segments
            .iter()
            .rposition(|s| s.first <= checkpoint.size)
            .unwrap_or(0);
        // The tree file is only continued where it agrees with the segment; otherwise it is made anew.
        let start = if tree_fits(dir, segments.get(start)) {
            start
        } else {
            0
        };
        let scanned = segments.get(start..).unwrap_or_default();
        let mut scan = Scan {
            checkpoint,
            key,
            frontier: None,
            tree,
            tree_end: stored(scanned.first().map_or(0, |segment| segment.first)) * 32,
            hashes: Vec::new(),
            committed: true,
        };
        let mut end = None;
        for (i, segment) in scanned.iter().enumerate() {
            end = Some((
                segment.clone(),
                scan.segment(segment, i + 1 == scanned.len())?,
            ));
        }
        scan.flush().map_err(|source| OpenError::io(dir, source))?;
        let (Some((segment, (end, torn))), Some(frontier)) = (end, scan.frontier) else {
            return Err(damaged(LATEST, 0, 0, "there are no segments".to_owned()));
        };
        if frontier.size() < checkpoint.size {
            let what = format!(
                "the log ends here, but its checkpoint signs {} records",
                checkpoint.size
            );
            return Err(damaged(&segment.name(), end, frontier.size(), what));
        }
        if frontier.size() == checkpoint.size && !scan.committed {
            let what = "the commit marker of a signed batch is missing".to_owned();
            return Err(damaged(&segment.name(), end, frontier.size(), what));
        }
        Ok(Self {
            segment,
            end,
            torn,
            frontier,
            committed: scan.committed,
        })
    }
}

struct Scan<'a> {
    checkpoint: &'a Checkpoint,
    key: &'a VerifyingKey,
    frontier: Option<Frontier>,
    tree: &'a mut dyn Output,
    tree_end: u64,
    hashes: Vec<u8>,
    committed: bool,
}

/// Hashes are written to the tree file in pieces of this size while a log is scanned (chosen).
const TREE_PIECE: usize = 1024 * 1024;

impl Scan<'_> {
    /// Reads one segment and returns where its frames end and how many torn bytes follow.
    fn segment(&mut self, segment: &Segment, last: bool) -> Result<(u64, u64), OpenError> {
        let io = |source| OpenError::io(&segment.path, source);
        let name = segment.name();
        let reached = self.frontier.as_ref().map_or(segment.first, Frontier::size);
        let (header, mut frames) = segment
            .open()
            .map_err(io)?
            .map_err(|what| damaged(&name, 0, reached, what.to_owned()))?;
        header
            .check(segment.first, self.key)
            .map_err(|what| damaged(&name, 0, reached, what))?;
        if self
            .frontier
            .as_ref()
            .is_some_and(|before| *before != header.frontier)
        {
            let what = format!(
                "the segment before ends at record {reached}, and this one does not go on from there"
            );
            return Err(damaged(&name, 0, reached, what));
        }
        let mut frontier = header.frontier;
        self.reached(&frontier, &name, frames.offset())?;
        let bad = loop {
            let offset = frames.offset();
            match frames.next().map_err(io)? {
                Frame::Record { index, leaf, .. } => {
                    if index != frontier.size() {
                        let what = format!("a record says it is {index}");
                        return Err(damaged(&name, offset, frontier.size(), what));
                    }
                    frontier.push(leaf, |hash| self.hashes.extend_from_slice(hash));
                    self.committed = false;
                    self.reached(&frontier, &name, offset)?;
                }
                Frame::Commit(commit) => {
                    if commit.size != frontier.size()
                        || commit.root != frontier.root()
                        || commit.durable > commit.size
                    {
                        let what = "a commit marker does not fit the records before it".to_owned();
                        return Err(damaged(&name, offset, frontier.size(), what));
                    }
                    self.committed = true;
                    if self.hashes.len() >= TREE_PIECE {
                        self.flush().map_err(io)?;
                    }
                }
                Frame::End => break None,
                Frame::Bad(what) => break Some(what),
            }
        };
        let end = frames.offset();
        let size = frontier.size();
        self.frontier = Some(frontier);
        let Some(what) = bad else {
            if !last && !self.committed {
                return Err(damaged(
                    &name,
                    end,
                    size,
                    "the last commit marker is missing".to_owned(),
                ));
            }
            return Ok((end, 0));
        };
        let mut file = fs::File::open(&segment.path).map_err(io)?;
        let length = file.seek(SeekFrom::End(0)).map_err(io)?;
        file.seek(SeekFrom::Start(end)).map_err(io)?;
        let durable = latest_durable(&mut io::BufReader::new(file)).map_err(io)?;
        // What was on disk before something later was written cannot have been torn by the crash.
        if !last || size < self.checkpoint.size || durable.is_some_and(|durable| durable > size) {
            return Err(damaged(
                &name,
                end,
                size,
                format!("a damaged frame, {what}"),
            ));
        }
        Ok((end, length.saturating_sub(end)))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tree.write_at(&self.hashes, self.tree_end)?;
        self.tree_end += self.hashes.len() as u64;
        self.hashes.clear();
        Ok(())
    }

    /// Compares the tree with the checkpoint when it has the checkpoint's size.
    fn reached(&self, frontier: &Frontier, name: &str, offset: u64) -> Result<(), OpenError> {
        if frontier.size() == self.checkpoint.size && frontier.root() != self.checkpoint.root {
            let what = "the records up to here are not those the checkpoint signs".to_owned();
            return Err(damaged(name, offset, frontier.size(), what));
        }
        Ok(())
    }
}

impl Writer {
    /// Signs what the last writer left unsigned.
    fn resume(&mut self, committed: bool) -> io::Result<()> {
        if !committed {
            self.end_batch()?;
        }
        if self.frontier.size() > self.checkpoint.size {
            self.publish_checkpoint()?;
        }
        Ok(())
    }
}

fn tree_fits(dir: &Path, segment: Option<&Segment>) -> bool {
    let Some(segment) = segment else { return false };
    let peaks: io::Result<Vec<Hash>> =
        TreeFile::open(dir).and_then(|tree| tree.peaks(segment.first));
    let Ok(Ok((header, _))) = segment.open() else {
        return false;
    };
    peaks.is_ok_and(|peaks| peaks == header.frontier.peaks())
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

fn damaged(file: &str, offset: u64, index: u64, what: String) -> OpenError {
    OpenError::Damaged {
        file: file.to_owned(),
        offset,
        index,
        what,
    }
}
