//! The characters of a whole value, as its format writes them: for masks that act on characters.

use crate::unit::Escapes;

/// A character and the bytes it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) ch: char,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Reads `from..to` of a buffer. What cannot be read counts as U+FFFD.
pub(crate) fn letters(
    buffer: &[u8],
    from: usize,
    to: usize,
    escapes: Escapes,
    charset: Charset,
    out: &mut Vec<Letter>,
) {
    out.clear();
    let mut at = from;
    while at < to {
        let (ch, len) = match (escapes, buffer.get(at).copied().unwrap_or(0)) {
            (Escapes::Backslash, b'\\') => backslash(buffer.get(at..to).unwrap_or_default()),
            (Escapes::Percent, b'+') => (' ', 1),
            (Escapes::Percent, b'%') => percent(buffer.get(at..to).unwrap_or_default()),
            (Escapes::Entity, b'&') => entity(buffer.get(at..to).unwrap_or_default()),
            (Escapes::Doubled, b'"') if buffer.get(at + 1) == Some(&b'"') => ('"', 2),
            _ => charset.letter(buffer.get(at..to).unwrap_or_default()),
        };
        let end = (at + len.max(1)).min(to);
        out.push(Letter {
            ch,
            from: at,
            to: end,
        });
        at = end;
    }
}

/// The text of bytes in which every character is written as itself: no escapes, and no forms that are read as others.
pub(crate) fn plain(written: &[u8], escapes: Escapes) -> Option<&str> {
    if escapes == Escapes::Percent {
        return None;
    }
    let (mut other, mut lead) = (false, false);
    for &byte in written {
        other |= byte == escapes.byte() || byte == 0xEF;
        lead |= byte == 0xE3;
    }
    // U+3000, the ideographic space, is read as a space.
    let blank = |three: &[u8]| three == [0xE3, 0x80, 0x80];
    if other || lead && written.windows(3).any(blank) {
        return None;
    }
    std::str::from_utf8(written).ok()
}

/// A full-width form as the ASCII character it stands for.
pub(crate) fn narrow(ch: char) -> char {
    match ch {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(ch) - 0xFF01 + 0x21).unwrap_or(ch),
        '\u{3000}' => ' ',
        _ => ch,
    }
}

/// How a body writes characters that are not ASCII.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Charset {
    /// UTF-8, and ASCII.
    #[default]
    Utf8,
    /// GBK and GB18030.
    Gb18030,
    /// Big5.
    Big5,
    /// UTF-16, the lower byte first where no mark says otherwise.
    Utf16Le,
    /// UTF-16, the upper byte first where no mark says otherwise.
    Utf16Be,
}

impl Charset {
    /// The first character of bytes, and how many it takes.
    fn letter(self, bytes: &[u8]) -> (char, usize) {
        let first = bytes.first().copied().unwrap_or(0);
        if first < 0x80 {
            return (char::from(first), 1);
        }
        let (encoding, len) = match self {
            Self::Utf8 | Self::Utf16Le | Self::Utf16Be => return utf8(bytes),
            Self::Gb18030 => match bytes.get(1) {
                Some(b'0'..=b'9') => (encoding_rs::GB18030, 4),
                _ => (encoding_rs::GB18030, 2),
            },
            Self::Big5 => (encoding_rs::BIG5, 2),
        };
        let code = bytes.get(..len.min(bytes.len())).unwrap_or_default();
        let (text, _) = encoding.decode_without_bom_handling(code);
        (text.chars().next().unwrap_or('\u{FFFD}'), code.len())
    }
}

fn utf8(bytes: &[u8]) -> (char, usize) {
    // Most of what is not ASCII, and none of what three bytes may not stand for.
    if let [
        one @ (0xE1..=0xEC | 0xEE | 0xEF),
        two @ 0x80..=0xBF,
        three @ 0x80..=0xBF,
        ..,
    ] = *bytes
    {
        return (of_three([one, two, three]), 3);
    }
    let length = match bytes.first() {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => 1,
    };
    match bytes.get(..length).map(std::str::from_utf8) {
        Some(Ok(text)) => (text.chars().next().unwrap_or('\u{FFFD}'), length),
        Some(Err(_)) | None => ('\u{FFFD}', 1),
    }
}

/// The character that three bytes of UTF-8 stand for.
#[inline]
fn of_three([one, two, three]: [u8; 3]) -> char {
    let point = u32::from(one & 0xF) << 12 | u32::from(two & 0x3F) << 6 | u32::from(three & 0x3F);
    char::from_u32(point).unwrap_or('\u{FFFD}')
}

/// The characters of a text of unified ideographs and nothing else, which every format writes as themselves in UTF-8;
/// `None` for any other, and for longer ones.
#[inline]
pub(crate) fn ideographs<'r>(
    written: &[u8],
    room: &'r mut [char; IDEOGRAPHS_MAX],
) -> Option<&'r [char]> {
    let (triples, rest) = written.as_chunks::<3>();
    if !rest.is_empty() || triples.len() > IDEOGRAPHS_MAX {
        return None;
    }
    for (slot, &bytes) in room.iter_mut().zip(triples) {
        if !matches!(bytes, [0xE4..=0xE9, 0x80..=0xBF, 0x80..=0xBF]) {
            return None;
        }
        let ch = of_three(bytes);
        // U+4000 to U+4DFF are an older block, and hexagrams.
        if ch < '\u{4E00}' {
            return None;
        }
        *slot = ch;
    }
    room.get(..triples.len())
}

/// Characters that are decoded at once: chosen, longer than most addresses.
pub(crate) const IDEOGRAPHS_MAX: usize = 32;

