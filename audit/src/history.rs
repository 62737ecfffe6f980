//! The files of checkpoints: `checkpoint`, the latest, and `checkpoints.log`, every one there has been.
//!
//! A checkpoint is on disk in the history before it becomes the latest, so the history is never behind. Notes in the
//! history are each followed by an empty line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::key::VerifyingKey;

pub(crate) const LATEST: &str = "checkpoint";
pub(crate) const HISTORY: &str = "checkpoints.log";

/// Longest line and largest note that is read (chosen: a note of ten signers has about 2 KiB).
const MAX_NOTE: usize = 16 * 1024;

/// The bytes of a note in the history.
pub(crate) fn entry(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut bytes = checkpoint.note().as_bytes().to_vec();
    bytes.push(b'\n');
    bytes
}

/// Reads the latest checkpoint, if there is a file of it.
pub(crate) fn latest(
    dir: &Path,
    key: &VerifyingKey,
) -> io::Result<Option<Result<Checkpoint, CheckpointError>>> {
    let mut text = String::new();
    let file = match File::open(dir.join(LATEST)) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    match file.take(MAX_NOTE as u64).read_to_string(&mut text) {
        Ok(_) => Ok(Some(Checkpoint::verify(&text, key))),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => {
            Ok(Some(Err(CheckpointError::Malformed)))
        }
        Err(e) => Err(e),
    }
}

/// One entry of the history.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Checkpoint(Checkpoint),
    /// A whole entry that is no checkpoint of this log.
    Bad(CheckpointError),
    /// An entry cut short at the end of the file, or zeros up to it.
    Torn,
    End,
}

/// Reads the history from its beginning, in bounded memory.
pub(crate) struct History<'a> {
    input: BufReader<File>,
    offset: u64,
    key: &'a VerifyingKey,
}

impl<'a> History<'a> {
    pub(crate) fn open(dir: &Path, key: &'a VerifyingKey) -> io::Result<Option<Self>> {
        match File::open(dir.join(HISTORY)) {
            Ok(file) => Ok(Some(Self {
                input: BufReader::new(file),
                offset: 0,
                key,
            })),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Where the next entry begins; after an entry that is not whole, where that begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn next(&mut self) -> io::Result<Entry> {
        let mut bytes = Vec::new();
        let mut blanks = 0;
        while blanks < 2 {
            let before = bytes.len();
            let room = (MAX_NOTE + 1).saturating_sub(before) as u64;
            (&mut self.input).take(room).read_until(b'\n', &mut bytes)?;
            let line = bytes.get(before..).unwrap_or_default();
            if !line.ends_with(b"\n") {
                if bytes.len() > MAX_NOTE {
                    return Ok(Entry::Bad(CheckpointError::Malformed));
                }
                return Ok(if bytes.is_empty() {
                    Entry::End
                } else {
                    Entry::Torn
                });
            }
            blanks += usize::from(line == b"\n");
        }
        self.offset += bytes.len() as u64;
        bytes.pop();
        let Ok(note) = String::from_utf8(bytes) else {
            return Ok(Entry::Bad(CheckpointError::Malformed));
        };
        Ok(match Checkpoint::verify(&note, self.key) {
            Ok(checkpoint) => Entry::Checkpoint(checkpoint),
            Err(e) => Entry::Bad(e),
        })
    }

    /// Moves near the end, to the beginning of an entry among the last few.
    ///
    /// A history grows by a checkpoint a second; opening a log needs only the last one.
    pub(crate) fn skip_to_tail(&mut self) -> io::Result<()> {
        let length = self.input.seek(SeekFrom::End(0))?;
        let start = length.saturating_sub(2 * MAX_NOTE as u64);
        self.input.seek(SeekFrom::Start(start))?;
        self.offset = start;
        if start > 0 {
            // An entry begins after the second of two empty lines: notes hold one, and one follows them.
            let origin = format!("\n\n{}\n", self.key.name());
            let mut tail = Vec::new();
            self.input.read_to_end(&mut tail)?;
            let at = tail
                .windows(origin.len())
                .position(|w| w == origin.as_bytes());
            self.offset = at.map_or(0, |at| start + at as u64 + 2);
            self.input.seek(SeekFrom::Start(self.offset))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::key::SigningKey;

    fn write(dir: &Path, bytes: &[u8]) {
        std::fs::write(dir.join(HISTORY), bytes).unwrap();
    }

    #[test]
    fn entries_are_read_in_order_and_a_cut_one_is_torn_at_every_byte() {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::generate("h/log").unwrap();
        let public = key.public();
        let notes: Vec<Checkpoint> = (0..3)
            .map(|i| Checkpoint::sign(&key, i, [7; 32], Timestamp(0)))
            .collect();
        let bytes: Vec<u8> = notes.iter().flat_map(entry).collect();
        let two = entry(&notes[0]).len() + entry(&notes[1]).len();
        for end in two + 1..bytes.len() {
            write(dir.path(), &bytes[..end]);
            let mut history = History::open(dir.path(), &public).unwrap().unwrap();
            assert_eq!(history.next().unwrap(), Entry::Checkpoint(notes[0].clone()));
            assert_eq!(history.next().unwrap(), Entry::Checkpoint(notes[1].clone()));
            assert_eq!(history.next().unwrap(), Entry::Torn, "cut at {end}");
            assert_eq!(history.offset(), two as u64);
        }
        write(dir.path(), &bytes);
        let mut history = History::open(dir.path(), &public).unwrap().unwrap();
        for note in &notes {
            assert_eq!(history.next().unwrap(), Entry::Checkpoint(note.clone()));
        }
        assert_eq!(history.next().unwrap(), Entry::End);
    }

    #[test]
    fn the_tail_of_a_long_history_begins_at_an_entry() {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::generate("h/log").unwrap();
        let public = key.public();
        let notes: Vec<Checkpoint> = (0..400)
            .map(|i| Checkpoint::sign(&key, i, [1; 32], Timestamp(0)))
            .collect();
        let bytes: Vec<u8> = notes.iter().flat_map(entry).collect();
        write(dir.path(), &bytes);
        let mut history = History::open(dir.path(), &public).unwrap().unwrap();
        history.skip_to_tail().unwrap();
        assert!(history.offset() > 0);
        let mut last = None;
        loop {
            match history.next().unwrap() {
                Entry::Checkpoint(c) => last = Some(c.size),
                Entry::End => break,
                Entry::Bad(_) | Entry::Torn => panic!("not an entry"),
            }
        }
        assert_eq!(last, Some(399));
    }

    #[test]
    fn an_endless_line_is_refused_in_bounded_memory() {
        let dir = tempfile::tempdir().unwrap();
        let key = SigningKey::generate("h/log").unwrap();
        write(dir.path(), &vec![b'x'; 10 * MAX_NOTE]);
        let public = key.public();
        let mut history = History::open(dir.path(), &public).unwrap().unwrap();
        assert_eq!(
            history.next().unwrap(),
            Entry::Bad(CheckpointError::Malformed)
        );
    }
}
