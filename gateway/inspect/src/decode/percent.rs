//! Percent-encoding, with the `%uXXXX` of old browsers and servers.

use std::borrow::Cow;

use crate::text::{at, hex, push_char, span};

/// What `+` means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plus {
    /// A space, as in forms.
    Space,
    /// Itself.
    Literal,
}

/// Decodes once; what is no escape stays as it is.
pub(crate) fn decode(bytes: &[u8], plus: Plus) -> Cow<'_, [u8]> {
    let wanted = |b: u8| b == b'%' || (b == b'+' && plus == Plus::Space);
    let mut i = 0;
    let mut kept = 0;
    let mut out: Option<Vec<u8>> = None;
    while let Some(step) = bytes
        .get(i..)
        .and_then(|tail| tail.iter().position(|&b| wanted(b)))
    {
        i += step;
        let length = if at(bytes, i) == b'+' {
            1
        } else if byte(bytes, i).is_some() {
            3
        } else if unicode(bytes, i).is_some() {
            6
        } else {
            i += 1;
            continue;
        };
        let out = out.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
        out.extend_from_slice(span(bytes, kept, i));
        match (length, byte(bytes, i), unicode(bytes, i)) {
            (3, Some(b), _) => out.push(b),
            (6, _, Some(code)) => push_char(out, code),
            _ => out.push(b' '),
        }
        i += length;
        kept = i;
    }
    match out {
        Some(mut out) => {
            out.extend_from_slice(span(bytes, kept, bytes.len()));
            Cow::Owned(out)
        }
        None => Cow::Borrowed(bytes),
    }
}

/// Finds an escape of a letter, digit or dot: no encoder writes one, a filter's opponent does.
pub(crate) fn needless(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'%', bytes).find(|&i| {
        byte(bytes, i).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'.')
            || at(bytes, i + 1) == b'u' && unicode(bytes, i).is_some_and(|code| code < 0x80)
    })
}

fn byte(bytes: &[u8], i: usize) -> Option<u8> {
    Some(hex(at(bytes, i + 1))? << 4 | hex(at(bytes, i + 2))?)
}

fn unicode(bytes: &[u8], i: usize) -> Option<u32> {
    if !matches!(at(bytes, i + 1), b'u' | b'U') {
        return None;
    }
    (2..6).try_fold(0, |code, k| {
        Some(code << 4 | u32::from(hex(at(bytes, i + k))?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(&*decode(b"100%+%zz%4", Plus::Literal), b"100%+%zz%4");
        assert_eq!(&*decode(b"a+b%2Bc", Plus::Space), b"a b+c");
        assert!(matches!(decode(b"100%", Plus::Space), Cow::Borrowed(_)));
    }

    #[test]
    fn only_letters_digits_and_dots_are_needlessly_encoded() {
        assert!(needless(b"%2e%2E/").is_some());
        assert!(needless(b"%73elect").is_some());
        assert!(needless(b"a%20b%27%3D%E4%B8%AD").is_none());
    }
}
