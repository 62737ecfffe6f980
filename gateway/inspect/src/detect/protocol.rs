//! Abuse of HTTP itself: line breaks that make headers, bodies of two lengths, bytes that no client sends.

use super::Match;
use crate::classes::Classes;
use crate::rules;
use crate::text::{at, find_byte, is_space, rest, skip, span, trim};

/// Runs of line breaks that are looked behind.
const BREAKS: usize = 256;

/// Where a value stands, as far as its line breaks matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// Text of several lines is ordinary.
    Allowed,
    /// One line is.
    Single,
    /// The value was cut out of bytes that are no text.
    Binary,
}

/// Looks at the control characters of one value.
pub(crate) fn controls(
    value: &[u8],
    classes: Classes,
    lines: Lines,
    found: &mut impl FnMut(Match),
) {
    if lines == Lines::Binary {
        return;
    }
    if classes.any(Classes::NUL) {
        let at_nul = find_byte(value, 0, 0).unwrap_or(0);
        found((&rules::PROTOCOL_NUL, at_nul, at_nul + 1));
    }
    if classes.any(Classes::CONTROL) && lines == Lines::Single {
        let start = value
            .iter()
            .position(|&b| (b < 0x20 && !matches!(b, b'\t' | b'\r' | b'\n' | 0)) || b == 0x7f)
            .unwrap_or(0);
        found((&rules::PROTOCOL_CONTROL, start, start + 1));
    }
    if classes.any(Classes::LINE) {
        if let Some((start, end)) = header_after_break(value) {
            found((&rules::PROTOCOL_SPLITTING, start, end));
        } else if lines == Lines::Single {
            let start = value
                .iter()
                .position(|b| matches!(b, b'\r' | b'\n'))
                .unwrap_or(0);
            // A break at the end is what a careless paste leaves behind.
            if !trim(span(value, start, value.len())).is_empty() {
                found((&rules::PROTOCOL_LINE, start, start + 1));
            }
        }
    }
}

/// `\r\nSet-Cookie: …`: a line break, then a name that headers have.
fn header_after_break(value: &[u8]) -> Option<(usize, usize)> {
    const NAMES: [&[u8]; 19] = [
        b"subject:",
        b"set-cookie",
        b"location",
        b"content-type",
        b"content-length",
        b"transfer-encoding",
        b"http/1.",
        b"x-",
        b"access-control-",
        b"refresh",
        b"host:",
        b"cookie",
        b"link:",
        b"bcc:",
        b"cc:",
        b"content-disposition",
        b"last-modified",
        b"status:",
        b"x_",
    ];
    let mut i = 0;
    for _ in 0..BREAKS {
        let start = i + memchr::memchr2(b'\r', b'\n', rest(value, i))?;
        // Whatever breaks and blanks follow one another, the same name is behind them.
        let name = skip(value, start, is_space);
        i = name;
        let word = span(value, name, name + 20).to_ascii_lowercase();
        let Some(known) = NAMES.iter().find(|n| word.starts_with(n)) else {
            continue;
        };
        let colon = skip(value, name, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b'.')
        });
        if at(value, colon) == b':' || known.ends_with(b":") || known.ends_with(b".") {
            return Some((start, colon + 1));
        }
    }
    None
}

/// Looks at the headers that frame a message and at those that override what was decided on.
pub(crate) fn headers<'a>(
    headers: &[(&'a str, &'a [u8])],
    mut found: impl FnMut(&'a str, &'a [u8], Match),
) {
    let mut seen: [Option<&[u8]>; 3] = [None; 3];
    for &(name, value) in headers {
        let whole = value.len();
        let slot = match name {
            "content-length" => {
                if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
                    found(name, value, (&rules::PROTOCOL_FRAMING, 0, whole));
                }
                0
            }
            "transfer-encoding" => {
                if !value.eq_ignore_ascii_case(b"chunked") {
                    found(name, value, (&rules::PROTOCOL_FRAMING, 0, whole));
                }
                1
            }
            "host" => {
                let sane = |b: &u8| {
                    b.is_ascii_alphanumeric()
                        || matches!(b, b'.' | b'-' | b':' | b'[' | b']' | b'_')
                        || *b >= 0x80
                };
                if !value.iter().all(sane) {
                    found(name, value, (&rules::PROTOCOL_HEADER, 0, whole));
                }
                2
            }
            "x-original-url" | "x-rewrite-url" | "x-http-host-override" | "x-forwarded-prefix"
                if !value.is_empty() =>
            {
                found(name, value, (&rules::PROTOCOL_HEADER, 0, whole));
                continue;
            }
            "range" => {
                if value.iter().filter(|b| **b == b',').count() > 10 {
                    found(name, value, (&rules::PROTOCOL_HEADER, 0, whole));
                }
                continue;
            }
            "proxy" | "transfer_encoding" | "content_length" => {
                found(name, value, (&rules::PROTOCOL_HEADER, 0, whole));
                continue;
            }
            _ => continue,
        };
        if let Some(known) = seen.get_mut(slot) {
            if known.is_some() {
                found(name, value, (&rules::PROTOCOL_FRAMING, 0, whole));
            }
            *known = Some(value);
        }
    }
    if let [Some(_), Some(coding), _] = seen {
        found(
            "transfer-encoding",
            coding,
            (&rules::PROTOCOL_FRAMING, 0, coding.len()),
        );
    }
}
