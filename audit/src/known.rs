//! What is signed about a log, as an opening finds it: the latest checkpoint and the end of the history.

use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::history::{self, Entry, HISTORY, History, LATEST};
use crate::key::VerifyingKey;
use crate::recover::{OpenError, damaged};
use crate::segment::Segment;

/// The signed statements about a log.
pub(crate) struct Known {
    latest: Option<Checkpoint>,
    last_in_history: Option<Checkpoint>,
    pub(crate) history_end: u64,
}

impl Known {
    pub(crate) fn read(dir: &Path, key: &VerifyingKey) -> Result<Self, OpenError> {
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
    pub(crate) fn newest(&self, segments: &[Segment]) -> Result<Option<Checkpoint>, OpenError> {
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
