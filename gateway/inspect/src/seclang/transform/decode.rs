//! Encodings that are undone or put on.

use crate::text::{at, hex, push_char, span};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strict {
    Yes,
    No,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unicode {
    On,
    Off,
}

/// Reads up to `most` digits of a base that is a power of two; returns the number and how many there were.
fn digits(bytes: &[u8], from: usize, most: usize, bits: u32) -> (u32, usize) {
    let mut code = 0;
    let mut n = 0;
    while n < most {
        match bytes.get(from + n).copied().and_then(hex) {
            Some(digit) if u32::from(digit) < 1 << bits => code = code << bits | u32::from(digit),
            _ => break,
        }
        n += 1;
    }
    (code, n)
}

/// Writes a character named by its number: full-width signs as the signs they stand for, up to U+00FF as a byte,
/// above that as UTF-8.
fn push_code(out: &mut Vec<u8>, code: u32) {
    match code {
        0xff01..=0xff5e => push_byte(out, code - 0xfee0),
        0..=0xff => push_byte(out, code),
        _ => push_char(out, code),
    }
}

fn push_byte(out: &mut Vec<u8>, code: u32) {
    out.extend(u8::try_from(code & 0xff));
}

pub(super) fn url(bytes: &[u8], unicode: Unicode) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        i += 1;
        match b {
            b'+' => out.push(b' '),
            b'%' => {
                let wide = unicode == Unicode::On && matches!(at(bytes, i), b'u' | b'U');
                let (code, n) = if wide {
                    digits(bytes, i + 1, 4, 4)
                } else {
                    digits(bytes, i, 2, 4)
                };
                match (wide, n) {
                    (true, 4) => {
                        push_code(&mut out, code);
                        i += 5;
                    }
                    (false, 2) => {
                        push_byte(&mut out, code);
                        i += 2;
                    }
                    _ => out.push(b'%'),
                }
            }
            _ => out.push(b),
        }
    }
    out
}

pub(super) fn url_encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 3);
    for &b in bytes {
        match b {
            b' ' => out.push(b'+'),
            b'*' => out.push(b),
            _ if b.is_ascii_alphanumeric() => out.push(b),
            _ => out.extend_from_slice(format!("%{b:02x}").as_bytes()),
        }
    }
    out
}

/// `\u0041`, `\x41`, `\101`, `\n`; before any other sign the backslash goes.
pub(super) fn script(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        i += 1;
        if b != b'\\' || i >= bytes.len() {
            out.push(b);
            continue;
        }
        let sign = at(bytes, i);
        i += 1;
        match sign {
            b'u' if digits(bytes, i, 4, 4).1 == 4 => {
                push_code(&mut out, digits(bytes, i, 4, 4).0);
                i += 4;
            }
            b'x' if digits(bytes, i, 2, 4).1 == 2 => {
                push_byte(&mut out, digits(bytes, i, 2, 4).0);
                i += 2;
            }
            b'0'..=b'7' => {
                // Three digits only where they stay within a byte.
                let most = if sign > b'3' { 2 } else { 3 };
                let (code, n) = digits(bytes, i - 1, most, 3);
                push_byte(&mut out, code);
                i += n - 1;
            }
            _ => out.push(control(sign).unwrap_or(sign)),
        }
    }
    out
}

fn control(sign: u8) -> Option<u8> {
    Some(match sign {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        _ => return None,
    })
}

/// The escapes of C; what is none keeps its backslash.
pub(super) fn escapes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        i += 1;
        if b != b'\\' {
            out.push(b);
            continue;
        }
        let sign = at(bytes, i);
        match sign {
            b'x' | b'X' if digits(bytes, i + 1, 2, 4).1 == 2 => {
                push_byte(&mut out, digits(bytes, i + 1, 2, 4).0);
                i += 3;
            }
            b'0'..=b'7' if i < bytes.len() => {
                let (code, n) = digits(bytes, i, 3, 3);
                push_byte(&mut out, code);
                i += n;
            }
            b'\\' | b'?' | b'\'' | b'"' => {
                out.push(sign);
                i += 1;
            }
            _ => match control(sign) {
                Some(code) => {
                    out.push(code);
                    i += 1;
                }
                None => out.push(b'\\'),
            },
        }
    }
    out
}

/// `\61`, `\000061 `; before any other sign the backslash goes, before the end of a line both go.
pub(super) fn css(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        i += 1;
        if b != b'\\' {
            out.push(b);
            continue;
        }
        let (code, n) = digits(bytes, i, 6, 4);
        if n > 0 {
            push_code(&mut out, code);
            i += n;
            // One blank ends the number and belongs to it.
            if matches!(at(bytes, i), b' ' | b'\t' | b'\n' | b'\r' | 0x0c) {
                i += 1;
            }
        } else if at(bytes, i) == b'\n' {
            i += 1;
        } else if let Some(&next) = bytes.get(i) {
            out.push(next);
            i += 1;
        }
    }
    out
}

