//! The run of characters around a place that could matter, as the format means it.

use crate::unit::{Escapes, Unit, is_cluster, unit};

/// Characters of a cluster that are decided at once; longer ones are decided piece by piece.
pub(crate) const CHARS_MAX: usize = 640;

/// Bytes that these characters may take with all their escapes.
pub(crate) const BYTES_MAX: usize = 3600;

/// How far ahead of a place its cluster is taken to begin, at most: longer than any local part.
pub(crate) const BEHIND_MAX: usize = 128;

/// A cluster cut out of a buffer.
#[derive(Debug)]
pub(crate) enum Cluster {
    /// Written plainly: the characters are the bytes from the start to `end`.
    Plain { end: usize, more: bool },
    /// With escapes: the characters and the place of each are in the scratch; `next` is behind what ended it.
    Unescaped { next: usize, more: bool },
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

/// Finds where the cluster that goes on at `from` begins, not before `floor`. Only plain characters stand between.
pub(crate) fn start(buffer: &[u8], floor: usize, from: usize, escapes: Escapes) -> usize {
    let floor = floor.max(from.saturating_sub(BEHIND_MAX));
    let before = buffer.get(floor..from).unwrap_or_default();
    let mut at = from;
    let mut bytes = before.iter().rev().peekable();
    while let Some(&byte) = bytes.next() {
        let digit_ahead = || at == from || buffer.get(at).is_some_and(u8::is_ascii_digit);
        let belongs = escapes.is_plain(byte)
            || (escapes.is_space(byte)
                && digit_ahead()
                && bytes.peek().is_some_and(|byte| byte.is_ascii_digit()));
        if !belongs {
            break;
        }
        at -= 1;
    }
    at
}

/// Cuts out the cluster that begins at `start` and is plain up to `known`.
pub(crate) fn cut(
    buffer: &[u8],
    start: usize,
    known: usize,
    escapes: Escapes,
    last: bool,
    scratch: &mut Scratch,
) -> Cluster {
    if escapes == Escapes::Percent {
        return unescape(buffer, start, escapes, last, scratch);
    }
    let longest = start + CHARS_MAX;
    let mut at = known;
    loop {
        let run = buffer.get(at..).unwrap_or_default();
        at += run
            .iter()
            .take(longest.saturating_sub(at))
            .take_while(|&&byte| is_cluster(byte))
            .count();
        if at >= longest {
            return Cluster::Plain {
                end: at,
                more: true,
            };
        }
        match buffer.get(at) {
            None if last => {
                return Cluster::Plain {
                    end: at,
                    more: false,
                };
            }
            None => return Cluster::Open,
            Some(b'\\' | 0xEF) => return unescape(buffer, start, escapes, last, scratch),
            Some(b' ') if is_digit(buffer.get(at.wrapping_sub(1))) && at > start => {
                match buffer.get(at + 1) {
                    Some(b'\\' | 0xEF) => return unescape(buffer, start, escapes, last, scratch),
                    Some(next) if next.is_ascii_digit() => at += 1,
                    None if !last => return Cluster::Open,
                    _ => {
                        return Cluster::Plain {
                            end: at,
                            more: false,
                        };
                    }
                }
            }
            Some(_) => {
                return Cluster::Plain {
                    end: at,
                    more: false,
                };
            }
        }
    }
}

fn is_digit(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_digit)
}

fn unescape(
    buffer: &[u8],
    start: usize,
    escapes: Escapes,
    last: bool,
    scratch: &mut Scratch,
) -> Cluster {
    scratch.text.clear();
    scratch.places.clear();
    let mut at = start;
    loop {
        scratch.places.push(at);
        if scratch.text.len() >= CHARS_MAX || at - start >= BYTES_MAX {
            return Cluster::Unescaped {
                next: at,
                more: true,
            };
        }
        let after_digit = is_digit(scratch.text.last());
        match unit(buffer, at, escapes, last) {
            Unit::Short => return Cluster::Open,
            Unit::Break { len } => {
                return Cluster::Unescaped {
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
                    Unit::Short => return Cluster::Open,
                    Unit::Char { byte, .. } if byte.is_ascii_digit() => scratch.text.push(b' '),
                    Unit::Char { .. } | Unit::WideX { .. } | Unit::Break { .. } => {
                        return Cluster::Unescaped {
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
                return Cluster::Unescaped {
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
