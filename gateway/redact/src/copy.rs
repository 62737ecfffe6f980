//! The output, and how much of the buffer is in it.

use crate::mask::{Edit, Put};

/// Bytes that are copied at once, most of what stands between two values.
const PIECE: usize = 64;

/// Stars that are written at once, most of what a mask is.
const MASK: usize = 16;

/// What has been written of one buffer.
pub(crate) struct Copy<'a> {
    pub(crate) buffer: &'a [u8],
    done: usize,
    out: &'a mut Vec<u8>,
    /// Where it is kept what was changed: places in the buffer, and in the output.
    log: Option<&'a mut Vec<Change>>,
}

/// A piece of the buffer, and the piece of the output that stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) out_from: usize,
    pub(crate) out_to: usize,
}

impl<'a> Copy<'a> {
    pub(crate) fn new(buffer: &'a [u8], out: &'a mut Vec<u8>) -> Self {
        Self {
            buffer,
            done: 0,
            out,
            log: None,
        }
    }

    /// Keeps what is changed.
    pub(crate) fn logged(mut self, log: &'a mut Vec<Change>) -> Self {
        self.log = Some(log);
        self
    }

    fn note(&mut self, from: usize, to: usize, out_from: usize) {
        if let Some(log) = &mut self.log {
            log.push(Change {
                from,
                to,
                out_from,
                out_to: self.out.len(),
            });
        }
    }

    #[inline]
    pub(crate) fn upto(&mut self, at: usize) {
        let rest = self.buffer.get(self.done..).unwrap_or_default();
        let length = at.saturating_sub(self.done);
        match rest.first_chunk::<PIECE>() {
            // A length that is known is copied without a call; what is too much of it is taken back.
            Some(piece) if length <= PIECE => {
                let written = self.out.len();
                self.out.extend_from_slice(piece);
                self.out.truncate(written + length);
            }
            _ => self
                .out
                .extend_from_slice(rest.get(..length).unwrap_or_default()),
        }
        self.done = self.done.max(at);
    }

    #[inline]
    pub(crate) fn replace(&mut self, from: usize, to: usize, byte: u8, times: usize) {
        self.upto(from);
        let written = self.out.len();
        if times <= MASK {
            self.out.extend_from_slice(&[byte; MASK]);
            self.out.truncate(written + times);
        } else {
            self.out.resize(written + times, byte);
        }
        self.note(from, to, written);
        self.done = self.done.max(to);
    }

    pub(crate) fn put(&mut self, from: usize, to: usize, put: &Put) {
        match put {
            Put::Stars(times) => self.replace(from, to, b'*', *times),
            Put::Text(text) => {
                self.upto(from);
                let written = self.out.len();
                self.out.extend_from_slice(text.as_bytes());
                self.note(from, to, written);
                self.done = self.done.max(to);
            }
        }
    }

    /// Makes changes to a value whose characters are the bytes from `start` on.
    pub(crate) fn edit(&mut self, chars: &[char], start: usize, edits: &[Edit]) {
        let (mut passed, mut place) = (0, start);
        let mut walk = |to: usize| {
            let ahead = chars.get(passed..to).unwrap_or_default();
            place += ahead.iter().map(|ch| ch.len_utf8()).sum::<usize>();
            passed += ahead.len();
            place
        };
        for edit in edits {
            let (from, to) = (walk(edit.at), walk(edit.at + edit.over));
            self.put(from, to, &edit.put);
        }
    }

    /// Leaves out everything up to a place.
    pub(crate) fn skip(&mut self, to: usize) {
        if to > self.done {
            let (from, written) = (self.done, self.out.len());
            self.note(from, to, written);
            self.done = to;
        }
    }
}
