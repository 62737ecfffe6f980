//! Objects of PHP, written out: `O:4:"User":1:{…}`.

use super::Match;
use crate::rules;
use crate::text::{at, find, is_word, skip, span};

/// Objects that one value is searched for; more say nothing new.
const LOOKS: usize = 32;

/// Searches a lower-case value. Arrays and strings in the same notation are what sites keep in cookies; an object in
/// it makes the application load a class.
pub(super) fn detect(value: &[u8], found: &mut impl FnMut(Match)) {
    let mut i = 0;
    for _ in 0..LOOKS {
        let Some(colon) = find(value, i, b":") else {
            return;
        };
        i = colon + 1;
        let kind = colon.checked_sub(1).map_or(0, |before| at(value, before));
        let alone = colon < 2 || !is_word(at(value, colon - 2));
        if !matches!(kind, b'o' | b'c' | b'e') || !alone {
            continue;
        }
        let digits = skip(value, i, |b| b.is_ascii_digit() || b == b'+');
        if digits == i || at(value, digits) != b':' || at(value, digits + 1) != b'"' {
            continue;
        }
        let name = skip(value, digits + 2, |b| is_word(b) || b == b'\\');
        let counted = skip(value, name + 2, |b| b.is_ascii_digit());
        if name > digits + 2
            && span(value, name, name + 2) == b"\":"
            && (kind != b'e') == (counted > name + 2)
            && (kind == b'e' || span(value, counted, counted + 2) == b":{")
        {
            found((&rules::CODE_SERIALISED, colon - 1, name + 1));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(value: &str) -> bool {
        let mut seen = false;
        detect(value.as_bytes(), &mut |_| seen = true);
        seen
    }

    #[test]
    fn objects_are_seen_and_arrays_are_not() {
        for value in [
            "o:8:\"stdclass\":0:{}",
            "a:1:{i:0;o:4:\"evil\":1:{s:1:\"a\";i:1;}}",
            "o:+8:\"evil\\exp\":1:{",
            "c:11:\"arrayobject\":37:{x:i:0;}",
        ] {
            assert!(seen(value), "missed: {value}");
        }
        for value in [
            "a:2:{i:0;s:1:\"o\";i:1;b:1;}",
            "video:4:\"a\"",
            "o:4:\"a\" and more",
            "to:5:\"x\":1:{",
            "{\"o\":4}",
        ] {
            assert!(!seen(value), "flagged: {value}");
        }
    }
}
