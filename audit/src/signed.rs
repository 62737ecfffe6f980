//! What is signed about a log, compared with its records while they are read.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::history::{Entry, HISTORY, History, LATEST};
use crate::key::VerifyingKey;
use crate::merkle::Frontier;
use crate::report::{Kind, Report};

/// The checkpoints still to be compared, in order of size.
pub(crate) struct Signed<'a> {
    pub(crate) history: Option<History<'a>>,
    /// Where the history ended when the verification began.
    until: u64,
    pub(crate) next: Option<(Checkpoint, u64)>,
    /// Size of the last sound entry that was read.
    before: Option<u64>,
    /// Size of the last entry that was compared or passed over.
    pub(crate) passed: Option<u64>,
    pub(crate) latest: Option<Checkpoint>,
    pub(crate) latest_in_history: bool,
    /// A checkpoint from outside of the directory.
    pub(crate) kept: Option<Checkpoint>,
    pub(crate) newest: Option<Checkpoint>,
}

/// What a finding calls the checkpoint from outside.
pub(crate) const KEPT: &str = "kept checkpoint";

impl<'a> Signed<'a> {
    pub(crate) fn open(
        dir: &Path,
        key: &'a VerifyingKey,
        latest: Option<Checkpoint>,
        report: &mut Report,
    ) -> io::Result<Self> {
        let history = History::open(dir, key)?;
        if history.is_none() {
            report.add(
                Kind::Missing,
                HISTORY,
                0,
                0,
                "there is no history of checkpoints",
            );
        }
        let until = if history.is_some() {
            File::open(dir.join(HISTORY))?.metadata()?.len()
        } else {
            0
        };
        let mut signed = Self {
            history,
            until,
            next: None,
            before: None,
            passed: None,
            newest: latest.clone(),
            latest,
            latest_in_history: false,
            kept: None,
        };
        signed.read_next(report)?;
        Ok(signed)
    }

    /// Size of the newest checkpoint read so far.
    pub(crate) fn newest(&self) -> u64 {
        self.newest.as_ref().map_or(0, |newest| newest.size)
    }

    /// Moves to the next sound entry of the history.
    pub(crate) fn read_next(&mut self, report: &mut Report) -> io::Result<()> {
        self.next = None;
        let Some(history) = &mut self.history else {
            return Ok(());
        };
        while history.offset() < self.until {
            let offset = history.offset();
            match history.next()? {
                Entry::Checkpoint(checkpoint) => {
                    if self.before.is_some_and(|before| checkpoint.size <= before) {
                        let what = "a checkpoint is not larger than the one before it";
                        report.add(Kind::History, HISTORY, offset, checkpoint.size, what);
                        continue;
                    }
                    self.before = Some(checkpoint.size);
                    if self
                        .latest
                        .as_ref()
                        .is_some_and(|l| l.size == checkpoint.size && l.root == checkpoint.root)
                    {
                        self.latest_in_history = true;
                    }
                    if self
                        .newest
                        .as_ref()
                        .is_none_or(|newest| newest.size < checkpoint.size)
                    {
                        self.newest = Some(checkpoint.clone());
                    }
                    self.next = Some((checkpoint, offset));
                    return Ok(());
                }
                Entry::Bad(e) => {
                    report.add(
                        Kind::Signature,
                        HISTORY,
                        offset,
                        self.before.unwrap_or(0),
                        e.to_string(),
                    );
                    if history.offset() == offset {
                        return Ok(());
                    }
                }
                // A writer may be in the middle of it, or have died there.
                Entry::Torn | Entry::End => return Ok(()),
            }
        }
        Ok(())
    }

    /// Compares all checkpoints up to the tree's size; those of a part that could not be read are passed over.
    pub(crate) fn reached(
        &mut self,
        frontier: &Frontier,
        trusted: bool,
        report: &mut Report,
    ) -> io::Result<bool> {
        let mut fits = true;
        for (name, checkpoint) in [(LATEST, &self.latest), (KEPT, &self.kept)] {
            if let Some(checkpoint) = checkpoint
                && checkpoint.size == frontier.size()
                && trusted
                && checkpoint.root != frontier.root()
            {
                let what = "the records up to here have another root";
                report.add(Kind::Root, name, 0, checkpoint.size, what);
                fits = false;
            }
        }
        while let Some((checkpoint, offset)) = &self.next {
            if checkpoint.size > frontier.size() {
                break;
            }
            if checkpoint.size == frontier.size() && trusted {
                if checkpoint.root == frontier.root() {
                    report.checkpoints += 1;
                } else {
                    let what = "the records up to here, and after the checkpoint before, have another root";
                    report.add(Kind::Root, HISTORY, *offset, checkpoint.size, what);
                    fits = false;
                }
            }
            self.passed = Some(checkpoint.size);
            self.read_next(report)?;
        }
        Ok(fits)
    }
}