/// `&#60;`, `&#x3c;` and the five names of the manual, with or without the semicolon.
pub(super) fn html(bytes: &[u8]) -> Vec<u8> {
    const NAMES: [(&[u8], u8); 5] = [
        (b"quot", b'"'),
        (b"amp", b'&'),
        (b"lt", b'<'),
        (b"gt", b'>'),
        (b"nbsp", 0xa0),
    ];
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        i += 1;
        if b != b'&' {
            out.push(b);
            continue;
        }
        let end = if at(bytes, i) == b'#' {
            let hexadecimal = matches!(at(bytes, i + 1), b'x' | b'X');
            let first = i + 1 + usize::from(hexadecimal);
            // Any number of zeros may stand in front.
            let start = crate::text::skip(bytes, first, |b| b == b'0');
            let (code, n) = if hexadecimal {
                digits(bytes, start, 8, 4)
            } else {
                decimal(bytes, start)
            };
            (start + n > first).then(|| {
                push_code(&mut out, code);
                start + n
            })
        } else {
            let word = span(bytes, i, i + 8);
            let length = word
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric())
                .count();
            let name = span(word, 0, length);
            NAMES
                .iter()
                .find(|(known, _)| name.eq_ignore_ascii_case(known))
                .map(|(_, b)| {
                    out.push(*b);
                    i + length
                })
        };
        match end {
            Some(end) => i = end + usize::from(at(bytes, end) == b';'),
            None => out.push(b'&'),
        }
    }
    out
}

fn decimal(bytes: &[u8], from: usize) -> (u32, usize) {
    let tail = span(bytes, from, from + 10);
    let n = tail.iter().take_while(|b| b.is_ascii_digit()).count();
    let code = span(tail, 0, n).iter().fold(0u32, |code, b| {
        code.saturating_mul(10).saturating_add(u32::from(b - b'0'))
    });
    (code, n)
}

/// Decodes what is base64: up to the first other sign, or passing other signs over.
pub(super) fn base64(bytes: &[u8], strict: Strict) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 3 / 4 + 3);
    let (mut group, mut n) = (0u32, 0);
    for &b in bytes {
        let six = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            b'\r' | b'\n' => continue,
            _ if strict == Strict::Yes => break,
            _ => continue,
        };
        group = group << 6 | u32::from(six);
        n += 1;
        if n == 4 {
            out.extend_from_slice(span(&group.to_be_bytes(), 1, 4));
            (group, n) = (0, 0);
        }
    }
    // Two signs left over hold one byte, three hold two.
    if n >= 2 {
        let padded = group << (6 * (4 - n));
        out.extend_from_slice(span(&padded.to_be_bytes(), 1, n));
    }
    out
}

pub(super) fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    bytes
        .chunks_exact(2)
        .map_while(|pair| {
            let (code, n) = digits(pair, 0, 2, 4);
            (n == 2).then(|| u8::try_from(code).unwrap_or(0))
        })
        .collect()
}

/// `0x4142`, where a whole number of bytes follows.
pub(super) fn sql_hexadecimal(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        if b == b'0' && matches!(at(bytes, i + 1), b'x' | b'X') && digits(bytes, i + 2, 2, 4).1 == 2
        {
            i += 2;
            while digits(bytes, i, 2, 4).1 == 2 {
                push_byte(&mut out, digits(bytes, i, 2, 4).0);
                i += 2;
            }
        } else {
            out.push(b);
            i += 1;
        }
    }
    out
}

/// Characters of two or three bytes as `%uXXXX`, also where fewer bytes would have done. Characters above U+FFFF have
/// no such form and stay, and so do bytes that are no character.
pub(super) fn utf8_to_unicode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 2);
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let more = match b {
            0xc0..=0xdf => 1,
            0xe0..=0xef => 2,
            _ => 0,
        };
        let tail = span(bytes, i + 1, i + 1 + more);
        if more > 0 && tail.len() == more && tail.iter().all(|t| t & 0xc0 == 0x80) {
            let lead = u32::from(b) & (0x3f >> more);
            let code = tail
                .iter()
                .fold(lead, |code, t| code << 6 | u32::from(t & 0x3f));
            out.extend_from_slice(format!("%u{code:04x}").as_bytes());
            i += 1 + more;
        } else {
            out.push(b);
            i += 1;
        }
    }
    out
}
