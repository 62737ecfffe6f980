//! What stands before a value: the end of what has passed, and the label that can be read there.

use smallvec::SmallVec;

use crate::label::{Labels, Rule};

/// Bytes before a place that are looked at: a label, its punctuation and the tags between two cells of a table.
pub(crate) const WINDOW: usize = 128;

/// The last bytes that have passed.
#[derive(Debug, Clone)]
pub(crate) struct Behind {
    bytes: [u8; WINDOW],
    count: usize,
}

impl Default for Behind {
    fn default() -> Self {
        Self {
            bytes: [0; WINDOW],
            count: 0,
        }
    }
}

impl Behind {
    /// The bytes before `place`, [`WINDOW`] of them where there are so many.
    pub(crate) fn window<'a>(
        &self,
        buffer: &'a [u8],
        place: usize,
        room: &'a mut [u8; WINDOW],
    ) -> &'a [u8] {
        if place >= WINDOW {
            return buffer.get(place - WINDOW..place).unwrap_or_default();
        }
        let old = self.count.min(WINDOW - place);
        let tail = self
            .bytes
            .get(self.count - old..self.count)
            .unwrap_or_default();
        let head = buffer.get(..place).unwrap_or_default();
        for (slot, &byte) in room.iter_mut().zip(tail.iter().chain(head)) {
            *slot = byte;
        }
        room.get(..tail.len() + head.len()).unwrap_or_default()
    }

    /// The byte before `place`.
    pub(crate) fn last(&self, buffer: &[u8], place: usize) -> Option<u8> {
        match place.checked_sub(1) {
            Some(before) => buffer.get(before).copied(),
            None => self
                .count
                .checked_sub(1)
                .and_then(|at| self.bytes.get(at))
                .copied(),
        }
    }

    /// Remembers the end of what passes: the first `until` bytes of the buffer.
    pub(crate) fn pass(&mut self, buffer: &[u8], until: usize) {
        let mut room = [0; WINDOW];
        let count = self.window(buffer, until, &mut room).len();
        if until >= WINDOW {
            for (slot, &byte) in room
                .iter_mut()
                .zip(buffer.get(until - WINDOW..until).unwrap_or_default())
            {
                *slot = byte;
            }
        }
        self.bytes = room;
        self.count = count;
    }
}

/// Whether tags stand between a label and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tags {
    Skipped,
    Text,
}

/// Reads the label that ends `before`, whatever punctuation follows it.
pub(crate) fn label_before(before: &[u8], labels: &Labels, tags: Tags) -> Option<Rule> {
    let mut rest = before;
    loop {
        rest = strip(rest);
        if tags == Tags::Text {
            break;
        }
        rest = rest.trim_ascii_end();
        if rest.last() != Some(&b'>') {
            break;
        }
        let open = memchr::memrchr(b'<', rest)?;
        let tag = rest.get(open + 1..rest.len() - 1)?;
        if !tag.starts_with(b"/") && !tag.ends_with(b"/") {
            let name = tag_name(tag);
            if labels.may_end(name)
                && let Some(rule) = labels.rule(name)
            {
                return Some(rule);
            }
        }
        rest = rest.get(..open)?;
    }
    phrase(rest, labels)
}

/// Reads the label that ends `before` a colon or an equals sign in running text, if nothing else would stop at its values.
pub(crate) fn label_of_text(before: &[u8], labels: &Labels) -> Option<Rule> {
    let text = bare(before);
    if !labels.may_end_unshaped(text) && !text.ends_with(b".") {
        return None;
    }
    phrase(text, labels)
}

/// Text without the quotes and stars that may stand around a label.
pub(crate) fn bare(before: &[u8]) -> &[u8] {
    let mut text = before;
    while let Some((b' ' | b'"' | b'\'' | b'\\' | b'*', rest)) = text.split_last() {
        text = rest;
    }
    text.strip_suffix("】".as_bytes()).unwrap_or(text)
}

