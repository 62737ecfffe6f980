//! The newest recorded decisions, one after the other.

use std::io;
use std::vec::IntoIter;

use hangu_audit::Record;
use hangu_policy::analysis::replay::{Recorded, Summary};
use hangu_policy::cli::Error;
use serde_json::Value;

use crate::gateway::Gateway;
use crate::recorded::recorded;
use crate::snapshot::Snapshot;

/// Events that are looked at for decisions; beyond that the log is too old to say much about a candidate. Chosen.
const SCANNED: usize = 200_000;
/// Events that are read at once: a read begins with a whole segment, so few large ones are cheaper.
const PAGE: usize = 20_000;
/// The fewest events that are read at once.
const LEAST: usize = 2_000;

/// The newest decisions of the audit log, from the newest backwards.
pub(super) struct Newest<'a> {
    gateway: &'a Gateway,
    snapshot: &'a Snapshot,
    /// Decisions that are still wanted.
    wanted: usize,
    /// Events that may still be read.
    room: usize,
    before: Option<u64>,
    page: IntoIter<(u64, Record)>,
    ended: bool,
}

impl<'a> Newest<'a> {
    pub(super) fn new(gateway: &'a Gateway, snapshot: &'a Snapshot, wanted: usize) -> Self {
        Self {
            gateway,
            snapshot,
            wanted,
            room: SCANNED,
            before: None,
            page: Vec::new().into_iter(),
            ended: false,
        }
    }

    /// The next decision; an inner error is one that cannot be asked again.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Result<Recorded, String>>, Error> {
        while self.wanted > 0 {
            while let Some((number, record)) = self.page.next() {
                self.before = Some(number);
                if let Some(decision) = self.decision(&record.event) {
                    self.wanted -= 1;
                    return Ok(Some(decision));
                }
            }
            if self.ended || self.room == 0 {
                break;
            }
            let most = self.wanted.clamp(LEAST, PAGE).min(self.room);
            let page = self.gateway.journal.read_back(self.before, most);
            let page = page.map_err(|error| Error::Io(io::Error::other(error)))?;
            self.ended = page.len() < most;
            self.room -= page.len().min(self.room);
            self.page = page.into_iter();
        }
        Ok(None)
    }

    fn decision(&self, event: &[u8]) -> Option<Result<Recorded, String>> {
        let event: Value = serde_json::from_slice(event).ok()?;
        let snapshot = self.snapshot;
        let decision = recorded(&snapshot.configuration, &snapshot.calendar, &event)?;
        let revision = event.pointer("/unmapped/decision/revision")?.as_str()?;
        if revision == snapshot.policy.revision && !self.repeats(&decision) {
            return Some(Err(format!(
                "decision `{}` rested on facts that its event does not have",
                decision.id
            )));
        }
        Some(Ok(decision))
    }

    /// Whether the policy in force decides again as it did. An event has no trust in devices and no path that was
    /// masked; what differs for want of them would differ for every candidate, and says nothing about this one.
    fn repeats(&self, decision: &Recorded) -> bool {
        let again = Summary::default().take(&self.snapshot.policy.compiled, decision);
        matches!(again, Ok(None))
    }
}
