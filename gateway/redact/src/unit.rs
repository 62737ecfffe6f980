//! One character as a format writes it: plain, escaped, percent-encoded or full-width.

/// How the format hides characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// `\n`, `\"`, `\u0031`: JSON strings, and JavaScript within text.
    Backslash,
    /// `%31`, and `+` for a space.
    Percent,
    /// `&#49;` and `&#x31;`: XML and HTML.
    Entity,
    /// A doubled quote: cells of a table.
    Doubled,
}

impl Escapes {
    /// The byte that starts an escape.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Backslash => b'\\',
            Self::Percent => b'%',
            Self::Entity => b'&',
            Self::Doubled => b'"',
        }
    }

    /// The class of a byte written plainly, separators aside.
    #[inline]
    pub(crate) fn plain_class(self, byte: u8) -> u8 {
        if self == Self::Percent && (byte == b'+' || byte == b'%') {
            0
        } else {
            class(byte)
        }
    }

    /// Tells whether the bytes at `at` are plain and cannot be part of a value, so that nobody need decode them.
    #[inline]
    pub(crate) fn is_plain_break(self, buffer: &[u8], at: usize) -> bool {
        // Most full-width forms in text are punctuation.
        match buffer.get(at..at + 3) {
            Some([0xEF, second, third]) if self != Self::Percent => !matches!(
                (second, third),
                (0xBC, 0x90..=0x99 | 0xA0 | 0xB8) | (0xBD, 0x98)
            ),
            _ => false,
        }
    }

    /// Tells whether a byte written plainly separates groups of digits as a space does.
    pub(crate) fn is_space(self, byte: u8) -> bool {
        byte == b' ' || (self == Self::Percent && byte == b'+')
    }
}

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A character that can belong to a value, or a space, written in `len` bytes.
    Char {
        /// The ASCII character meant.
        byte: u8,
        /// The bytes it takes.
        len: usize,
    },
    /// A full-width X: a check character behind a digit, elsewhere a letter of no value.
    WideX {
        /// The bytes it takes.
        len: usize,
    },
    /// Something that ends every value, with the bytes that must be skipped as one.
    Break {
        /// 0 where the byte may be looked at again.
        len: usize,
    },
    /// The buffer ends within it.
    Short,
}

/// Class of ASCII letters and digits.
pub(crate) const ALNUM: u8 = 1;
/// Class of what else can belong to a value, or to what is left of a masked one.
pub(crate) const MARK: u8 = 2;
/// Class of `@`.
pub(crate) const SIGN: u8 = 4;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        let class = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => ALNUM,
            b'.' | b'_' | b'%' | b'+' | b'-' | b'*' => MARK,
            b'@' => SIGN,
            _ => 0,
        };
        if let Some((_, rest)) = table.split_at_mut_checked(byte as usize)
            && let Some(slot) = rest.first_mut()
        {
            *slot = class;
        }
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

/// The class of a character, 0 where it ends every value.
#[inline]
pub(crate) fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Tells whether a character can be part of a value, or of what is left of a masked one.
#[inline]
pub(crate) fn is_cluster(byte: u8) -> bool {
    class(byte) != 0
}

/// Tells whether a character before or after a number makes it a part of something else.
#[inline]
pub(crate) fn is_alnum(byte: u8) -> bool {
    class(byte) == ALNUM
}

/// Reads the character at `at`; `last` says that nothing follows the buffer.
pub(crate) fn unit(buffer: &[u8], at: usize, escapes: Escapes, last: bool) -> Unit {
    let Some(&byte) = buffer.get(at) else {
        return if last {
            Unit::Break { len: 0 }
        } else {
            Unit::Short
        };
    };
    match (escapes, byte) {
        (Escapes::Backslash, b'\\') => backslash(buffer, at, last),
        (Escapes::Entity, b'&') => entity(buffer, at, last),
        (Escapes::Percent, b'%') | (_, 0xEF) => octets(buffer, at, escapes, last),
        _ if escapes.is_space(byte) => Unit::Char { byte: b' ', len: 1 },
        _ if is_cluster(byte) => Unit::Char { byte, len: 1 },
        _ => Unit::Break { len: 0 },
    }
}

