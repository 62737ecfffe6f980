//! What the bytes of an input stand for.

use std::borrow::Cow;

/// Text, with a replacement character where the bytes are none.
pub(crate) fn text(data: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// Chooses by the first byte, and returns the bytes behind it. A digit chooses what its number says.
pub(crate) fn pick<'d, 'c, T, const N: usize>(data: &'d [u8], choices: &'c [T; N]) -> (&'c T, &'d [u8]) {
    let (first, rest) = data.split_first().unwrap_or((&b'0', &[]));
    let number = usize::from(first.wrapping_sub(b'0'));
    let chosen = choices.iter().cycle().nth(number % N);
    (chosen.expect("there is something to choose"), rest)
}
