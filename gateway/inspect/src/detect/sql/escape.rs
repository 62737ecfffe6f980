//! Bytes that make a careless database see another string than the application that escaped it.

use super::Match;
use crate::rules;
use crate::text::at;

/// Bytes above ASCII from which a value is text of some character set, or no text. Chosen.
const FEW: usize = 3;

/// `\xbf'`: the beginning of a character of two bytes takes up the backslash that was put before the quote. No
/// character set has a quote for a second byte, so nobody's text holds this.
pub(super) fn swallowed(value: &[u8]) -> Option<Match> {
    let high = value.iter().filter(|b| **b >= 0x80);
    if high.take(FEW + 1).count() > FEW || std::str::from_utf8(value).is_ok() {
        return None;
    }
    let mut i = 0;
    while i < value.len() {
        let (lead, next) = (at(value, i), at(value, i + 1));
        if lead < 0x80 {
            i += 1;
            continue;
        }
        // `café'` in Latin-1 ends a word; behind what breaks out of a string stands what breaks out of more.
        let worded = i > 0 && at(value, i - 1).is_ascii_alphabetic();
        let more = matches!(
            at(value, i + 2),
            b'"' | b'\'' | b'(' | b')' | b';' | b'-' | b'#' | b'|' | b'`'
        );
        if lead != 0xff && matches!(next, b'\'' | b'"') && (!worded || more) {
            return Some((&rules::SQLI_ESCAPE, i, i + 2));
        }
        // The second byte of a character is no quote and no lead.
        i += if next >= 0x40 { 2 } else { 1 };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_takes_up_a_backslash_is_seen_and_text_is_not() {
        for value in [
            &b"1\xbf'\"("[..],
            b"\xbf' or 1=1",
            b"x\xdf';",
            b"fees\xbf'\"(",
            b"\xa1\"",
        ] {
            assert!(swallowed(value).is_some(), "missed: {value:?}");
        }
        for value in [
            "it's 5 o'clock".as_bytes(),
            "caf\u{e9}'s".as_bytes(),
            b"caf\xe9's",
            b"'caf\xe9'",
            // In GBK.
            b"'\xd6\xd0'",
            b"\xce\xc4'\xd7",
            // In Big5 a second byte may be a backslash.
            b"\xb3\x5c'",
            b"\xff'\"(",
            b"",
        ] {
            assert_eq!(swallowed(value), None, "flagged: {value:?}");
        }
    }
}
