//! Cookies: `a=1; b=2`.

use crate::text::{find_byte, rest, span, trim};

/// Cuts at `;`; what has no name is a value.
pub(crate) fn pairs(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    header
        .split(|&b| b == b';')
        .map(trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| match find_byte(pair, 0, b'=') {
            Some(equals) => (span(pair, 0, equals), trim(rest(pair, equals + 1))),
            None => (&b""[..], pair),
        })
}
