//! Reading the end of a log when it is opened: from the segment that holds its newest checkpoint on.

use std::fs;
use std::io::{self, Seek as _, SeekFrom};
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::frame::{Frame, latest_durable};
use crate::history::LATEST;
use crate::key::VerifyingKey;
use crate::merkle::{Frontier, Hash, sha256};
use crate::recover::{OpenError, damaged};
use crate::segment::Segment;
use crate::store::Output;
use crate::tree::{TreeFile, stored};

/// The end of a log, read from the segment that holds its newest checkpoint.
pub(crate) struct Tail {
    pub(crate) segment: Segment,
    /// Where the next frame goes.
    pub(crate) end: u64,
    pub(crate) torn: u64,
    pub(crate) frontier: Frontier,
    /// Whether the last record is followed by a commit marker.
    pub(crate) committed: bool,
}

impl Tail {
    pub(crate) fn scan(
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
                Frame::Record { index, covered, .. } => {
                    if index != frontier.size() {
                        let what = format!("a record says it is {index}");
                        return Err(damaged(&name, offset, frontier.size(), what));
                    }
                    frontier.push(sha256(covered), |hash| self.hashes.extend_from_slice(hash));
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

fn tree_fits(dir: &Path, segment: Option<&Segment>) -> bool {
    let Some(segment) = segment else { return false };
    let peaks: io::Result<Vec<Hash>> =
        TreeFile::open(dir).and_then(|tree| tree.peaks(segment.first));
    let Ok(Ok((header, _))) = segment.open() else {
        return false;
    };
    peaks.is_ok_and(|peaks| peaks == header.frontier.peaks())
}
