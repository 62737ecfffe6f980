//! The output, and how much of the buffer is in it.

use crate::mask::{Edit, Put};

/// What has been written of one buffer.
pub(crate) struct Copy<'a> {
    pub(crate) buffer: &'a [u8],
    done: usize,
    out: &'a mut Vec<u8>,
}

impl<'a> Copy<'a> {
    pub(crate) fn new(buffer: &'a [u8], out: &'a mut Vec<u8>) -> Self {
        Self {
            buffer,
            done: 0,
            out,
        }
    }

    pub(crate) fn upto(&mut self, at: usize) {
        self.out
            .extend_from_slice(self.buffer.get(self.done..at).unwrap_or_default());
        self.done = self.done.max(at);
    }

    pub(crate) fn replace(&mut self, from: usize, to: usize, byte: u8, times: usize) {
        self.upto(from);
        self.out.resize(self.out.len() + times, byte);
        self.done = self.done.max(to);
    }

    pub(crate) fn put(&mut self, from: usize, to: usize, put: &Put) {
        match put {
            Put::Stars(times) => self.replace(from, to, b'*', *times),
            Put::Text(text) => {
                self.upto(from);
                self.out.extend_from_slice(text.as_bytes());
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
        self.done = self.done.max(to);
    }
}
