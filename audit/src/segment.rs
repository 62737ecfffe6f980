//! Segment files: their names, and the header each begins with.
//!
//! ```text
//! "HANGULOG" | version u32 | header length u32 | first index u64 | key id [4] |
//! peaks: 32 bytes for each one bit of the first index | origin: u16 and bytes | checkpoint: u32 and bytes | crc-32c u32
//! ```
//!
//! The checkpoint is the log's at the first index, so a segment can be checked from its own start with the public key
//! alone; the peaks let the tree be continued from there.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::checkpoint::Checkpoint;
use crate::frame::{Frames, fill};
use crate::key::{NOTE, VerifyingKey};
use crate::merkle::{Frontier, Hash};

const MAGIC: [u8; 8] = *b"HANGULOG";
const VERSION: u32 = 1;
/// A header is bounded so that a damaged length cannot make a reader allocate much (chosen: peaks take at most 2 KiB).
const MAX_HEADER: usize = 64 * 1024;
const PREFIX: usize = 16;

/// What a segment says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) key_id: [u8; 4],
    pub(crate) origin: String,
    /// The tree before the segment's first record.
    pub(crate) frontier: Frontier,
    /// The signed note at the segment's first index.
    pub(crate) note: String,
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.frontier.size().to_le_bytes());
        bytes.extend(self.key_id);
        bytes.extend(self.frontier.peaks().iter().flatten());
        bytes.extend(
            u16::try_from(self.origin.len())
                .unwrap_or(u16::MAX)
                .to_le_bytes(),
        );
        bytes.extend(self.origin.as_bytes());
        bytes.extend(
            u32::try_from(self.note.len())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
        );
        bytes.extend(self.note.as_bytes());
        let length = u32::try_from(bytes.len() + 4)
            .unwrap_or(u32::MAX)
            .to_le_bytes();
        for (to, from) in bytes.iter_mut().skip(12).zip(length) {
            *to = from;
        }
        let sum = crc32c::crc32c(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }

    /// Reads a header and returns it with its length.
    fn decode(input: &mut impl Read) -> io::Result<Result<(Self, u64), &'static str>> {
        let mut bytes = vec![0; PREFIX];
        let got = fill(input, &mut bytes)?;
        let mut prefix = Cursor(&bytes);
        if got < PREFIX || prefix.take::<8>() != Some(MAGIC) {
            return Ok(Err("no segment header"));
        }
        if prefix.take().map(u32::from_le_bytes) != Some(VERSION) {
            return Ok(Err("a segment version this program does not know"));
        }
        let length = prefix.take().map_or(0, u32::from_le_bytes) as usize;
        if !(PREFIX + 4..=MAX_HEADER).contains(&length) {
            return Ok(Err("a header of an impossible length"));
        }
        bytes.resize(length, 0);
        let rest = bytes.get_mut(PREFIX..).unwrap_or_default();
        if fill(input, rest)? < length - PREFIX {
            return Ok(Err("a header cut short"));
        }
        let Some((covered, sum)) = bytes.split_last_chunk::<4>() else {
            return Ok(Err("a header cut short"));
        };
        if crc32c::crc32c(covered) != u32::from_le_bytes(*sum) {
            return Ok(Err("a header with a wrong checksum"));
        }
        Ok(Self::fields(covered.get(PREFIX..).unwrap_or_default())
            .map(|header| (header, length as u64))
            .ok_or("a header whose fields do not fit"))
    }

    fn fields(bytes: &[u8]) -> Option<Self> {
        let mut rest = Cursor(bytes);
        let first = u64::from_le_bytes(rest.take()?);
        let key_id = rest.take()?;
        let mut peaks: Vec<Hash> = Vec::new();
        for _ in 0..first.count_ones() {
            peaks.push(rest.take()?);
        }
        let origin_length = u16::from_le_bytes(rest.take()?);
        let origin = String::from_utf8(rest.slice(origin_length.into())?.to_vec()).ok()?;
        let note_length = u32::from_le_bytes(rest.take()?);
        let note = String::from_utf8(rest.slice(note_length.try_into().ok()?)?.to_vec()).ok()?;
        rest.0.is_empty().then_some(Self {
            key_id,
            origin,
            frontier: Frontier::new(first, peaks)?,
            note,
        })
    }

    /// Checks the header against the name of its file and the log's key.
    ///
    /// The error names what does not fit.
    pub(crate) fn check(&self, first: u64, key: &VerifyingKey) -> Result<Checkpoint, String> {
        if self.frontier.size() != first {
            return Err(format!(
                "the header says first index {}, the name says {first}",
                self.frontier.size()
            ));
        }
        if self.origin != key.name() {
            return Err(format!(
                "the header is of log `{}`, the key of `{}`",
                self.origin,
                key.name()
            ));
        }
        if self.key_id != key.id(NOTE) {
            return Err("the header names another key".to_owned());
        }
        let checkpoint = Checkpoint::verify(&self.note, key)
            .map_err(|e| format!("checkpoint in the header: {e}"))?;
        if checkpoint.size != first || checkpoint.root != self.frontier.root() {
            return Err("the header's tree is not the one its checkpoint signs".to_owned());
        }
        Ok(checkpoint)
    }
}

