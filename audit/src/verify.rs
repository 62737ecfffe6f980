//! Verifying a log with its public key alone: one pass over the segments and the history, in bounded memory.
//!
//! It may run while a writer is at work: what is signed is read first, and only what is signed must be whole.

use std::fs::File;
use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use crate::checkpoint::Checkpoint;
use crate::frame::{Frame, Frames, latest_durable};
use crate::history::{self, HISTORY, LATEST};
use crate::key::VerifyingKey;
use crate::merkle::{Frontier, sha256};
use crate::read::ReadError;
use crate::report::{Kind, Report};
use crate::segment::Segment;
use crate::signed::{KEPT, Signed};

/// Verifies the log in `dir`.
///
/// # Errors
/// When the directory or a file in it cannot be read; that says nothing about the log.
pub fn verify(dir: &Path, key: &VerifyingKey) -> Result<Report, ReadError> {
    verify_against(dir, key, None)
}

/// Verifies the log in `dir`, also against a checkpoint that was kept elsewhere.
///
/// That finds what the directory cannot show by itself: a log put back to an older state, or written anew by someone
/// who has the key.
///
/// # Errors
/// When the directory or a file in it cannot be read; that says nothing about the log.
pub fn verify_against(
    dir: &Path,
    key: &VerifyingKey,
    kept: Option<&Checkpoint>,
) -> Result<Report, ReadError> {
    let mut report = Report {
        origin: key.name().to_owned(),
        ..Report::default()
    };
    run(dir, key, kept, &mut report).map_err(|source| ReadError::Io {
        path: dir.display().to_string(),
        source,
    })?;
    report.ok = report.findings.is_empty();
    Ok(report)
}

fn run(
    dir: &Path,
    key: &VerifyingKey,
    kept: Option<&Checkpoint>,
    report: &mut Report,
) -> io::Result<()> {
    let latest = match history::latest(dir, key)? {
        None => {
            report.add(Kind::Missing, LATEST, 0, 0, "there is no latest checkpoint");
            None
        }
        Some(Err(e)) => {
            report.add(Kind::Signature, LATEST, 0, 0, e.to_string());
            None
        }
        Some(Ok(checkpoint)) => Some(checkpoint),
    };
    let before = Segment::list(dir)?;
    let mut signed = Signed::open(dir, key, latest, report)?;
    signed.kept = kept.cloned();
    let segments = Segment::list(dir)?;
    let mut pass = Pass {
        key,
        report,
        signed,
        frontier: Frontier::default(),
        trusted: true,
    };
    pass.signed.reached(&pass.frontier, true, pass.report)?;
    for (i, segment) in segments.iter().enumerate() {
        // A log that is being written: what begins behind the end of the history, as it was when it was read, is newer
        // than this verification.
        let known = before.iter().any(|other| other.first == segment.first);
        if !known && pass.signed.next.is_none() && pass.signed.passed != Some(segment.first) {
            break;
        }
        pass.segment(segment, i + 1 == segments.len())?;
    }
    pass.end()
}

struct Pass<'a, 'r> {
    key: &'a VerifyingKey,
    report: &'r mut Report,
    signed: Signed<'a>,
    frontier: Frontier,
    /// Whether the tree is still what the records so far make it; after damage, not until the next sound header.
    trusted: bool,
}

