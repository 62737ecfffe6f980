//! Frames: how records and commit markers stand in a segment.
//!
//! ```text
//! length u32 | crc-32c u32 | index u64 | 0 | payload                  a record
//! length u32 | crc-32c u32 | size  u64 | 1 | durable u64 | root [32]  a commit marker, after every batch
//! ```
//!
//! Numbers are little-endian. The length counts what follows the checksum; the checksum covers the length and what
//! follows it. A record's kind is the byte that RFC 6962 puts before a leaf, so the leaf hash covers a part of the
//! frame as it stands. A length of zero means that nothing has been written from here on.

use std::io::{self, Read};

use crate::merkle::{Hash, LEAF, sha256};

/// Largest record, in bytes (chosen: half of what tlog-tiles lets an entry hold).
pub const MAX_RECORD: usize = 32 * 1024;

pub(crate) const COMMIT_KIND: u8 = 1;
/// Length and checksum.
pub(crate) const PREFIX: usize = 8;
/// Index and kind.
const RECORD_HEAD: usize = 9;
const COMMIT_BODY: usize = RECORD_HEAD + 8 + 32;
/// Whole length of a commit marker.
pub(crate) const COMMIT_FRAME: usize = PREFIX + COMMIT_BODY;

/// A commit marker: what the tree was after a batch, and how much was known to be on disk when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) size: u64,
    pub(crate) durable: u64,
    pub(crate) root: Hash,
}

/// What stands at one place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Record {
        index: u64,
        /// What the leaf hash covers: the kind and the payload. Only those who need the hash compute it.
        covered: &'a [u8],
        payload: &'a [u8],
    },
    Commit(Commit),
    /// The end of the file, or zeros up to it.
    End,
    /// Not a whole frame.
    Bad(&'static str),
}

/// Appends a record's frame and returns its leaf hash.
pub(crate) fn put_record(out: &mut Vec<u8>, index: u64, payload: &[u8]) -> Hash {
    let start = begin(out, index, LEAF);
    out.extend_from_slice(payload);
    let leaf = out
        .get(start + PREFIX + RECORD_HEAD - 1..)
        .map_or([0; 32], sha256);
    finish(out, start);
    leaf
}

/// Appends a commit marker.
pub(crate) fn put_commit(out: &mut Vec<u8>, commit: &Commit) {
    let start = begin(out, commit.size, COMMIT_KIND);
    out.extend_from_slice(&commit.durable.to_le_bytes());
    out.extend_from_slice(&commit.root);
    finish(out, start);
}

fn begin(out: &mut Vec<u8>, number: u64, kind: u8) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX]);
    out.extend_from_slice(&number.to_le_bytes());
    out.push(kind);
    start
}

fn finish(out: &mut [u8], start: usize) {
    let Some((prefix, body)) = out
        .get_mut(start..)
        .and_then(|frame| frame.split_first_chunk_mut::<PREFIX>())
    else {
        return;
    };
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    let sum = checksum(length, body).to_le_bytes();
    for (to, from) in prefix.iter_mut().zip(length.iter().chain(&sum)) {
        *to = *from;
    }
}

fn checksum(length: [u8; 4], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), body)
}

/// Reads frames one after the other, in bounded memory.
pub(crate) struct Frames<R> {
    input: R,
    offset: u64,
    body: Vec<u8>,
}

impl<R: Read> Frames<R> {
    /// Starts at `offset` of a segment, where `input` stands.
    pub(crate) fn new(input: R, offset: u64) -> Self {
        Self {
            input,
            offset,
            body: Vec::new(),
        }
    }

    /// Where the next frame starts; after [`Frame::Bad`] and [`Frame::End`], where that starts.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn next(&mut self) -> io::Result<Frame<'_>> {
        let mut prefix = [0; PREFIX];
        let got = fill(&mut self.input, &mut prefix)?;
        let (length, sum) = split_prefix(prefix);
        if length == 0 && sum == 0 {
            return Ok(if only_zeros(&mut self.input)? {
                Frame::End
            } else {
                Frame::Bad("zeros with something after them")
            });
        }
        if got < PREFIX {
            return Ok(Frame::Bad("cut short"));
        }
        let wanted = length as usize;
        if !(RECORD_HEAD..=RECORD_HEAD + MAX_RECORD).contains(&wanted) {
            return Ok(Frame::Bad("impossible length"));
        }
        self.body.resize(wanted, 0);
        if fill(&mut self.input, &mut self.body)? < wanted {
            return Ok(Frame::Bad("cut short"));
        }
        let frame = parse(length.to_le_bytes(), sum, &self.body);
        if !matches!(frame, Frame::Bad(_)) {
            self.offset += (PREFIX + wanted) as u64;
        }
        Ok(frame)
    }
}