fn backslash(bytes: &[u8]) -> (char, usize) {
    let simple = |ch| (ch, 2);
    match bytes.get(1) {
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'b' | b'f') => simple(' '),
        Some(b'u') => match hex4(bytes.get(2..6)) {
            Some(high @ 0xD800..=0xDBFF) => match (bytes.get(6..8), hex4(bytes.get(8..12))) {
                (Some(br"\u"), Some(low @ 0xDC00..=0xDFFF)) => {
                    let point = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                    (char::from_u32(point).unwrap_or('\u{FFFD}'), 12)
                }
                _ => ('\u{FFFD}', 6),
            },
            Some(point) => (char::from_u32(point).unwrap_or('\u{FFFD}'), 6),
            None => ('\u{FFFD}', 2),
        },
        Some(&byte) if byte < 0x80 => simple(char::from(byte)),
        _ => ('\\', 1),
    }
}

fn hex4(digits: Option<&[u8]>) -> Option<u32> {
    let digits =
        digits.filter(|digits| digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit))?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn percent(bytes: &[u8]) -> (char, usize) {
    let octet = |at: usize| {
        let code = bytes.get(at..at + 3)?;
        match code {
            [b'%', digits @ ..] if digits.iter().all(u8::is_ascii_hexdigit) => {
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
            }
            _ => None,
        }
    };
    let Some(first) = octet(0) else {
        return ('%', 1);
    };
    let mut code = [0; 4];
    let mut length = 0;
    for slot in &mut code {
        let Some(byte) = octet(3 * length) else { break };
        *slot = byte;
        length += 1;
    }
    let (ch, taken) = utf8(code.get(..length).unwrap_or_default());
    if first < 0x80 {
        return (char::from(first), 3);
    }
    (ch, 3 * taken)
}

/// Longest entity that is read, in bytes: `&#x10FFFF;` with some zeros.
const ENTITY_MAX: usize = 14;

fn entity(bytes: &[u8]) -> (char, usize) {
    let end = bytes.iter().take(ENTITY_MAX).position(|&byte| byte == b';');
    let Some(name) = end.and_then(|end| bytes.get(1..end)) else {
        return ('&', 1);
    };
    let ch = match name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        b"nbsp" => Some(' '),
        [b'#', b'x' | b'X', digits @ ..] => point(digits, 16),
        [b'#', digits @ ..] => point(digits, 10),
        _ => None,
    };
    ch.map_or(('&', 1), |ch| (ch, name.len() + 2))
}

fn point(digits: &[u8], radix: u32) -> Option<char> {
    let number = u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()?;
    char::from_u32(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_read_in_every_way_of_writing_them() {
        for (escapes, text, expected) in [
            (Escapes::Backslash, r"张\u4e09\n", "张三\n"),
            (Escapes::Backslash, r"\ud83d\ude42x", "🙂x"),
            (Escapes::Backslash, r"\ud83dx\", "\u{FFFD}x\\"),
            (Escapes::Percent, "%E5%BC%A0+%41%", "张 A%"),
            (Escapes::Percent, "%E5%BC", "\u{FFFD}\u{FFFD}"),
            (Escapes::Entity, "&#24352;&#x4E09;&amp;&x", "张三&&x"),
            (Escapes::Entity, "&", "&"),
        ] {
            let mut out = Vec::new();
            letters(
                text.as_bytes(),
                0,
                text.len(),
                escapes,
                Charset::Utf8,
                &mut out,
            );
            let read: String = out.iter().map(|letter| letter.ch).collect();
            assert_eq!(read, expected, "{text}");
            assert_eq!(out.first().map(|letter| letter.from), Some(0));
            assert_eq!(out.last().map(|letter| letter.to), Some(text.len()));
            assert!(out.windows(2).all(|pair| pair[0].to == pair[1].from));
        }
        let mut out = Vec::new();
        letters(
            b"\xD5\xC5\xC8\xFDa",
            0,
            5,
            Escapes::Backslash,
            Charset::Gb18030,
            &mut out,
        );
        assert_eq!(
            out.iter().map(|letter| letter.ch).collect::<String>(),
            "张三a"
        );
    }

    const ROOM: [char; IDEOGRAPHS_MAX] = ['\0'; IDEOGRAPHS_MAX];

    #[test]
    fn characters_of_three_bytes_are_decoded_as_the_library_does() {
        for point in 0x800..=0xFFFF_u32 {
            let Some(ch) = char::from_u32(point) else {
                continue;
            };
            let mut room = [0; 4];
            let bytes = ch.encode_utf8(&mut room).as_bytes();
            assert_eq!(utf8(bytes), (ch, 3));
            let known = ('\u{4E00}'..='\u{9FFF}').contains(&ch);
            let mut room = ROOM;
            let read = ideographs(bytes, &mut room);
            assert_eq!(read, known.then_some(&[ch][..]), "{ch}");
        }
        for wrong in [
            &b"\xE4\xB8"[..],
            b"\xE4\xB8\x2D",
            b"\xED\xA0\x80",
            b"\xE0\x80\x80",
        ] {
            assert_eq!(utf8(wrong), ('\u{FFFD}', 1));
        }
        for other in ["张a", "张1三", "张 三", "，", "㐀", &"张".repeat(33)] {
            assert_eq!(
                ideographs(other.as_bytes(), &mut ROOM.clone()),
                None,
                "{other}"
            );
        }
        assert_eq!(ideographs(b"\xE4\xB8\x2D", &mut ROOM.clone()), None);
    }

    #[test]
    fn full_width_forms_become_narrow() {
        assert_eq!(
            "１３８＠Ａ　x".chars().map(narrow).collect::<String>(),
            "138@A x"
        );
    }
}
