//! What the bytes of an input stand for.

use std::borrow::Cow;

/// Text, with a replacement character where the bytes are none.
pub(crate) fn text(data: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// Chooses by the first byte, and returns the bytes behind it. A digit chooses what its number says.
#[cfg(any(
    feature = "audit",
    feature = "identity",
    feature = "pki",
    feature = "policy",
    feature = "redact"
))]
pub(crate) fn pick<'d, 'c, T, const N: usize>(
    data: &'d [u8],
    choices: &'c [T; N],
) -> (&'c T, &'d [u8]) {
    let (first, rest) = data.split_first().unwrap_or((&b'0', &[]));
    let number = usize::from(first.wrapping_sub(b'0'));
    let chosen = choices.iter().cycle().nth(number % N);
    (chosen.expect("there is something to choose"), rest)
}

/// Cuts bytes into pieces of up to 1, 16 or 256 bytes, as a number says.
#[cfg(feature = "redact")]
pub(crate) fn cut(mut data: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let most = [1, 16, 256][usize::from(seed) % 3];
    let mut state = u32::from(seed) + 1;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = (state >> 16) as usize % most + 1;
        let (piece, rest) = data.split_at(size.min(data.len()));
        data = rest;
        (!piece.is_empty()).then_some(piece)
    })
}
