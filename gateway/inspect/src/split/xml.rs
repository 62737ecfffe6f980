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

/// Says whether the declaration at `from` names a public document type that programs put in front of what they
/// write (a page, a property list, a drawing) and declares nothing itself.
pub(crate) fn is_public(bytes: &[u8], from: usize) -> bool {
    const KNOWN: [&[u8]; 10] = [
        b"-//w3c//dtd ",
        b"-//apple//dtd plist ",
        b"-//apple computer//dtd plist ",
        b"-//wapforum//dtd ",
        b"-//sun microsystems",
        b"-//netscape communications//dtd rss",
        b"-//oasis//dtd docbook",
        b"-//hibernate/hibernate",
        b"-//mybatis.org//dtd",
        b"-//apache software foundation//dtd",
    ];
    const HOSTS: [&[u8]; 11] = [
        b"http://www.w3.org/",
        b"https://www.w3.org/",
        b"http://www.apple.com/",
        b"https://www.apple.com/",
        b"http://www.wapforum.org/",
        b"http://java.sun.com/",
        b"http://my.netscape.com/",
        b"http://www.oasis-open.org/",
        b"http://www.hibernate.org/",
        b"http://mybatis.org/",
        b"http://struts.apache.org/",
    ];
    let end = find_byte(span(bytes, 0, from + 400), from, b'>').unwrap_or(from);
    let declaration = span(bytes, from, end).to_ascii_lowercase();
    let Some(body) = declaration.strip_prefix(b"<!doctype") else {
        return false;
    };
    if body.contains(&b'[') || body.contains(&b'%') {
        return false;
    }
    let name_end = skip(body, skip(body, 0, |b| b.is_ascii_whitespace()), |b| {
        b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'.')
    });
    let body = trim(rest(body, name_end));
    let Some(public) = body.strip_prefix(b"public") else {
        return body.is_empty() && trim(span(&declaration, 9, 9 + name_end)) == b"html";
    };
    let public = trim(public);
    let quote = at(public, 0);
    let identifier_end = find_byte(public, 1, quote).unwrap_or(public.len());
    // The document type is fetched from where it says: only from who publishes it.
    let address = trim(rest(public, identifier_end + 1));
    let published =
        address.is_empty() || HOSTS.iter().any(|host| rest(address, 1).starts_with(host));
    published
        && KNOWN.iter().any(|known| rest(public, 1).starts_with(known))
        && doctype(rest(bytes, end)).is_none()
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

    #[test]
    fn document_types_that_programs_write_are_known_and_those_that_declare_are_not() {
        let public = |text: &str| is_public(text.as_bytes(), 0);
        for known in [
            "<!DOCTYPE html>",
            "<!doctype HTML >",
            "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">",
            "<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd'>",
            "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\">",
        ] {
            assert!(public(known), "{known}");
        }
        for other in [
            "<!DOCTYPE foo>",
            "<!DOCTYPE svg>",
            "<!DOCTYPE html SYSTEM \"http://evil.example/x.dtd\">",
            "<!DOCTYPE svg PUBLIC \"-//x//y\" \"file:///etc/passwd\">",
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x\" [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>",
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\"><!ENTITY a \"b\">",
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://evil.example/x.dtd\">",
            "<!ENTITY a \"b\">",
            "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\"",
        ] {
            assert!(!public(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_markup_panics_the_reader(text in "[<>!\\[\\]a-z=\"'/?&; -]{0,200}") {
            read(text.as_bytes(), 20, &mut |_, _| {});
        }
    }
}
