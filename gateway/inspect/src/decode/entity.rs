//! HTML character references.

use crate::text::{at, find_byte, push_char, rest, span};

/// The names that matter to markup and script; the others stand for letters.
const NAMES: [(&[u8], u8); 24] = [
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"amp", b'&'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"colon", b':'),
    (b"semi", b';'),
    (b"tab", b'\t'),
    (b"newline", b'\n'),
    (b"nbsp", b' '),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"lbrace", b'{'),
    (b"lcub", b'{'),
    (b"rcub", b'}'),
    (b"lsqb", b'['),
    (b"rsqb", b']'),
    (b"sol", b'/'),
    (b"bsol", b'\\'),
    (b"equals", b'='),
    (b"grave", b'`'),
    (b"excl", b'!'),
    (b"dollar", b'$'),
    (b"period", b'.'),
];

/// Decodes every reference once; `None` when there is none.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let (mut i, mut kept) = (0, 0);
    while let Some(start) = find_byte(bytes, i, b'&') {
        let Some((code, end)) = reference(bytes, start) else {
            i = start + 1;
            continue;
        };
        let out = out.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
        out.extend_from_slice(span(bytes, kept, start));
        push_char(out, code);
        i = end;
        kept = end;
    }
    let mut out = out?;
    out.extend_from_slice(rest(bytes, kept));
    Some(out)
}

fn reference(bytes: &[u8], start: usize) -> Option<(u32, usize)> {
    if at(bytes, start + 1) != b'#' {
        let word = span(bytes, start + 1, start + 9);
        let length = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let name = span(word, 0, length).to_ascii_lowercase();
        let (_, b) = NAMES.iter().find(|(known, _)| *known == name)?;
        let closed = at(bytes, start + 1 + length) == b';';
        // Browsers accept these four without the semicolon, unless a value goes on: `?a=1&lt=2` is a query.
        let open = matches!(name.as_slice(), b"lt" | b"gt" | b"quot")
            && at(bytes, start + 1 + length) != b'=';
        return (closed || open)
            .then_some((u32::from(*b), start + 1 + length + usize::from(closed)));
    }
    let (radix, digits) = if matches!(at(bytes, start + 2), b'x' | b'X') {
        (16, start + 3)
    } else {
        (10, start + 2)
    };
    let mut code: u32 = 0;
    let mut end = digits;
    while let Some(digit) = char::from(at(bytes, end)).to_digit(radix) {
        code = code.saturating_mul(radix).saturating_add(digit);
        end += 1;
    }
    (end > digits).then_some((code, end + usize::from(at(bytes, end) == b';')))
}
