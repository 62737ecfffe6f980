//! What is on disk about sessions: one line a change, each with its own checksum.
//!
//! ```text
//! <16 hex digits of SHA-256 of the rest> {"t":"open","key":"…","caller":{…},"started":"…","seen":"…"}
//! <…> {"t":"seen","key":"…","at":"…"}
//! <…> {"t":"end","key":"…","at":"…"}
//! ```
//!
//! A last line that is not whole was never acknowledged and is cut off. Anything else that does not read is an error:
//! a line that is skipped could be a sign-out.

use std::{
    fs::{File, OpenOptions, rename},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{caller::Caller, certificate::hex};

/// Below this many lines the journal is left alone. Chosen.
const MIN_LINES: usize = 1024;

/// Characters of a line's checksum.
const CHECKSUM: usize = 16;

/// Where changes of sessions are written down.
pub trait SessionJournal: Send {
    /// Adds lines, and for [`Durability::OnDisk`] returns when they survive a loss of power.
    ///
    /// # Errors
    ///
    /// When they could not all be written. Some may have been, but no torn one stays: where it cannot be taken back,
    /// everything is refused from here on.
    fn append(&mut self, lines: &[u8], durability: Durability) -> io::Result<()>;

    /// Puts these lines in place of all there are, whole or not at all, and durably.
    ///
    /// # Errors
    ///
    /// When they could not be written; the old lines then still stand.
    fn replace(&mut self, lines: &[u8]) -> io::Result<()>;

    /// All lines there are now, those of another process included.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    fn read_again(&mut self) -> Result<Vec<Record>, JournalError>;
}

/// Whether this process alone writes the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody else does.
    Alone,
    /// A gateway that takes over, or is being taken over from, does as well.
    WithAnother,
}

/// How sure a line must be before the caller goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Handed to the operating system: survives the process.
    Buffered,
    /// On disk: survives the machine.
    OnDisk,
}

/// A change of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// A session as it stands.
    Open {
        /// SHA-256 of its id.
        key: Hex,
        /// Who signed in.
        caller: Caller,
        /// When.
        started: Timestamp,
        /// When it was last used.
        seen: Timestamp,
        /// SHA-256 of the client certificate it is bound to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<Hex>,
    },
    /// It was used.
    Seen {
        /// SHA-256 of its id.
        key: Hex,
        /// When.
        at: Timestamp,
    },
    /// It ended.
    End {
        /// SHA-256 of its id.
        key: Hex,
        /// When.
        at: Timestamp,
    },
}

/// 32 bytes, written in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex(pub(super) [u8; 32]);

impl TryFrom<String> for Hex {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        crate::api_key::unhex(&text)
            .map(Self)
            .ok_or("not 64 hexadecimal digits")
    }
}

impl From<Hex> for String {
    fn from(bytes: Hex) -> Self {
        hex(&bytes.0)
    }
}

impl Record {
    pub(super) fn seen(key: &[u8; 32], at: Timestamp) -> Self {
        Self::Seen { key: Hex(*key), at }
    }

    pub(super) fn end(key: &[u8; 32], at: Timestamp) -> Self {
        Self::End { key: Hex(*key), at }
    }

    /// The session that ended, if that is what the record says.
    pub(super) fn ended(&self) -> Option<[u8; 32]> {
        match self {
            Self::End { key, .. } => Some(key.0),
            Self::Open { .. } | Self::Seen { .. } => None,
        }
    }

    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), JournalError> {
        let json = serde_json::to_vec(self).map_err(|error| JournalError::Io(error.into()))?;
        out.extend_from_slice(checksum(&json).as_bytes());
        out.push(b' ');
        out.extend_from_slice(&json);
        out.push(b'\n');
        Ok(())
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let (sum, json) = line.split_at_checked(CHECKSUM)?;
        let json = json.strip_prefix(b" ")?;
        if checksum(json).as_bytes() != sum {
            return None;
        }
        serde_json::from_slice(json).ok()
    }
}

fn checksum(json: &[u8]) -> String {
    hex(digest(&SHA256, json).as_ref())
        .chars()
        .take(CHECKSUM)
        .collect()
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("the session journal cannot be written: {0}")]
    Io(#[from] io::Error),
    /// A line in the middle does not read.
    #[error(
        "line {line} of the session journal is damaged; sign-outs may be lost: move the file away to end all sessions"
    )]
    Damaged {
        /// The line, from 1.
        line: usize,
    },
}

/// The journal and how long it has become.
pub(super) struct Log {
    journal: Box<dyn SessionJournal>,
    lines: usize,
    sharing: Sharing,
}

impl Log {
    pub(super) fn new(journal: Box<dyn SessionJournal>, lines: usize) -> Self {
        Self {
            journal,
            lines,
            sharing: Sharing::Alone,
        }
    }

