//! The bans on disk: one JSON object a line, added to and now and then written anew.
//!
//! A line is on disk before the ban or its lifting is acknowledged. A crash in mid-line leaves a last line without
//! its line feed, which was never acknowledged and is cut off when the journal is opened. Any other line that cannot
//! be read stops the opening: skipping it might let somebody in.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ban::{Ban, BanId};

/// Lines beyond twice the bans in force after which the journal is written anew; chosen.
const SLACK: usize = 256;

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A whole line is not an entry.
    #[error("`{}`, line {line}: not an entry of a ban journal; restore the file, or remove it to begin without bans", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the reader said.
        #[source]
        source: serde_json::Error,
    },
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Entry {
    /// The lowest number that was never given; first line of a journal written anew.
    Next(BanId),
    Ban(Ban),
    Lift {
        id: BanId,
        at: u64,
        by: String,
        reason: String,
    },
}

/// What a journal says is in force.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) bans: BTreeMap<BanId, Arc<Ban>>,
    pub(crate) next: u64,
}

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    /// `None` after a failed write: what is in the file is then unknown, and the next write begins a new one.
    file: Option<File>,
    lines: usize,
}

impl Journal {
    /// Reads the journal at `path`, or begins one.
    pub(crate) fn open(path: &Path, now: u64) -> Result<(Self, Kept), JournalError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => {
                return Err(JournalError::Io {
                    doing: "read",
                    path: path.into(),
                    source,
                });
            }
        };
        let mut kept = read(path, &text)?;
        kept.bans.retain(|_, ban| ban.in_force(now));
        let mut journal = Self {
            path: path.into(),
            file: None,
            lines: 0,
        };
        journal.rewrite(&kept.bans, kept.next)?;
        Ok((journal, kept))
    }

    /// Puts one entry on disk. `bans` and `next` are what holds with the entry in it.
    pub(crate) fn append(
        &mut self,
        entry: &Entry,
        bans: &BTreeMap<BanId, Arc<Ban>>,
        next: u64,
    ) -> Result<(), JournalError> {
        let Some(file) = self
            .file
            .as_mut()
            .filter(|_| self.lines < 2 * bans.len() + SLACK)
        else {
            return self.rewrite(bans, next);
        };
        let written = line(entry)
            .and_then(|line| file.write_all(&line))
            .and_then(|()| file.sync_data());
        self.lines += 1;
        written.map_err(|source| {
            self.file = None;
            JournalError::Io {
                doing: "write",
                path: self.path.clone(),
                source,
            }
        })
    }

    /// Writes the journal anew beside the old one and puts it in its place.
    ///
    /// A crash before the renaming leaves the old journal in force and a `.new` file, which the next rewrite
    /// replaces; a crash after it leaves the new one. Both say the same.
    fn rewrite(&mut self, bans: &BTreeMap<BanId, Arc<Ban>>, next: u64) -> Result<(), JournalError> {
        self.file = None;
        let mut aside = self.path.clone().into_os_string();
        aside.push(".new");
        let aside = PathBuf::from(aside);
        let io = |doing| {
            let path = self.path.clone();
            move |source| JournalError::Io {
                doing,
                path,
                source,
            }
        };
        let mut text = line(&Entry::Next(BanId(next))).map_err(io("write"))?;
        for ban in bans.values() {
            text.extend(line(&Entry::Ban(Ban::clone(ban))).map_err(io("write"))?);
        }
        let mut file = File::create(&aside).map_err(io("create the successor of"))?;
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .map_err(io("write the successor of"))?;
        fs::rename(&aside, &self.path).map_err(io("replace"))?;
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(io("keep the renaming of"))?;
        self.file = Some(
            OpenOptions::new()
                .append(true)
                .open(&self.path)
                .map_err(io("open"))?,
        );
        self.lines = bans.len() + 1;
        Ok(())
    }
}

#[cfg(test)]
impl Journal {
    pub(crate) fn forget_file(&mut self) {
        self.file = None;
    }
}

fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

fn read(path: &Path, text: &[u8]) -> Result<Kept, JournalError> {
    let mut kept = Kept {
        bans: BTreeMap::new(),
        next: 1,
    };
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(line) = line.strip_suffix(b"\n") else {
            break;
        };
        let entry: Entry =
            serde_json::from_slice(line).map_err(|source| JournalError::Corrupt {
                path: path.into(),
                line: index + 1,
                source,
            })?;
        match entry {
            Entry::Next(id) => kept.next = kept.next.max(id.0),
            Entry::Ban(ban) => {
                kept.next = kept.next.max(ban.id.0.saturating_add(1));
                kept.bans.insert(ban.id, Arc::new(ban));
            }
            Entry::Lift { id, .. } => {
                kept.bans.remove(&id);
            }
        }
    }
    Ok(kept)
}
