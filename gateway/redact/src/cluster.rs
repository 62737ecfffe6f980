//! The run of characters around a place that could matter, as the format means it.

use crate::unit::{Escapes, MARK, Unit, class, unit};

/// Characters of a cluster that are decided at once; longer ones are decided piece by piece.
pub(crate) const CHARS_MAX: usize = 640;

/// Bytes that these characters may take with all their escapes.
pub(crate) const BYTES_MAX: usize = 3600;

/// How far ahead of a place its cluster is taken to begin, at most: longer than any local part.
pub(crate) const BEHIND_MAX: usize = 128;

/// A cluster cut out of a buffer.
#[derive(Debug)]
pub(crate) enum Cluster {
    /// Written plainly: the characters are the bytes from the start to `end`, `seen` the classes among them.
    Plain { end: usize, more: bool, seen: u8 },
    /// Some of it is escaped.
    Escaped,
    /// It is not known yet where it ends.
    Open,
}

/// What became of escapes.
#[derive(Debug)]
pub(crate) enum Unescaped {
    /// The characters are in the scratch; `next` is behind what ended them.
    Text { next: usize, more: bool },
    /// It is not known yet where it ends.
    Open,
}

/// Room for the characters of a cluster with escapes.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) text: Vec<u8>,
    /// Offset in the buffer of every character, and of the end.
    pub(crate) places: Vec<usize>,
}

/// Finds where the cluster that goes on at `from` begins, not before `floor`, and the classes on the way. Only plain
/// characters stand between.
#[inline]
pub(crate) fn start(buffer: &[u8], floor: usize, from: usize, escapes: Escapes) -> (usize, u8) {
    let floor = floor.max(from.saturating_sub(BEHIND_MAX));
    let before = buffer.get(floor..from).unwrap_or_default();
    let mut left = before;
    let mut seen = 0;
    loop {
        let mut length = left.len();
        for &byte in left.iter().rev() {
            let class = escapes.plain_class(byte);
            if class == 0 {
                break;
            }
            seen |= class;
            length -= 1;
        }
        left = left.get(..length).unwrap_or_default();
        let Some((&byte, rest)) = left.split_last() else {
            break;
        };
        let separates = escapes.is_space(byte)
            && before.get(length).is_none_or(u8::is_ascii_digit)
            && is_digit(rest.last());
        if !separates {
            break;
        }
        seen |= MARK;
        left = rest;
    }
    (floor + left.len(), seen)
}

/// Cuts out the cluster that begins at `start` and is plain up to `known`.
#[inline]
pub(crate) fn cut(
    buffer: &[u8],
    start: usize,
    known: usize,
    seen: u8,
    escapes: Escapes,
    last: bool,
) -> Cluster {
    if escapes == Escapes::Percent {
        return Cluster::Escaped;
    }
    let mut seen = seen;
    let longest = start + CHARS_MAX;
    let mut at = known;
    loop {
        let until = longest.min(buffer.len());
        for &byte in buffer.get(at..until).unwrap_or_default() {
            let class = class(byte);
            if class == 0 {
                break;
            }
            seen |= class;
            at += 1;
        }
        if at >= longest {
            return Cluster::Plain {
                end: at,
                more: true,
                seen,
            };
        }
        match buffer.get(at) {
            None if last => {
                return Cluster::Plain {
                    end: at,
                    more: false,
                    seen,
                };
            }
            None => return Cluster::Open,
            Some(&byte)
                if (byte == escapes.byte() || byte == 0xEF)
                    && !escapes.is_plain_break(buffer, at) =>
            {
                return Cluster::Escaped;
            }
            Some(b' ') if at > start && is_digit(buffer.get(at - 1)) => match buffer.get(at + 1) {
                Some(&next) if next == escapes.byte() || next == 0xEF => return Cluster::Escaped,
                Some(next) if next.is_ascii_digit() => {
                    seen |= MARK;
                    at += 1;
                }
                None if !last => return Cluster::Open,
                _ => {
                    return Cluster::Plain {
                        end: at,
                        more: false,
                        seen,
                    };
                }
            },
            Some(_) => {
                return Cluster::Plain {
                    end: at,
                    more: false,
                    seen,
                };
            }
        }
    }
}

fn is_digit(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_digit)
}

/// Undoes the escapes of the cluster that begins at `start`.
pub(crate) fn unescape(
    buffer: &[u8],
    start: usize,
    escapes: Escapes,
    last: bool,
    scratch: &mut Scratch,
) -> Unescaped {
    scratch.text.clear();
    scratch.places.clear();
    let mut at = start;
    loop {
        scratch.places.push(at);
        if scratch.text.len() >= CHARS_MAX || at - start >= BYTES_MAX {
            return Unescaped::Text {
                next: at,
                more: true,
            };
        }
        let after_digit = is_digit(scratch.text.last());
        match unit(buffer, at, escapes, last) {
            Unit::Short => return Unescaped::Open,
            Unit::Break { len } => {
                return Unescaped::Text {
                    next: at + len,
                    more: false,
                };
            }
            Unit::Char { byte: b' ', len } => {
                let ahead = if after_digit {
                    unit(buffer, at + len, escapes, last)
                } else {
                    Unit::Break { len: 0 }
                };
                match ahead {
                    Unit::Short => return Unescaped::Open,
                    Unit::Char { byte, .. } if byte.is_ascii_digit() => scratch.text.push(b' '),
                    Unit::Char { .. } | Unit::WideX { .. } | Unit::Break { .. } => {
                        return Unescaped::Text {
                            next: at + len,
                            more: false,
                        };
                    }
                }
                at += len;
            }
            Unit::WideX { len } if after_digit => {
                scratch.text.push(b'X');
                at += len;
            }
            Unit::WideX { len } => {
                return Unescaped::Text {
                    next: at + len,
                    more: false,
                };
            }
            Unit::Char { byte, len } => {
                scratch.text.push(byte);
                at += len;
            }
        }
    }
}
