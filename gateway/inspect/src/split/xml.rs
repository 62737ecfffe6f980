//! XML: text, attributes and CDATA, without a parser that could be attacked itself. Entities stay for the decoders.

use crate::text::{at, find, find_byte, rest, skip, span, trim};

/// Gives every text and attribute value to `visit` with the name of the element around it.
pub(crate) fn read(bytes: &[u8], values: usize, visit: &mut impl FnMut(&[u8], &[u8])) {
    let mut i = 0;
    let mut element: &[u8] = b"";
    let mut left = values;
    let mut give = |element: &[u8], text: &[u8]| {
        // The last value takes all that is left, so that nothing goes unread.
        if !trim(text).is_empty() {
            left = left.saturating_sub(1);
            visit(element, text);
        }
        left > 0
    };
    while i < bytes.len() {
        let open = find_byte(bytes, i, b'<').unwrap_or(bytes.len());
        if !give(element, span(bytes, i, open)) {
            give(b"", rest(bytes, i));
            return;
        }
        let tail = rest(bytes, open);
        if tail.starts_with(b"<![CDATA[") {
            let end = find(bytes, open, b"]]>").unwrap_or(bytes.len());
            give(element, span(bytes, open + 9, end));
            i = end + 3;
        } else if tail.starts_with(b"<!--") {
            let end = find(bytes, open, b"-->").unwrap_or(bytes.len());
            give(element, span(bytes, open + 4, end));
            i = end + 3;
        } else if tail.starts_with(b"<!") || tail.starts_with(b"<?") {
            let end = find_byte(bytes, open, b'>').unwrap_or(bytes.len());
            i = end + 1;
        } else {
            let end = find_byte(bytes, open, b'>').unwrap_or(bytes.len());
            let name_end = skip(bytes, open + 1, |b| {
                b.is_ascii_alphanumeric()
                    || matches!(b, b':' | b'-' | b'_' | b'.' | b'/')
                    || b >= 0x80
            });
            element = span(bytes, open + 1, name_end.min(end));
            let mut a = name_end;
            while let Some(equals) = find_byte(span(bytes, 0, end), a, b'=') {
                let quote_at = skip(bytes, equals + 1, |b| b.is_ascii_whitespace());
                let quote = at(bytes, quote_at);
                let value_end = if matches!(quote, b'"' | b'\'') {
                    find_byte(span(bytes, 0, end), quote_at + 1, quote)
                } else {
                    None
                };
                let value_end = value_end.unwrap_or(end);
                give(element, span(bytes, quote_at + 1, value_end));
                a = value_end.max(equals + 1) + 1;
            }
            i = end + 1;
        }
    }
}

/// Finds a document type declaration, which requests have no need of.
pub(crate) fn doctype(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(bytes, b"<!").find(|&at| {
        let word = span(bytes, at + 2, at + 9);
        word.eq_ignore_ascii_case(b"DOCTYPE") || span(word, 0, 6).eq_ignore_ascii_case(b"ENTITY")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_attributes_cdata_and_comments_are_all_read() {
        let mut seen = Vec::new();
        read(
            b"<?xml version='1.0'?><a x=\"1\" y='2'>t<b><![CDATA[c<d]]></b><!-- e --></a>",
            100,
            &mut |_, text| seen.push(String::from_utf8_lossy(trim(text)).into_owned()),
        );
        assert_eq!(seen, ["1", "2", "t", "c<d", "e"]);
        assert!(doctype(b"<!doctype x>").is_some() && doctype(b"<!-- x -->").is_none());
    }

    proptest! {
        #[test]
        fn no_markup_panics_the_reader(text in "[<>!\\[\\]a-z=\"'/?&; -]{0,200}") {
            read(text.as_bytes(), 20, &mut |_, _| {});
        }
    }
}
