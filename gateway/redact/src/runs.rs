//! Texts in XML whose pieces stand in elements of their own: `<w:t>138</w:t><w:t>00138000</w:t>` is one number.

use crate::part::PartError;
use crate::spans::Span;
use crate::unit::Escapes;
use crate::value::{Charset, Letter, letters};

/// Bytes of one paragraph or cell that are held, at most: chosen.
const UNIT_MAX: usize = 4 << 20;

/// Cuts XML into tags and the text between them, over any chunks.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pending: Vec<u8>,
}

/// A piece of XML.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token<'x> {
    /// A tag with its brackets, or a comment, an instruction, a declaration.
    Tag(&'x [u8]),
    /// What stands between two, or in a section of characters.
    Text(&'x [u8]),
}

impl Tokens {
    /// Takes the next bytes and hands on every token that is complete.
    pub(crate) fn feed(
        &mut self,
        chunk: &[u8],
        last: bool,
        take: &mut impl FnMut(&Token<'_>) -> Result<(), PartError>,
    ) -> Result<(), PartError> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(chunk);
        let mut at = 0;
        while let Some(length) = length(pending.get(at..).unwrap_or_default(), last) {
            let token = pending.get(at..at + length).unwrap_or_default();
            if token.first() == Some(&b'<') {
                take(&Token::Tag(token))?;
            } else {
                take(&Token::Text(token))?;
            }
            at += length;
        }
        pending.drain(..at);
        if pending.len() > UNIT_MAX {
            return Err(PartError::Held { limit: UNIT_MAX });
        }
        self.pending = pending;
        Ok(())
    }
}

/// Length of the token that bytes begin with; `None` where it is not complete.
fn length(bytes: &[u8], last: bool) -> Option<usize> {
    let ends = |end: &[u8]| memchr::memmem::find(bytes, end).map(|at| at + end.len());
    let rest = || (last && !bytes.is_empty()).then_some(bytes.len());
    match bytes {
        [] => None,
        [b'<', b'!', b'-', b'-', ..] => ends(b"-->").or_else(rest),
        [b'<', b'!', b'[', ..] => ends(b"]]>").or_else(rest),
        [b'<', b'?', ..] => ends(b"?>").or_else(rest),
        [b'<'] | [b'<', b'!'] | [b'<', b'!', b'-'] if !last => None,
        [b'<', ..] => {
            let mut quote = None;
            for (at, &byte) in bytes.iter().enumerate() {
                match (quote, byte) {
                    (None, b'>') => return Some(at + 1),
                    (None, b'"' | b'\'') => quote = Some(byte),
                    (Some(open), _) if open == byte => quote = None,
                    _ => {}
                }
            }
            rest()
        }
        _ => memchr::memchr(b'<', bytes).or_else(rest),
    }
}

/// The name of the element that a tag opens or closes, without its prefix; a closing one begins with `/`.
pub(crate) fn name(tag: &[u8]) -> (&[u8], bool) {
    let inner = tag.strip_prefix(b"<").unwrap_or(tag);
    let (closes, inner) = match inner {
        [b'/', rest @ ..] => (true, rest),
        _ => (false, inner),
    };
    let end = inner
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'))
        .unwrap_or(inner.len());
    let name = inner.get(..end).unwrap_or_default();
    let local = memchr::memchr(b':', name).map_or(0, |at| at + 1);
    (name.get(local..).unwrap_or_default(), closes)
}

/// The value of an attribute.
pub(crate) fn attribute<'t>(tag: &'t [u8], wanted: &[u8]) -> Option<&'t [u8]> {
    let mut from = 0;
    while let Some(offset) = memchr::memmem::find(tag.get(from..)?, wanted) {
        let at = from + offset;
        let rest = tag.get(at + wanted.len()..)?;
        let begins = at
            .checked_sub(1)
            .and_then(|before| tag.get(before))
            .is_some_and(u8::is_ascii_whitespace);
        if begins && let [b'=', quote @ (b'"' | b'\''), rest @ ..] = rest {
            return rest.get(..memchr::memchr(*quote, rest)?);
        }
        from = at + wanted.len();
    }
    None
}

