//! Cells of CSV and TSV (RFC 4180), over any chunks.

use std::borrow::Cow;

use super::hand::Hand;

/// Bytes of a cell that is marked, at most: chosen. Longer ones pass as they are.
const CELL_MAX: usize = 4096;

/// One table as it streams past.
#[derive(Debug)]
pub(super) struct Cells {
    separator: u8,
    raw: Vec<u8>,
    /// Within quotes.
    quoted: bool,
    /// The cell is too long, and what was held of it is written.
    long: bool,
    /// Names of columns are what programs look for.
    head: bool,
}

impl Cells {
    pub(super) fn new(separator: u8) -> Self {
        Self {
            separator,
            raw: Vec::new(),
            quoted: false,
            long: false,
            head: true,
        }
    }

    pub(super) fn feed(&mut self, chunk: &[u8], hand: &mut Hand, out: &mut Vec<u8>) {
        for &byte in chunk {
            let ends = !self.quoted && (byte == self.separator || matches!(byte, b'\n' | b'\r'));
            if ends {
                self.end(hand, out);
                self.head &= byte != b'\n';
                out.push(byte);
                continue;
            }
            if byte == b'"'
                && (self.quoted || self.long || matches!(self.raw.first(), None | Some(b'"')))
            {
                self.quoted = !self.quoted;
            }
            self.raw.push(byte);
            if self.raw.len() > CELL_MAX {
                self.long = true;
            }
            if self.long {
                out.append(&mut self.raw);
            }
        }
    }

    pub(super) fn finish(&mut self, hand: &mut Hand, out: &mut Vec<u8>) {
        self.end(hand, out);
    }

    fn end(&mut self, hand: &mut Hand, out: &mut Vec<u8>) {
        self.quoted = false;
        if !std::mem::take(&mut self.long) && !self.head {
            self.mark(hand);
        }
        out.append(&mut self.raw);
    }

    /// Marks a cell whose text is known for sure.
    fn mark(&mut self, hand: &mut Hand) {
        let Ok(raw) = std::str::from_utf8(&self.raw) else {
            return;
        };
        let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
        let (inner, quotes) = match inner {
            Some(inner) => (inner, true),
            None => (raw, false),
        };
        let text = match (quotes, inner.contains('"')) {
            (true, true) if inner.replace("\"\"", "").contains('"') => return,
            (true, true) => Cow::Owned(inner.replace("\"\"", "\"")),
            (false, true) => return,
            (_, false) => Cow::Borrowed(inner),
        };
        let own = char::from(self.separator);
        let needs = text.contains(['"', '\r', '\n', own])
            || text.trim().len() != text.len()
            || text.is_empty();
        // In tables with tabulators, quotes are characters to many readers.
        let spelt = if needs || self.separator == b'\t' {
            quotes
        } else {
            hand.spelling(&text, quotes)
        };
        let changed = hand.text(&text, inner);
        if changed.is_none() && spelt == quotes {
            return;
        }
        let inner = changed.unwrap_or_else(|| inner.to_owned());
        self.raw = if spelt {
            format!("\"{inner}\"").into_bytes()
        } else {
            inner.into_bytes()
        };
    }
}
