//! Bytes above ASCII: what they were meant to be.

use base64::Engine as _;

use super::Layer;
use crate::text::{at, find, find_byte, rest, skip, span};

/// Removes one oddity of the character set: overlong UTF-8, GB18030, full-width ASCII.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Vec<u8>, Layer)> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let chinese = gb18030(bytes);
        // 困 is C0 A7 in GBK, and C0 A7 is a quote in overlong UTF-8: among other characters it is 困.
        if let Some(text) = chinese.as_ref().filter(|_| is_prose(bytes)) {
            return Some((text.clone(), Layer::Gb18030));
        }
        return overlong(bytes)
            .map(|text| (text, Layer::Overlong))
            .or_else(|| Some((chinese?, Layer::Gb18030)));
    };
    full_width(text).map(|text| (text, Layer::FullWidth))
}

/// Folds full-width ASCII. Chinese punctuation alone is ordinary writing; a letter, quote or angle bracket is not.
fn full_width(text: &str) -> Option<Vec<u8>> {
    find(text.as_bytes(), 0, b"\xef\xbc").or_else(|| find(text.as_bytes(), 0, b"\xef\xbd"))?;
    let telling = |c: char| matches!(c, 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '＜' | '＇' | '＂' | '．' | '＼' | '｀' | '＄' | '｜' | '＝');
    if !text.chars().any(telling) {
        return None;
    }
    let folded: String = text
        .chars()
        .map(|c| match u32::from(c) {
            code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c),
            _ => c,
        })
        .collect();
    Some(folded.into_bytes())
}

/// Decodes two- and three-byte forms of ASCII characters.
fn overlong(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut i, mut found) = (0, false);
    while i < bytes.len() {
        let (a, b, c) = (at(bytes, i), at(bytes, i + 1), at(bytes, i + 2));
        let continued = |b: u8| b & 0xc0 == 0x80;
        let (ascii, length) = match a {
            0xc0 | 0xc1 if continued(b) => ((a & 1) << 6 | b & 0x3f, 2),
            0xe0 if matches!(b, 0x80 | 0x81) && continued(c) => ((b & 1) << 6 | c & 0x3f, 3),
            // Four to six bytes, as the oldest definition of UTF-8 allowed them.
            0xf0 | 0xf8 | 0xfc if b == 0x80 => {
                let length = 4 + usize::from(a >= 0xf8) + usize::from(a >= 0xfc);
                let (high, low) = (at(bytes, i + length - 2), at(bytes, i + length - 1));
                let middle = span(bytes, i + 1, i + length - 2);
                if !middle.iter().all(|b| *b == 0x80) || high & 0xfe != 0x80 || !continued(low) {
                    out.push(a);
                    i += 1;
                    continue;
                }
                ((high & 1) << 6 | low & 0x3f, length)
            }
            // `C0 2E`: decoders that do not look at the second byte see a full stop.
            0xc0 if matches!(b, b'.' | b'/' | b'\\') => (b, 2),
            _ => {
                out.push(a);
                i += 1;
                continue;
            }
        };
        found = true;
        out.push(ascii);
        i += length;
    }
    found.then_some(out)
}

/// Says whether bytes above ASCII are more than overlong forms of it, and no step upwards is among them.
fn is_prose(bytes: &[u8]) -> bool {
    let step = [
        &b"\xc0\xae\xc0\xae"[..],
        b"..\xc0\xaf",
        b"..\xc1\x9c",
        b"\xc0\xae/",
    ];
    let mut i = 0;
    let mut other = false;
    while i < bytes.len() {
        let pair = at(bytes, i) >= 0x80;
        other |= pair && !matches!(at(bytes, i), 0xc0 | 0xc1 | 0xe0);
        i += 1 + usize::from(pair);
    }
    other && step.iter().all(|step| find(bytes, 0, step).is_none())
}

/// Decodes text in GBK or GB18030, when all of it is.
fn gb18030(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes)?;
    Some(text.into_owned().into_bytes())
}

/// Characters of one shift that are read.
const LONGEST_SHIFT: usize = 64;

/// Decodes UTF-7 shifts that hide markup: `+ADw-` is `<`.
pub(crate) fn utf7(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let (mut i, mut kept) = (0, 0);
    // Where the letters of the last shift end: signs among them have the same end.
    let mut end = 0;
    while let Some(start) = find_byte(bytes, i, b'+') {
        i = start + 1;
        if end < i {
            end = skip(bytes, i, |b| {
                b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')
            });
        }
        let length = (end - i).min(LONGEST_SHIFT);
        if length < 3 || at(bytes, i + length) != b'-' {
            continue;
        }
        let Ok(wide) = base64::engine::general_purpose::STANDARD_NO_PAD.decode(span(
            bytes,
            i,
            i + length / 4 * 4 + if length % 4 == 1 { 0 } else { length % 4 },
        )) else {
            continue;
        };
        let narrow: Vec<u8> = wide
            .as_chunks::<2>()
            .0
            .iter()
            .filter(|[high, low]| *high == 0 && low.is_ascii_graphic())
            .map(|[_, low]| *low)
            .collect();
        if narrow.is_empty() || narrow.len() != wide.len() / 2 {
            continue;
        }
        let out = out.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
        out.extend_from_slice(span(bytes, kept, start));
        out.extend_from_slice(&narrow);
        i += length + 1;
        kept = i;
    }
    let mut out = out?;
    out.extend_from_slice(rest(bytes, kept));
    Some(out)
}

/// Turns a body in the declared character set into UTF-8.
///
/// # Errors
///
/// Gives the set's name back when it is unknown, is one that hides ASCII (UTF-16, UTF-7, ISO-2022), or when the bytes
/// are not in it.
pub(crate) fn to_utf8<'a>(
    bytes: &'a [u8],
    declared: &str,
) -> Result<std::borrow::Cow<'a, [u8]>, String> {
    use encoding_rs::{BIG5, Encoding, GB18030, GBK, UTF_8};
    let refuse = || declared.chars().take(40).collect::<String>();
    let encoding = Encoding::for_label(declared.as_bytes()).ok_or_else(refuse)?;
    if encoding == UTF_8
        || declared.eq_ignore_ascii_case("us-ascii")
        || declared.eq_ignore_ascii_case("iso-8859-1")
    {
        return Ok(bytes.into());
    }
    if ![
        GBK,
        GB18030,
        BIG5,
        encoding_rs::WINDOWS_1252,
        encoding_rs::SHIFT_JIS,
        encoding_rs::EUC_KR,
        encoding_rs::EUC_JP,
    ]
    .contains(&encoding)
    {
        return Err(refuse());
    }
    let text = encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or_else(refuse)?;
    Ok(text.into_owned().into_bytes().into())
}