/// One text and the document around its pieces.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    raw: Vec<u8>,
    letters: Vec<Letter>,
    text: String,
}

impl Unit {
    pub(crate) fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The text of all pieces.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Adds what is no text.
    pub(crate) fn markup(&mut self, bytes: &[u8]) -> Result<(), PartError> {
        self.raw.extend_from_slice(bytes);
        if self.raw.len() > UNIT_MAX {
            return Err(PartError::Held { limit: UNIT_MAX });
        }
        Ok(())
    }

    /// Adds a character that stands nowhere: a tabulator or a line end that a tag stands for.
    pub(crate) fn gap(&mut self, ch: char) {
        let at = self.raw.len();
        self.text.push(ch);
        self.letters.push(Letter {
            ch,
            from: at,
            to: at,
        });
    }

    /// Adds a piece of the text.
    pub(crate) fn piece(&mut self, bytes: &[u8]) -> Result<(), PartError> {
        let from = self.raw.len();
        self.markup(bytes)?;
        let mut found = Vec::new();
        letters(
            &self.raw,
            from,
            self.raw.len(),
            Escapes::Entity,
            Charset::Utf8,
            &mut found,
        );
        self.text.extend(found.iter().map(|letter| letter.ch));
        self.letters.append(&mut found);
        Ok(())
    }

    /// Writes the unit with its text changed, and empties it. What stands for a value stands where it began.
    pub(crate) fn write(&mut self, spans: &[Span], out: &mut Vec<u8>) {
        let mut done = 0;
        let mut spans = spans.iter().peekable();
        let mut place = 0;
        for letter in &self.letters {
            let at = place;
            place += letter.ch.len_utf8();
            while spans
                .next_if(|span| span.to <= at && span.from < at)
                .is_some()
            {}
            let Some(span) = spans.peek() else { break };
            if at < span.from || letter.from == letter.to && letter.from < done {
                continue;
            }
            out.extend_from_slice(self.raw.get(done..letter.from).unwrap_or_default());
            done = done.max(letter.from);
            if at == span.from {
                escape(&span.put, out);
            }
            if at < span.to {
                done = letter.to;
            }
        }
        out.extend_from_slice(self.raw.get(done..).unwrap_or_default());
        self.clear();
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.raw.clear();
        self.letters.clear();
        self.text.clear();
    }
}

/// Writes text as XML has it.
pub(crate) fn escape(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'<' => out.extend(b"&lt;"),
            b'>' => out.extend(b"&gt;"),
            b'&' => out.extend(b"&amp;"),
            b'"' => out.extend(b"&quot;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_is_cut_into_the_same_tokens_however_it_arrives() {
        let xml = br#"<?xml a="?"?><!-- <b> --><a x="1>2">t&amp;<b/><![CDATA[<c>]]></a>rest"#;
        let read = |chunks: Vec<&[u8]>| {
            let mut tokens = Tokens::default();
            let mut all = Vec::new();
            let count = chunks.len();
            for (at, chunk) in chunks.into_iter().enumerate() {
                let mut take = |token: &Token<'_>| {
                    all.push(format!("{token:?}"));
                    Ok(())
                };
                tokens.feed(chunk, at + 1 == count, &mut take).unwrap();
            }
            all
        };
        let whole = read(vec![xml]);
        assert_eq!(whole.len(), 8);
        for cut in 0..xml.len() {
            let (head, tail) = xml.split_at(cut);
            assert_eq!(read(vec![head, tail]).concat(), whole.concat(), "{cut}");
        }
    }

    #[test]
    fn a_value_over_several_pieces_is_written_where_it_began() {
        let mut unit = Unit::default();
        unit.markup(b"<t>").unwrap();
        unit.piece("电话 1&#51;8".as_bytes()).unwrap();
        unit.markup(b"</t><t>").unwrap();
        unit.piece(b"00138000 x").unwrap();
        unit.markup(b"</t>").unwrap();
        let from = "电话 ".len();
        let span = Span {
            from,
            to: from + 11,
            put: "<*>".into(),
        };
        let mut out = Vec::new();
        unit.write(&[span], &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "<t>电话 &lt;*&gt;</t><t> x</t>"
        );
    }
}
