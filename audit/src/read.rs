//! Reading records, forwards and backwards, also while a writer is at work.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use crate::frame::{Frame, Frames};
use crate::segment::Segment;

/// One record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the log, counted from zero.
    pub index: u64,
    /// The event, as it was appended.
    pub event: Vec<u8>,
}

/// Why records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("cannot read `{path}`: {source}")]
    Io {
        /// The file or directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A sealed part of the log is damaged.
    #[error("`{file}` at byte {offset}: {what}; `hangu-verify` says more")]
    Damaged {
        /// The file.
        file: String,
        /// Byte offset in it.
        offset: u64,
        /// What is wrong.
        what: String,
    },
}

/// Reads up to `limit` records of the log in `dir`, from `from_index` on.
///
/// # Errors
/// When a file cannot be read or a record below the end is damaged.
pub fn read(dir: &Path, from_index: u64, limit: usize) -> Result<Vec<Record>, ReadError> {
    EventReader::open(dir, from_index)?.take(limit).collect()
}

/// Reads up to `limit` records before `before_index` (or before the end), the newest first.
///
/// # Errors
/// When a file cannot be read or a record below the end is damaged.
pub fn read_back(
    dir: &Path,
    before_index: Option<u64>,
    limit: usize,
) -> Result<Vec<Record>, ReadError> {
    let before = before_index.unwrap_or(u64::MAX);
    let segments = list(dir)?;
    let last = segments.last().map(|s| s.first);
    let mut found = Vec::new();
    for segment in segments.into_iter().rev().filter(|s| s.first < before) {
        let wanted = limit - found.len();
        if wanted == 0 {
            break;
        }
        let is_last = last == Some(segment.first);
        let mut kept: VecDeque<Record> = VecDeque::new();
        for record in EventReader::over(vec![segment], 0, is_last) {
            let record = record?;
            if record.index >= before {
                break;
            }
            if kept.len() == wanted {
                kept.pop_front();
            }
            kept.push_back(record);
        }
        found.extend(kept.into_iter().rev());
    }
    Ok(found)
}

/// Reads a log record by record.
///
/// It ends at the end of the log. What a writer is just writing at the end is not read; anything else that is damaged
/// is an error, after which nothing more comes.
pub struct EventReader {
    segments: VecDeque<Segment>,
    current: Option<(String, Frames<BufReader<File>>)>,
    from: u64,
    /// Whether the last of `segments` is the log's last, where a torn end is no damage.
    open_ended: bool,
}

impl EventReader {
    /// Opens the log in `dir` at a record.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn open(dir: &Path, from_index: u64) -> Result<Self, ReadError> {
        let mut segments = list(dir)?;
        let start = segments
            .iter()
            .rposition(|s| s.first <= from_index)
            .unwrap_or(0);
        segments.drain(..start);
        Ok(Self::over(segments, from_index, true))
    }

    fn over(segments: Vec<Segment>, from: u64, open_ended: bool) -> Self {
        Self {
            segments: segments.into(),
            current: None,
            from,
            open_ended,
        }
    }

    fn advance(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let Some((name, frames)) = &mut self.current else {
                let Some(segment) = self.segments.pop_front() else {
                    return Ok(None);
                };
                let opened = segment
                    .open()
                    .map_err(|source| io_error(&segment.path, source))?;
                let (_, frames) = opened.map_err(|what| damaged(segment.name(), 0, what))?;
                self.current = Some((segment.name(), frames));
                continue;
            };
            let offset = frames.offset();
            let path = Path::new(name.as_str());
            match frames.next().map_err(|source| io_error(path, source))? {
                Frame::Record { index, payload, .. } if index >= self.from => {
                    return Ok(Some(Record {
                        index,
                        event: payload.to_vec(),
                    }));
                }
                Frame::Record { .. } | Frame::Commit(_) => {}
                Frame::End => self.current = None,
                Frame::Bad(_) if self.open_ended && self.segments.is_empty() => {
                    self.current = None;
                }
                Frame::Bad(what) => return Err(damaged(name.clone(), offset, what)),
            }
        }
    }
}

impl Iterator for EventReader {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            self.segments.clear();
            self.current = None;
        }
        next.transpose()
    }
}

fn list(dir: &Path) -> Result<Vec<Segment>, ReadError> {
    Segment::list(dir).map_err(|source| io_error(dir, source))
}

fn io_error(path: &Path, source: io::Error) -> ReadError {
    ReadError::Io {
        path: path.display().to_string(),
        source,
    }
}

fn damaged(file: String, offset: u64, what: &str) -> ReadError {
    ReadError::Damaged {
        file,
        offset,
        what: what.to_owned(),
    }
}