    pub(super) fn append(
        &mut self,
        records: &[Record],
        durability: Durability,
    ) -> Result<(), JournalError> {
        self.journal.append(&bytes(records)?, durability)?;
        self.lines += records.len();
        Ok(())
    }

    pub(super) fn replace(&mut self, records: &[Record]) -> Result<(), JournalError> {
        self.journal.replace(&bytes(records)?)?;
        self.lines = records.len();
        Ok(())
    }

    pub(super) fn read_again(&mut self) -> Result<Vec<Record>, JournalError> {
        self.journal.read_again()
    }

    pub(super) const fn share(&mut self, sharing: Sharing) {
        self.sharing = sharing;
    }

    /// Whether at least three quarters of the lines are past, and nobody else is writing.
    pub(super) const fn is_worth_compacting(&self, live: usize) -> bool {
        matches!(self.sharing, Sharing::Alone) && self.lines > MIN_LINES && self.lines / 4 > live
    }
}

fn bytes(records: &[Record]) -> Result<Vec<u8>, JournalError> {
    let mut bytes = Vec::with_capacity(records.len() * 256);
    for record in records {
        record.write_to(&mut bytes)?;
    }
    Ok(bytes)
}

/// No journal: sessions end with the process. Ends are then durable by themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl SessionJournal for NoJournal {
    fn append(&mut self, _lines: &[u8], _durability: Durability) -> io::Result<()> {
        Ok(())
    }

    fn replace(&mut self, _lines: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn read_again(&mut self) -> Result<Vec<Record>, JournalError> {
        Ok(Vec::new())
    }
}

/// A journal in one file that only its owner can read.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    file: File,
    /// Set when a failed write could not be taken back: nothing may follow it.
    broken: bool,
}

impl FileJournal {
    /// Opens or makes a journal and reads what it says.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or made, or a line other than the last is damaged.
    pub fn open(path: &Path) -> Result<(Self, Vec<Record>), JournalError> {
        let mut file = options().read(true).append(true).create(true).open(path)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let (records, length) = read(&content)?;
        // The torn tail goes before anything is added, or it would stand in the middle.
        if length < content.len() {
            file.set_len(u64::try_from(length).map_err(io::Error::other)?)?;
            file.sync_data()?;
        }
        sync_folder(path)?;
        Ok((
            Self {
                path: path.to_owned(),
                file,
                broken: false,
            },
            records,
        ))
    }
}

impl FileJournal {
    fn cut_torn_tail(&mut self) -> Result<(), JournalError> {
        let content = std::fs::read(&self.path)?;
        let (_, length) = read(&content)?;
        self.file
            .set_len(u64::try_from(length).map_err(io::Error::other)?)?;
        Ok(())
    }
}

impl SessionJournal for FileJournal {
    fn append(&mut self, lines: &[u8], durability: Durability) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier write failed and could not be taken back",
            ));
        }
        let written = self.file.write_all(lines).and_then(|()| match durability {
            Durability::Buffered => Ok(()),
            Durability::OnDisk => self.file.sync_data(),
        });
        if let Err(error) = written {
            // Whole lines may stay: a start whose id nobody was told, or an end that took place in memory.
            self.broken = self.cut_torn_tail().is_err();
            return Err(error);
        }
        Ok(())
    }

    fn replace(&mut self, lines: &[u8]) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        // A crash before the rename leaves this file behind, and the next replacement overwrites it; after the rename
        // but before the folder is synced, either the old or the new journal is found, and both say the same.
        let mut file = options()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&beside)?;
        file.write_all(lines)?;
        file.sync_all()?;
        rename(&beside, &self.path)?;
        sync_folder(&self.path)?;
        self.file = options().read(true).append(true).open(&self.path)?;
        self.broken = false;
        Ok(())
    }

    fn read_again(&mut self) -> Result<Vec<Record>, JournalError> {
        Ok(read(&std::fs::read(&self.path)?)?.0)
    }
}

/// The whole records, and the length they take up.
fn read(content: &[u8]) -> Result<(Vec<Record>, usize), JournalError> {
    let mut records = Vec::new();
    let mut length = 0;
    let mut lines = content
        .split_inclusive(|byte| *byte == b'\n')
        .enumerate()
        .peekable();
    while let Some((index, line)) = lines.next() {
        match line.strip_suffix(b"\n").and_then(Record::parse) {
            Some(record) => records.push(record),
            None if lines.peek().is_none() => break,
            None => return Err(JournalError::Damaged { line: index + 1 }),
        }
        length += line.len();
    }
    Ok((records, length))
}

fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Makes a new or renamed file findable after a loss of power.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