impl Pass<'_, '_> {
    fn segment(&mut self, segment: &Segment, last: bool) -> io::Result<()> {
        self.report.segments += 1;
        let name = segment.name();
        let (header, mut frames) = match segment.open()? {
            Ok(opened) => opened,
            Err(what) => return self.broken(Kind::Header, &name, 0, what),
        };
        if let Err(what) = header.check(segment.first, self.key) {
            // The frames are still read, so that the report says what else is wrong.
            self.report.add(Kind::Header, &name, 0, segment.first, what);
        }
        if header.frontier != self.frontier {
            if self.trusted {
                let what = format!(
                    "the segment begins at record {}, {} were read before it, or with another tree",
                    segment.first,
                    self.frontier.size()
                );
                self.report
                    .add(Kind::Gap, &name, 0, self.frontier.size(), what);
            }
            self.frontier = header.frontier;
        }
        self.trusted = true;
        self.reached(&name, frames.offset())?;
        if self.signed.passed != Some(segment.first) {
            let what = "the checkpoint of the segment's beginning is not in the history";
            self.report
                .add(Kind::History, HISTORY, 0, segment.first, what);
        }
        let mut committed = true;
        let mut again = false;
        loop {
            let offset = frames.offset();
            match frames.next()? {
                Frame::Record { index, covered, .. } => {
                    if index != self.frontier.size() {
                        let what = format!(
                            "record {} should be here, this one says it is {index}",
                            self.frontier.size()
                        );
                        return self.broken(Kind::Order, &name, offset, what);
                    }
                    self.report.records += 1;
                    committed = false;
                    self.frontier.push(sha256(covered), |_| ());
                    self.reached(&name, offset)?;
                }
                Frame::Commit(commit) => {
                    committed = true;
                    let fits = commit.size == self.frontier.size()
                        && commit.root == self.frontier.root()
                        && commit.durable <= commit.size;
                    if !fits && self.trusted {
                        self.trusted = false;
                        let what = format!("the marker says {} records", commit.size);
                        self.report
                            .add(Kind::Batch, &name, offset, self.frontier.size(), what);
                    }
                }
                // What is sealed or signed ended with a marker when it was.
                Frame::End
                    if !committed && (!last || self.frontier.size() <= self.signed.newest()) =>
                {
                    return self.broken(
                        Kind::Frame,
                        &name,
                        offset,
                        "the last commit marker is missing",
                    );
                }
                Frame::End => return Ok(()),
                // A writer may have been in the middle of it: what it wrote is there now.
                Frame::Bad(_) if last && !again => {
                    let mut file = File::open(&segment.path)?;
                    file.seek(SeekFrom::Start(offset))?;
                    frames = Frames::new(BufReader::new(file), offset);
                    again = true;
                    continue;
                }
                Frame::Bad(what) => {
                    return self.bad(
                        segment,
                        last && (committed || self.frontier.size() > self.signed.newest()),
                        offset,
                        what,
                    );
                }
            }
            again = false;
        }
    }

    fn reached(&mut self, name: &str, offset: u64) -> io::Result<()> {
        let before = self.report.findings.len();
        let fits = self
            .signed
            .reached(&self.frontier, self.trusted, self.report)?;
        if !fits {
            self.trusted = false;
        }
        // The file of the checkpoint says which promise is broken; where in the segments matters more.
        for finding in self
            .report
            .findings
            .iter_mut()
            .skip(before)
            .filter(|f| f.kind == Kind::Root)
        {
            finding.what = format!("{} (`{}`)", finding.what, finding.file);
            name.clone_into(&mut finding.file);
            finding.offset = offset;
        }
        Ok(())
    }

    /// A damaged frame: a torn tail if a crash explains it, which it cannot where the end is sealed or signed.
    fn bad(&mut self, segment: &Segment, open: bool, offset: u64, what: &str) -> io::Result<()> {
        let size = self.frontier.size();
        let signed = self.signed.newest();
        let mut file = File::open(&segment.path)?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(offset))?;
        let durable = latest_durable(BufReader::new(file))?;
        if open
            && size >= signed
            && self.signed.next.is_none()
            && durable.is_none_or(|durable| durable <= size)
        {
            self.report.torn_bytes = length.saturating_sub(offset);
            return Ok(());
        }
        self.broken(Kind::Frame, &segment.name(), offset, what)
    }

    fn broken(
        &mut self,
        kind: Kind,
        name: &str,
        offset: u64,
        what: impl Into<String>,
    ) -> io::Result<()> {
        self.report
            .add(kind, name, offset, self.frontier.size(), what);
        self.trusted = false;
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        let size = self.frontier.size();
        let mut beyond = None;
        while let Some((checkpoint, _)) = self.signed.next.take() {
            beyond = Some(checkpoint.size);
            self.signed.read_next(self.report)?;
        }
        let latest = self.signed.latest.as_ref().map(|latest| latest.size);
        beyond = beyond.max(latest.filter(|&latest| latest > size));
        if let Some(beyond) = beyond {
            let what = format!("{size} records are there, {beyond} are signed");
            self.report.add(Kind::Truncated, LATEST, 0, size, what);
        }
        if let Some(kept) = self.signed.kept.filter(|kept| kept.size > size) {
            let what = format!("{size} records are there, {} are signed", kept.size);
            self.report.add(Kind::Truncated, KEPT, 0, size, what);
        }
        if latest.is_some() && self.signed.history.is_some() && !self.signed.latest_in_history {
            let what = "the latest checkpoint is not in the history";
            self.report
                .add(Kind::History, HISTORY, 0, latest.unwrap_or(0), what);
        }
        if let Some(newest) = self.signed.newest {
            self.report.signed_records = newest.size;
            self.report.signed_root = newest.root.iter().map(|b| format!("{b:02x}")).collect();
            self.report.signed_at = Some(newest.time);
            self.report.unsigned_records = size.saturating_sub(newest.size);
        }
        Ok(())
    }
}
