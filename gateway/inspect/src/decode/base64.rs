//! Base64 that decodes to text.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::classes::Classes;
use crate::text::span;

/// Shorter values are words far more often than encodings.
const SHORTEST: usize = 16;
/// What is read of a long one before the rest is decoded: a picture or a key shows itself here.
const GLANCE: usize = 24;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Decodes a value that is base64 of printable text as a whole.
pub(crate) fn decode(bytes: &[u8], classes: Classes) -> Option<Vec<u8>> {
    const BODY: Classes = Classes::LETTER.with(Classes::DIGIT).with(Classes::EQUALS);
    if bytes.len() < SHORTEST || !classes.any(Classes::LETTER) {
        return None;
    }
    let engine = if classes.only(BODY.with(Classes::PLUS).with(Classes::SLASH)) {
        &STANDARD
    } else if classes.only(BODY.with(Classes::JOINER)) {
        &URL_SAFE
    } else {
        return None;
    };
    if !printable(
        &engine
            .decode(span(bytes, 0, GLANCE.min(bytes.len() / 4 * 4)))
            .ok()?,
    ) {
        return None;
    }
    let text = engine.decode(bytes).ok()?;
    // Hexadecimal and words decode to text by chance; what says nothing a detector reads is no evidence.
    let interesting =
        !Classes::of(&text).only(Classes::LETTER.with(Classes::DIGIT).with(Classes::JOINER));
    (interesting && printable(&text)).then_some(text)
}

fn printable(text: &[u8]) -> bool {
    text.iter()
        .all(|&b| b.is_ascii_graphic() || matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
}
