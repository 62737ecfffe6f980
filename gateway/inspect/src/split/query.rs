//! Queries and forms: `a=1&b=2`.

use std::borrow::Cow;

use crate::decode::percent::{Plus, decode};
use crate::text::{find_byte, rest, span};

/// Cuts at `&`; every pair is kept, repeated names too. A pair without `=` is a value without a name.
pub(crate) fn pairs(raw: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    raw_pairs(raw).map(|(name, value)| (decode(name, Plus::Space), decode(value, Plus::Space)))
}

/// The same before decoding.
pub(crate) fn raw_pairs(raw: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    raw.split(|&b| b == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match find_byte(pair, 0, b'=') {
            Some(equals) => (span(pair, 0, equals), rest(pair, equals + 1)),
            None => (&b""[..], pair),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_and_lone_values_are_kept() {
        let all: Vec<_> = pairs(b"a=1&a=2&&c%3d=x+y&lone")
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect();
        let expected = [("a", "1"), ("a", "2"), ("c=", "x y"), ("", "lone")];
        assert_eq!(
            all,
            expected.map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
        );
    }
}