fn parse(length: [u8; 4], sum: u32, body: &[u8]) -> Frame<'_> {
    if checksum(length, body) != sum {
        return Frame::Bad("wrong checksum");
    }
    let Some((number, rest)) = body.split_first_chunk::<8>() else {
        return Frame::Bad("impossible length");
    };
    let number = u64::from_le_bytes(*number);
    match rest.split_first() {
        Some((&LEAF, payload)) => Frame::Record {
            index: number,
            covered: rest,
            payload,
        },
        Some((&COMMIT_KIND, rest)) => {
            match (rest.first_chunk::<8>(), rest.get(8..).map(Hash::try_from)) {
                (Some(durable), Some(Ok(root))) => Frame::Commit(Commit {
                    size: number,
                    durable: u64::from_le_bytes(*durable),
                    root,
                }),
                _ => Frame::Bad("commit marker of a wrong length"),
            }
        }
        _ => Frame::Bad("unknown kind"),
    }
}

/// Looks for whole commit markers anywhere in `input` and returns the largest `durable` among them.
pub(crate) fn latest_durable(mut input: impl Read) -> io::Result<Option<u64>> {
    let mut window: Vec<u8> = Vec::with_capacity(WINDOW);
    let mut chunk = vec![0; WINDOW - COMMIT_FRAME];
    let mut latest = None;
    loop {
        let got = fill(&mut input, &mut chunk)?;
        window.extend(chunk.iter().take(got));
        for frame in window.windows(COMMIT_FRAME) {
            let Some((prefix, body)) = frame.split_first_chunk::<PREFIX>() else {
                continue;
            };
            let (length, sum) = split_prefix(*prefix);
            if length as usize == COMMIT_BODY
                && let Frame::Commit(commit) = parse(length.to_le_bytes(), sum, body)
            {
                latest = latest.max(Some(commit.durable));
            }
        }
        if got < chunk.len() {
            return Ok(latest);
        }
        // Keep what may be the start of a marker that goes on in the next chunk.
        window.drain(..window.len().saturating_sub(COMMIT_FRAME - 1));
    }
}

const WINDOW: usize = 64 * 1024;

fn split_prefix(prefix: [u8; PREFIX]) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = prefix;
    (
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
    )
}

/// Reads until the buffer is full or the input ends, and returns how much it got.
pub(crate) fn fill(input: &mut impl Read, mut buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while !buffer.is_empty() {
        match input.read(buffer) {
            Ok(0) => break,
            Ok(n) => {
                got += n;
                buffer = buffer.get_mut(n..).unwrap_or_default();
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

fn only_zeros(input: &mut impl Read) -> io::Result<bool> {
    let mut chunk = vec![0; WINDOW];
    loop {
        let got = fill(input, &mut chunk)?;
        if chunk.iter().take(got).any(|&b| b != 0) {
            return Ok(false);
        }
        if got < chunk.len() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;
    use proptest::prelude::*;

    #[test]
    fn frames_are_read_back_and_the_leaf_hash_is_that_of_the_payload() {
        let mut bytes = Vec::new();
        let leaf = put_record(&mut bytes, 7, b"payload");
        assert_eq!(leaf, leaf_hash(b"payload"));
        assert_eq!(bytes.len(), PREFIX + RECORD_HEAD + 7);
        let commit = Commit {
            size: 8,
            durable: 3,
            root: [9; 32],
        };
        put_commit(&mut bytes, &commit);
        assert_eq!(bytes.len(), PREFIX + RECORD_HEAD + 7 + COMMIT_FRAME);
        bytes.extend([0; 100]);
        let mut frames = Frames::new(bytes.as_slice(), 0);
        assert_eq!(
            frames.next().unwrap(),
            Frame::Record {
                index: 7,
                covered: b"\0payload",
                payload: b"payload"
            }
        );
        assert_eq!(frames.next().unwrap(), Frame::Commit(commit));
        assert_eq!(frames.next().unwrap(), Frame::End);
        assert_eq!(
            frames.offset(),
            (PREFIX + RECORD_HEAD + 7 + COMMIT_FRAME) as u64
        );
    }

    #[test]
    fn a_marker_is_found_wherever_it_stands() {
        for at in [
            0,
            1,
            WINDOW - COMMIT_FRAME - 1,
            WINDOW - 30,
            WINDOW,
            3 * WINDOW + 5,
        ] {
            let mut bytes = vec![0xAA; at];
            put_commit(
                &mut bytes,
                &Commit {
                    size: 8,
                    durable: 3,
                    root: [9; 32],
                },
            );
            bytes.extend([0x55; 40]);
            assert_eq!(
                latest_durable(bytes.as_slice()).unwrap(),
                Some(3),
                "at {at}"
            );
            bytes[at + 20] ^= 1;
            assert_eq!(latest_durable(bytes.as_slice()).unwrap(), None, "at {at}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic_or_run_on(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut frames = Frames::new(bytes.as_slice(), 0);
            for _ in 0..100 {
                if matches!(frames.next().unwrap(), Frame::End | Frame::Bad(_)) {
                    return Ok(());
                }
            }
            prop_assert!(false, "did not end");
        }
    }
}