/// A segment's header, and its frames to be read.
pub(crate) type Opened = (Header, Frames<BufReader<File>>);

/// A segment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) path: PathBuf,
}

impl Segment {
    pub(crate) fn named(dir: &Path, first: u64) -> Self {
        Self {
            first,
            path: dir.join(format!("segment-{first:020}.log")),
        }
    }

    /// The segments of a log, in order.
    pub(crate) fn list(dir: &Path) -> io::Result<Vec<Self>> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(dir)? {
            let name = entry?.file_name();
            let Some(first) = name.to_str().and_then(first_of) else {
                continue;
            };
            segments.push(Self::named(dir, first));
        }
        segments.sort_by_key(|segment| segment.first);
        Ok(segments)
    }

    /// The file's name, for messages.
    pub(crate) fn name(&self) -> String {
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// Opens the segment: its header, and its frames.
    pub(crate) fn open(&self) -> io::Result<Result<Opened, &'static str>> {
        let mut input = BufReader::with_capacity(256 * 1024, File::open(&self.path)?);
        Ok(
            Header::decode(&mut input)?
                .map(|(header, length)| (header, Frames::new(input, length))),
        )
    }
}

fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".log")?;
    let whole = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    whole.then(|| digits.parse().ok()).flatten()
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::key::SigningKey;

    #[test]
    fn a_header_is_read_back_and_any_changed_bit_is_found() {
        let key = SigningKey::generate("hangu.example/log").unwrap();
        let mut frontier = Frontier::default();
        for i in 0..5u8 {
            frontier.push([i; 32], |_| ());
        }
        let checkpoint = Checkpoint::sign(&key, 5, frontier.root(), Timestamp(0));
        let header = Header {
            key_id: key.note_id(),
            origin: key.name().to_owned(),
            frontier,
            note: checkpoint.note().to_owned(),
        };
        let bytes = header.encode();
        let (read, length) = Header::decode(&mut bytes.as_slice()).unwrap().unwrap();
        assert_eq!((&read, length), (&header, bytes.len() as u64));
        assert_eq!(read.check(5, &key.public()), Ok(checkpoint));
        assert!(read.check(6, &key.public()).is_err());
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(
                Header::decode(&mut bad.as_slice()).unwrap().is_err(),
                "bit {bit}"
            );
        }
        for end in 0..bytes.len() {
            assert!(Header::decode(&mut &bytes[..end]).unwrap().is_err());
        }
    }

    #[test]
    fn only_whole_names_are_segments() {
        assert_eq!(first_of("segment-00000000000000000042.log"), Some(42));
        for name in [
            "segment-42.log",
            "segment-00000000000000000042.log.new",
            "segment-0000000000000000004x.log",
            "tree",
        ] {
            assert_eq!(first_of(name), None, "{name}");
        }
    }
}
