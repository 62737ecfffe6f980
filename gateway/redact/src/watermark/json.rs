//! Values of JSON and NDJSON, over any chunks.

use super::hand::Hand;
use crate::unit::Escapes;
use crate::value::{Charset, letters};

/// Bytes of a value that is marked, at most: chosen. Longer ones pass as they are.
const VALUE_MAX: usize = 4096;

/// Bytes between a key and its value that are held, at most: chosen.
const GAP_MAX: usize = 64;

/// Arrays and objects within one another: chosen. Deeper ones are not marked.
const DEPTH_MAX: usize = 512;

/// One document, or many, as they stream past.
#[derive(Debug)]
pub(super) struct Values {
    /// The arrays and objects around: true for objects.
    around: Vec<bool>,
    /// Deeper than is counted.
    lost: bool,
    /// Within an object, the next string is a key.
    key: bool,
    place: Place,
    raw: Vec<u8>,
    /// What stands between a colon and the value, while that is not known.
    gap: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    Text { escaped: bool, long: bool },
    Scalar { long: bool },
}

impl Values {
    pub(super) fn new() -> Self {
        Self {
            around: Vec::new(),
            lost: false,
            key: false,
            place: Place::Between,
            raw: Vec::new(),
            gap: None,
        }
    }

    pub(super) fn feed(&mut self, chunk: &[u8], hand: &mut Hand, out: &mut Vec<u8>) {
        for &byte in chunk {
            if self.lost {
                out.push(byte);
                continue;
            }
            match self.place {
                Place::Between => self.between(byte, out),
                Place::Text { escaped, long } => {
                    let closes = byte == b'"' && !escaped;
                    let escaped = byte == b'\\' && !escaped;
                    let long = self.hold(byte, long, out);
                    self.place = Place::Text { escaped, long };
                    if closes {
                        self.place = Place::Between;
                        if !long {
                            self.text(hand, out);
                        }
                        self.key = false;
                    }
                }
                Place::Scalar { long } => {
                    if byte.is_ascii_whitespace() || b",:[]{}\"".contains(&byte) {
                        self.place = Place::Between;
                        if !long {
                            self.scalar(hand, out);
                        }
                        self.between(byte, out);
                    } else {
                        let long = self.hold(byte, long, out);
                        self.place = Place::Scalar { long };
                    }
                }
            }
        }
    }

    pub(super) fn finish(&mut self, hand: &mut Hand, out: &mut Vec<u8>) {
        if matches!(self.place, Place::Scalar { long: false }) {
            self.scalar(hand, out);
        }
        self.let_go(out);
        out.append(&mut self.raw);
    }

    /// Holds a byte of a value, or writes all where there are too many.
    fn hold(&mut self, byte: u8, long: bool, out: &mut Vec<u8>) -> bool {
        self.raw.push(byte);
        if long || self.raw.len() > VALUE_MAX {
            self.let_go(out);
            out.append(&mut self.raw);
            return true;
        }
        false
    }

    /// Writes what stands ahead of a value as it is.
    fn let_go(&mut self, out: &mut Vec<u8>) {
        out.extend(self.gap.take().unwrap_or_default());
    }

    fn between(&mut self, byte: u8, out: &mut Vec<u8>) {
        if byte.is_ascii_whitespace() {
            match &mut self.gap {
                Some(gap) if gap.len() < GAP_MAX => gap.push(byte),
                _ => {
                    self.let_go(out);
                    out.push(byte);
                }
            }
            return;
        }
        match byte {
            b'"' => {
                self.raw.push(byte);
                self.place = Place::Text {
                    escaped: false,
                    long: false,
                };
                return;
            }
            b'{' | b'[' => {
                self.around.push(byte == b'{');
                self.key = byte == b'{';
                self.lost = self.around.len() > DEPTH_MAX;
            }
            b'}' | b']' => {
                self.around.pop();
                self.key = false;
            }
            b',' => self.key = self.around.last() == Some(&true),
            b':' => {
                self.let_go(out);
                out.push(byte);
                self.gap = Some(Vec::new());
                return;
            }
            _ => {
                self.raw.push(byte);
                self.place = Place::Scalar { long: false };
                return;
            }
        }
        self.let_go(out);
        out.push(byte);
    }

    /// Writes a string.
    fn text(&mut self, hand: &mut Hand, out: &mut Vec<u8>) {
        let mut raw = std::mem::take(&mut self.raw);
        let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
        if !self.key
            && let Ok(inner) = std::str::from_utf8(inner)
        {
            let text = decoded(inner);
            self.gap(&text, hand);
            if let Some(changed) = hand.text(&text, inner) {
                raw = format!("\"{changed}\"").into_bytes();
            }
        }
        self.let_go(out);
        out.append(&mut raw);
    }

    /// Writes a number or a word.
    fn scalar(&mut self, hand: &mut Hand, out: &mut Vec<u8>) {
        let mut raw = std::mem::take(&mut self.raw);
        if let Ok(text) = std::str::from_utf8(&raw) {
            self.gap(text, hand);
        }
        self.let_go(out);
        out.append(&mut raw);
    }

    /// Decides about the space ahead of a value that has a key.
    fn gap(&mut self, text: &str, hand: &mut Hand) {
        let Some(gap) = &mut self.gap else { return };
        // A value on a line of its own is not one space away.
        if gap.contains(&b'\n') {
            return;
        }
        let spelt = !gap.is_empty();
        if hand.spelling(text, spelt) != spelt {
            *gap = if spelt { Vec::new() } else { vec![b' '] };
        }
    }
}

/// The text of a string, escapes undone.
fn decoded(inner: &str) -> String {
    if !inner.contains('\\') {
        return inner.to_owned();
    }
    let mut found = Vec::new();
    let (bytes, escapes) = (inner.as_bytes(), Escapes::Backslash);
    letters(bytes, 0, bytes.len(), escapes, Charset::Utf8, &mut found);
    found.iter().map(|letter| letter.ch).collect()
}