fn backslash(buffer: &[u8], at: usize, last: bool) -> Unit {
    match buffer.get(at + 1) {
        None if last => Unit::Break { len: 1 },
        None => Unit::Short,
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Unit::Break { len: 2 },
        Some(b'u') => {
            let rest = buffer.get(at + 2..).unwrap_or_default();
            let digits = rest.get(..rest.len().min(4)).unwrap_or_default();
            let mut point = 0;
            for &digit in digits {
                let Some(value) = hex(digit) else {
                    return Unit::Break { len: 1 };
                };
                point = point << 4 | u32::from(value);
            }
            match (digits.len(), last) {
                (4, _) => meaning(point, 6),
                (_, true) => Unit::Break { len: 1 },
                (_, false) => Unit::Short,
            }
        }
        Some(_) => Unit::Break { len: 1 },
    }
}

/// The longest numeric entity that is read, in bytes.
const ENTITY_MAX: usize = 12;

/// Reads a numeric entity; the named ones mean nothing that belongs to a value.
fn entity(buffer: &[u8], at: usize, last: bool) -> Unit {
    let rest = buffer.get(at + 1..).unwrap_or_default();
    let body = rest.get(..rest.len().min(ENTITY_MAX)).unwrap_or_default();
    let end = body
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'#');
    let Some(end) = end else {
        return if body.len() < ENTITY_MAX && !last {
            Unit::Short
        } else {
            Unit::Break { len: 1 }
        };
    };
    let digits = match body.get(..end) {
        Some([b'#', b'x' | b'X', digits @ ..]) => (digits, 16),
        Some([b'#', digits @ ..]) => (digits, 10),
        _ => return Unit::Break { len: 1 },
    };
    if body.get(end) != Some(&b';') {
        return Unit::Break { len: 1 };
    }
    std::str::from_utf8(digits.0)
        .ok()
        .and_then(|text| u32::from_str_radix(text, digits.1).ok())
        .map_or(Unit::Break { len: 1 }, |point| meaning(point, end + 2))
}

fn meaning(point: u32, len: usize) -> Unit {
    match u8::try_from(point) {
        Ok(byte) if byte == b' ' || is_cluster(byte) => Unit::Char { byte, len },
        _ => match point {
            0xFF38 | 0xFF58 => Unit::WideX { len },
            0xFF10..=0xFF19 | 0xFF20 => u8::try_from(point - 0xFF00 + 0x20)
                .map_or(Unit::Break { len }, |byte| Unit::Char { byte, len }),
            _ => Unit::Break { len },
        },
    }
}

/// One byte of the text meant, plain or percent-encoded.
enum Octet {
    Byte(u8, usize),
    None,
    Short,
}

fn octet(buffer: &[u8], at: usize, escapes: Escapes, last: bool) -> Octet {
    let short = if last { Octet::None } else { Octet::Short };
    match buffer.get(at) {
        None => short,
        Some(b'%') if escapes == Escapes::Percent => match (buffer.get(at + 1), buffer.get(at + 2))
        {
            (None, _) => short,
            (Some(&high), low) => match (hex(high), low.map(|&low| hex(low))) {
                (None, _) | (_, Some(None)) => Octet::None,
                (Some(_), None) => short,
                (Some(high), Some(Some(low))) => Octet::Byte(high << 4 | low, 3),
            },
        },
        Some(&byte) => Octet::Byte(byte, 1),
    }
}

