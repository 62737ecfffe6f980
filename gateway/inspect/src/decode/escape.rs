//! Escapes of JavaScript, JSON and C strings.

use crate::text::{at, find_byte, hex, push_char, rest, span};

/// Decodes `\xHH`, `\uHHHH`, `\u{H…}` and octal escapes once; `None` when there is none.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let (mut i, mut kept) = (0, 0);
    while let Some(start) = find_byte(bytes, i, b'\\') {
        let Some((code, end)) = escape(bytes, start + 1) else {
            i = start + 1;
            continue;
        };
        let out = out.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
        out.extend_from_slice(span(bytes, kept, start));
        push_char(out, code);
        i = end;
        kept = end;
    }
    let mut out = out?;
    out.extend_from_slice(rest(bytes, kept));
    Some(out)
}

fn escape(bytes: &[u8], i: usize) -> Option<(u32, usize)> {
    match at(bytes, i) {
        b'x' => Some((number(bytes, i + 1, 2)?, i + 3)),
        b'u' if at(bytes, i + 1) == b'{' => {
            let end = find_byte(span(bytes, 0, i + 10), i + 2, b'}')?;
            Some((number(bytes, i + 2, end - i - 2)?, end + 1))
        }
        b'u' => Some((number(bytes, i + 1, 4)?, i + 5)),
        b'0'..=b'7' => {
            let digits = span(bytes, i, i + 3)
                .iter()
                .take_while(|b| matches!(b, b'0'..=b'7'))
                .count();
            let code = span(bytes, i, i + digits)
                .iter()
                .fold(0, |code, b| code << 3 | u32::from(b - b'0'));
            // One digit is a reference to a group far more often than a character.
            (digits >= 2 && (0x20..0x80).contains(&code)).then_some((code, i + digits))
        }
        _ => None,
    }
}

fn number(bytes: &[u8], i: usize, digits: usize) -> Option<u32> {
    if digits == 0 {
        return None;
    }
    (0..digits).try_fold(0, |code, k| {
        Some(code << 4 | u32::from(hex(at(bytes, i + k))?))
    })
}
