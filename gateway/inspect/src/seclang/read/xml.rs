//! XML: its text as one value, its attributes each. Entities of the document are never followed, types are refused.

use crate::seclang::transform::Transform;
use crate::text::{at, find, find_byte, is_space, rest, skip, span, trim};

/// What a document holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Document {
    /// All text, in order.
    pub(super) text: Vec<u8>,
    pub(super) attributes: Vec<Vec<u8>>,
}

/// Elements that may be open at a time. Chosen.
const DEPTH: usize = 512;

/// Reads a document.
///
/// # Errors
/// Text that is no XML: then nothing of it is known.
pub(super) fn read(bytes: &[u8], values: usize) -> Result<Document, &'static str> {
    let mut document = Document::default();
    let mut open: Vec<&[u8]> = Vec::new();
    let mut elements = 0usize;
    let mut i = 0;
    let bytes = trim(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    while i < bytes.len() {
        let tag = find_byte(bytes, i, b'<').unwrap_or(bytes.len());
        let text = span(bytes, i, tag);
        if open.is_empty() && !trim(text).is_empty() {
            return Err("text stands outside of the root of the XML");
        }
        document.text.extend_from_slice(&decoded(text));
        let tail = rest(bytes, tag);
        if tail.is_empty() {
            break;
        }
        if tail.starts_with(b"<![CDATA[") {
            let end = find(bytes, tag, b"]]>").ok_or("a CDATA section of the XML has no end")?;
            document.text.extend_from_slice(span(bytes, tag + 9, end));
            i = end + 3;
        } else if tail.starts_with(b"<!--") {
            i = find(bytes, tag + 4, b"-->").ok_or("a comment of the XML has no end")? + 3;
        } else if tail.starts_with(b"<?") {
            i = find(bytes, tag, b"?>").ok_or("an instruction of the XML has no end")? + 2;
        } else if tail.starts_with(b"<!") {
            i = document_type(bytes, tag)?;
        } else if tail.starts_with(b"</") {
            let end = find_byte(bytes, tag, b'>').ok_or("a tag of the XML has no end")?;
            let name = trim(span(bytes, tag + 2, end));
            if open.pop() != Some(name) {
                return Err("a tag of the XML closes another than the last that was opened");
            }
            i = end + 1;
        } else {
            elements += 1;
            if elements > values || open.len() >= DEPTH {
                return Err("the XML has too many elements");
            }
            let name_end = skip(bytes, tag + 1, is_name);
            if name_end == tag + 1 {
                return Err("a tag of the XML has no name");
            }
            let (end, closed) = attributes(bytes, name_end, &mut document)?;
            if !closed {
                open.push(span(bytes, tag + 1, name_end));
            }
            i = end;
        }
    }
    match (open.is_empty(), elements) {
        (true, 1..) => Ok(document),
        (true, 0) => Err("the XML has no root"),
        (false, _) => Err("an element of the XML has no end"),
    }
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'.') || b >= 0x80
}

/// Reads the attributes of a tag; returns where it ends, and whether the element does too.
fn attributes(
    bytes: &[u8],
    from: usize,
    document: &mut Document,
) -> Result<(usize, bool), &'static str> {
    let mut i = from;
    loop {
        i = skip(bytes, i, is_space);
        match at(bytes, i) {
            b'>' => return Ok((i + 1, false)),
            b'/' if at(bytes, i + 1) == b'>' => return Ok((i + 2, true)),
            _ => {}
        }
        let name_end = skip(bytes, i, is_name);
        let equals = skip(bytes, name_end, is_space);
        let quote_at = skip(bytes, equals + 1, is_space);
        let quote = at(bytes, quote_at);
        if name_end == i || at(bytes, equals) != b'=' || !matches!(quote, b'"' | b'\'') {
            return Err("an attribute of the XML is not `name=\"value\"`");
        }
        let end =
            find_byte(bytes, quote_at + 1, quote).ok_or("an attribute of the XML has no end")?;
        let value = span(bytes, quote_at + 1, end);
        if value.contains(&b'<') {
            return Err("an attribute of the XML holds `<`");
        }
        document.attributes.push(decoded(value));
        i = end + 1;
    }
}

/// Steps over a document type. What it declares is not followed: its text is read as text.
fn document_type(bytes: &[u8], from: usize) -> Result<usize, &'static str> {
    let bracket = find_byte(bytes, from, b'[');
    let end = find_byte(bytes, from, b'>').ok_or("a declaration of the XML has no end")?;
    match bracket {
        Some(bracket) if bracket < end => {
            let close =
                find_byte(bytes, bracket, b']').ok_or("a declaration of the XML has no end")?;
            find_byte(bytes, close, b'>')
                .map(|end| end + 1)
                .ok_or("a declaration of the XML has no end")
        }
        _ => Ok(end + 1),
    }
}

fn decoded(text: &[u8]) -> Vec<u8> {
    if memchr::memchr(b'&', text).is_none() {
        return text.to_vec();
    }
    let mut out = Transform::HtmlEntityDecode.apply(text);
    if find(&out, 0, b"&apos;").is_some() {
        out = String::from_utf8_lossy(&out)
            .replace("&apos;", "'")
            .into_bytes();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_and_attributes_are_read_apart() {
        let document = read(
            b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x \"y\">]><a p='1 &lt;'><!-- c -->t<b q=\"&#x7B;\"/><c><![CDATA[<d>]]></c></a>",
            10,
        )
        .unwrap();
        assert_eq!(document.text, b"t<d>");
        assert_eq!(document.attributes, [b"1 <".to_vec(), b"{".to_vec()]);
    }

    #[test]
    fn what_is_no_xml_is_a_fault() {
        for text in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "<a b></a>",
            "<a b=c/>",
            "<a/>x",
            "<a><![CDATA[</a>",
            "<>",
            "<a b=\"<\"/>",
        ] {
            assert!(read(text.as_bytes(), 10).is_err(), "{text}");
        }
        assert!(read("<a>".repeat(11).as_bytes(), 10).is_err());
    }

    proptest! {
        #[test]
        fn no_markup_panics_the_reader(text in "[<>!\\[\\]a-z=\"'/?&;# -]{0,200}") {
            let _ = read(text.as_bytes(), 20);
        }
    }
}