/// Reads an octet, or the three of a full-width digit, `＠` or `Ｘ`.
fn octets(buffer: &[u8], at: usize, escapes: Escapes, last: bool) -> Unit {
    let (first, len) = match octet(buffer, at, escapes, last) {
        Octet::Byte(byte, len) => (byte, len),
        Octet::None => return Unit::Break { len: 1 },
        Octet::Short => return Unit::Short,
    };
    if first != 0xEF {
        return if first == b' ' || is_cluster(first) {
            Unit::Char { byte: first, len }
        } else {
            Unit::Break { len }
        };
    }
    let (second, second_len) = match octet(buffer, at + len, escapes, last) {
        Octet::Byte(byte @ (0xBC | 0xBD), len) => (byte, len),
        Octet::Byte(..) | Octet::None => return Unit::Break { len },
        Octet::Short => return Unit::Short,
    };
    match octet(buffer, at + len + second_len, escapes, last) {
        Octet::Byte(third, third_len) => {
            let all = len + second_len + third_len;
            match (second, third) {
                (0xBC, 0x90..=0x99) => Unit::Char {
                    byte: third - 0x90 + b'0',
                    len: all,
                },
                (0xBC, 0xA0) => Unit::Char {
                    byte: b'@',
                    len: all,
                },
                (0xBC, 0xB8) | (0xBD, 0x98) => Unit::WideX { len: all },
                _ => Unit::Break { len },
            }
        }
        Octet::None => Unit::Break { len },
        Octet::Short => Unit::Short,
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_digit_is_read() {
        let digit = |byte, len| Unit::Char { byte, len };
        for (escapes, text, expected) in [
            (Escapes::Backslash, "1", digit(b'1', 1)),
            (Escapes::Backslash, r"\u0031", digit(b'1', 6)),
            (Escapes::Backslash, r"\uFF11", digit(b'1', 6)),
            (Escapes::Backslash, "１", digit(b'1', 3)),
            (Escapes::Backslash, "＠", digit(b'@', 3)),
            (Escapes::Backslash, r"\n1", Unit::Break { len: 2 }),
            (Escapes::Backslash, r"\u4e2d", Unit::Break { len: 6 }),
            (Escapes::Backslash, r"\x", Unit::Break { len: 1 }),
            (Escapes::Backslash, r"\u00g1", Unit::Break { len: 1 }),
            (Escapes::Backslash, "，", Unit::Break { len: 1 }),
            (Escapes::Entity, "&#49;", digit(b'1', 5)),
            (Escapes::Entity, "&#x31;", digit(b'1', 6)),
            (Escapes::Entity, "&#xFF11;", digit(b'1', 8)),
            (Escapes::Entity, "&amp;", Unit::Break { len: 1 }),
            (Escapes::Entity, "&#49 ", Unit::Break { len: 1 }),
            (Escapes::Entity, "&#;", Unit::Break { len: 1 }),
            (Escapes::Percent, "%31", digit(b'1', 3)),
            (Escapes::Percent, "%EF%BC%91", digit(b'1', 9)),
            (Escapes::Percent, "+", digit(b' ', 1)),
            (Escapes::Percent, "%2B", digit(b'+', 3)),
            (Escapes::Percent, "%26", Unit::Break { len: 3 }),
            (Escapes::Percent, "%zz", Unit::Break { len: 1 }),
        ] {
            assert_eq!(unit(text.as_bytes(), 0, escapes, true), expected, "{text}");
        }
    }

    #[test]
    fn a_character_that_is_cut_waits_for_its_rest() {
        for (escapes, text) in [
            (Escapes::Backslash, r"\u0031"),
            (Escapes::Backslash, r"\n"),
            (Escapes::Backslash, "１"),
            (Escapes::Entity, "&#x31;"),
            (Escapes::Percent, "%31"),
            (Escapes::Percent, "%EF%BC%91"),
        ] {
            for cut in 0..text.len() {
                assert_eq!(
                    unit(&text.as_bytes()[..cut], 0, escapes, false),
                    Unit::Short,
                    "{text} cut at {cut}"
                );
                assert!(
                    matches!(
                        unit(&text.as_bytes()[..cut], 0, escapes, true),
                        Unit::Break { .. }
                    ),
                    "{text} {cut}"
                );
            }
        }
    }
}