/// Reads a label of up to three Latin words, or a Chinese one.
pub(crate) fn phrase(rest: &[u8], labels: &Labels) -> Option<Rule> {
    if !labels.may_end(rest) && !rest.ends_with(b".") {
        return None;
    }
    let rest = rest.strip_suffix(b".").unwrap_or(rest);
    if rest.last().is_some_and(|&byte| byte >= 0x80) {
        return labels.rule(rest);
    }
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut starts = [rest.len(); 3];
    let mut at = rest.len();
    let mut count = 0;
    for slot in &mut starts {
        let head = rest.get(..at).unwrap_or_default();
        let length = head.iter().rev().take_while(|byte| is_word(byte)).count();
        if length == 0 {
            break;
        }
        at -= length;
        *slot = at;
        count += 1;
        match rest.get(..at).and_then(<[u8]>::last) {
            Some(b' ') => at -= 1,
            _ => break,
        }
    }
    starts.iter().take(count).rev().find_map(|&start| {
        let words = rest.get(start..)?;
        let last = words.rsplit(|&byte| byte == b' ').next()?;
        if last.len() < words.len() && last.iter().all(u8::is_ascii_digit) {
            // A number of its own.
            return None;
        }
        let joined: SmallVec<[u8; WINDOW]> =
            words.iter().copied().filter(|&byte| byte != b' ').collect();
        labels.rule(&joined)
    })
}

/// The name of the element that a tag opens, without its prefix.
pub(crate) fn tag_name(tag: &[u8]) -> &[u8] {
    let end = tag
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || *byte == b'/')
        .unwrap_or(tag.len());
    let name = tag.get(..end).unwrap_or_default();
    let local = memchr::memchr(b':', name).map_or(0, |at| at + 1);
    name.get(local..).unwrap_or_default()
}

/// `text` without all the punctuation at its end that ties a value to its label.
pub(crate) fn strip(text: &[u8]) -> &[u8] {
    let mut rest = text;
    loop {
        let next = connector(rest);
        if next.len() == rest.len() {
            return rest;
        }
        rest = next;
    }
}

/// `text` without the punctuation or the small word at its end that ties a value to its label.
fn connector(text: &[u8]) -> &[u8] {
    match text {
        [
            rest @ ..,
            b' ' | b'\t' | b':' | b'=' | b'"' | b'\'' | b'\\' | b'(' | b'[' | b'#' | b'+',
        ]
        // `：`, `（`, `为`, `是`, U+3000, `【`, `“`.
        | [rest @ .., 0xEF, 0xBC, 0x9A | 0x88]
        | [rest @ .., 0xE4, 0xB8, 0xBA]
        | [rest @ .., 0xE6, 0x98, 0xAF]
        | [rest @ .., 0xE3, 0x80, 0x80 | 0x90]
        | [rest @ .., 0xE2, 0x80, 0x9C] => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    fn kind(text: &str, tags: Tags) -> Option<Kind> {
        label_before(text.as_bytes(), Labels::shipped(), tags).map(|rule| rule.kind)
    }

    #[test]
    fn labels_are_found_before_their_punctuation() {
        for (text, expected) in [
            ("护照号码：", Some(Kind::Passport)),
            ("护照号为 ", Some(Kind::Passport)),
            (r#"{"passport":""#, Some(Kind::Passport)),
            (r#"{\"passport\":\""#, Some(Kind::Passport)),
            ("Passport No.: ", Some(Kind::Passport)),
            ("date of birth: ", Some(Kind::BirthDate)),
            ("Social Security Number ", Some(Kind::SocialSecurity)),
            ("passport=", Some(Kind::Passport)),
            ("护照，", None),
            ("order ", None),
            ("", None),
        ] {
            assert_eq!(kind(text, Tags::Text), expected, "{text}");
        }
        for (text, expected) in [
            ("<td>护照</td>\n<td class=\"x\">", Some(Kind::Passport)),
            ("<p:passport id='1'>", Some(Kind::Passport)),
            ("<b>x</b>", None),
            ("护照</td", None),
        ] {
            assert_eq!(kind(text, Tags::Skipped), expected, "{text}");
        }
    }

    #[test]
    fn the_window_is_the_same_however_the_bytes_came() {
        let bytes: Vec<u8> = (0..=255).cycle().take(700).collect();
        for cut in [1, 50, 127, 128, 129, 300] {
            let mut behind = Behind::default();
            let mut at = 0;
            for chunk in bytes.chunks(cut) {
                let mut room = [0; WINDOW];
                let expected = &bytes[(at + chunk.len()).saturating_sub(WINDOW)..at + chunk.len()];
                assert_eq!(behind.window(chunk, chunk.len(), &mut room), expected);
                behind.pass(chunk, chunk.len());
                at += chunk.len();
                assert_eq!(behind.last(&[], 0), bytes.get(at - 1).copied());
            }
        }
    }
}
