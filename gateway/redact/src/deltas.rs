//! Server-sent events that tell a text piece by piece: `data: {"delta":"138"}`, then `data: {"delta":"00138000"}`.
//!
//! The pieces of one text are read as one. Of a piece that leaves with its event, what may be the start of a value stays
//! behind and leaves with the next piece; what is left when the pieces end leaves in an event of its own, made like the
//! last one, ahead of the event that ends them. What is held is what a body of text holds between two chunks, and for as
//! long as the next event takes: [`Deltas::release`] lets it go where a reader must not wait longer, after which a value
//! may go on that was begun, unmasked.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::kind::Counts;
use crate::level::Level;
use crate::media::Media;
use crate::redactor::Redactor;
use crate::rules::Rules;
use crate::unit::Escapes;
use crate::value::{Charset, Letter, letters};

/// The longest line that is looked at, in bytes; a longer one passes to be read like any text.
const LINE_MAX: usize = 32 * 1024;

/// Texts that are told at once: chosen.
const CHANNELS_MAX: usize = 16;

/// Texts told by one stream of events.
#[derive(Debug)]
pub(crate) struct Deltas {
    rules: Arc<Rules>,
    level: Level,
    pending: Vec<u8>,
    /// Within a line that is too long.
    long: bool,
    channels: Vec<Channel>,
    /// The last `event:` line.
    event: Vec<u8>,
    pub(crate) found: Counts,
    pub(crate) masked: Counts,
}

/// One text, and how its last piece was written.
#[derive(Debug)]
struct Channel {
    key: Vec<u8>,
    text: Redactor,
    /// The lines before the last piece, from its `event:` on.
    before: Vec<u8>,
    after: Vec<u8>,
}

/// Where a piece stands in a line.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    from: usize,
    to: usize,
    key: Vec<u8>,
}

impl Deltas {
    pub(crate) fn new(rules: Arc<Rules>, level: Level) -> Self {
        Self {
            rules,
            level,
            pending: Vec::new(),
            long: false,
            channels: Vec::new(),
            event: Vec::new(),
            found: Counts::default(),
            masked: Counts::default(),
        }
    }

    pub(crate) fn held(&self) -> usize {
        let held = |channel: &Channel| channel.text.held();
        self.pending.len() + self.channels.iter().map(held).sum::<usize>()
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(chunk);
        let mut at = 0;
        while let Some(rest) = pending.get(at..).filter(|rest| !rest.is_empty()) {
            let end = memchr::memchr(b'\n', rest).map(|end| end + 1);
            let held = !self.long && rest.len() <= LINE_MAX && may_tell(rest);
            let length = match end {
                Some(end) => end,
                None if last || !held => rest.len(),
                None => break,
            };
            let line = rest.get(..length).unwrap_or_default();
            if self.long {
                out.extend_from_slice(line);
            } else {
                self.line(line, out);
            }
            self.long = end.is_none() && !last;
            at += length;
        }
        pending.drain(..at);
        self.pending = pending;
        if last {
            self.release(out);
        }
    }

    /// Lets go what is held of all texts, each in an event of its own.
    pub(crate) fn release(&mut self, out: &mut Vec<u8>) {
        for mut channel in std::mem::take(&mut self.channels) {
            let mut rest = Vec::new();
            let summary = channel.text.finish(&mut rest);
            self.found += summary.counts;
            self.masked += summary.masked;
            if rest.is_empty() {
                continue;
            }
            out.extend_from_slice(&channel.before);
            escape(&String::from_utf8_lossy(&rest), out);
            out.extend_from_slice(&channel.after);
            out.extend_from_slice(b"\n\n");
        }
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let bare = line.trim_ascii_end();
        let long = line.len() > LINE_MAX;
        if bare.starts_with(b"event:") && !long {
            // It belongs to the event whose data follow, ahead of which another may have to leave.
            out.extend_from_slice(&std::mem::take(&mut self.event));
            self.event = line.to_vec();
            return;
        }
        let Some(data) = bare.strip_prefix(b"data:") else {
            out.extend_from_slice(&std::mem::take(&mut self.event));
            out.extend_from_slice(line);
            return;
        };
        let pieces = if long { SmallVec::new() } else { pieces(data) };
        let event = std::mem::take(&mut self.event);
        if pieces.is_empty() {
            if long || !is_pause(data) {
                self.release(out);
            }
            out.extend_from_slice(&event);
            out.extend_from_slice(line);
            return;
        }
        out.extend_from_slice(&event);
        let shift = bare.len() - data.len();
        let mut done = 0;
        for piece in pieces {
            let (from, to) = (piece.from + shift, piece.to + shift);
            let written = line.get(from..to).unwrap_or_default();
            let Some(text) = decoded(written) else {
                continue;
            };
            let Some(channel) = self.channel(piece.key) else {
                continue;
            };
            let mut told = Vec::new();
            channel.text.feed(text.as_bytes(), &mut told);
            channel.before = [&event, line.get(..from).unwrap_or_default()].concat();
            channel.after = bare.get(to..).unwrap_or_default().to_vec();
            out.extend_from_slice(line.get(done..from).unwrap_or_default());
            if told == text.as_bytes() {
                out.extend_from_slice(written);
            } else {
                escape(&String::from_utf8_lossy(&told), out);
            }
            done = to;
        }
        out.extend_from_slice(line.get(done..).unwrap_or_default());
    }

    fn channel(&mut self, key: Vec<u8>) -> Option<&mut Channel> {
        let at = match self.channels.iter().position(|channel| channel.key == key) {
            Some(at) => at,
            None if self.channels.len() < CHANNELS_MAX => {
                let text = Redactor::with(Arc::clone(&self.rules), self.level, Media::Text.into());
                self.channels.push(Channel {
                    key,
                    text,
                    before: Vec::new(),
                    after: Vec::new(),
                });
                self.channels.len() - 1
            }
            None => return None,
        };
        self.channels.get_mut(at)
    }
}

/// Tells whether a line whose start this is may tell a piece, or belong to an event that does.
fn may_tell(start: &[u8]) -> bool {
    let begins = |field: &[u8]| {
        let known = start.len().min(field.len());
        start.get(..known) == field.get(..known)
    };
    if begins(b"event:") {
        return true;
    }
    let data = start.get(b"data:".len()..).unwrap_or_default();
    begins(b"data:")
        && data
            .trim_ascii_start()
            .first()
            .is_none_or(|byte| *byte == b'{')
}

/// Tells whether an event without a piece says nothing about the pieces: it only keeps the connection open.
fn is_pause(data: &[u8]) -> bool {
    let data = data.trim_ascii();
    data.is_empty() || data.starts_with(b"{") && memchr::memmem::find(data, br#""ping""#).is_some()
}

/// A string as it is meant; `None` where it ends or begins within a character.
fn decoded(written: &[u8]) -> Option<String> {
    let mut all: Vec<Letter> = Vec::new();
    letters(
        written,
        0,
        written.len(),
        Escapes::Backslash,
        Charset::Utf8,
        &mut all,
    );
    let text: String = all.iter().map(|letter| letter.ch).collect();
    (!text.contains('\u{FFFD}')).then_some(text)
}

/// Writes text as it stands in a JSON string.
fn escape(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0..0x20 => {
                out.extend(b"\\u00");
                for nibble in [byte >> 4, byte & 15] {
                    out.push(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
                }
            }
            other => out.push(other),
        }
    }
}

/// Members of a delta that tell about it and are no text.
const ABOUT: [&[u8]; 9] = [
    b"type",
    b"role",
    b"id",
    b"name",
    b"status",
    b"object",
    b"model",
    b"finish_reason",
    b"stop_reason",
];

/// Finds the pieces of text in the data of an event: strings that are a `delta`, or in one; and where an event says that
/// it is no whole text, its `response`, `content`, `answer` or `text`.
fn pieces(data: &[u8]) -> SmallVec<[Piece; 2]> {
    let mut found = SmallVec::new();
    if !data.trim_ascii_start().starts_with(b"{") {
        return found;
    }
    let has = |text: &[u8]| memchr::memmem::find(data, text).is_some();
    let told: &[&[u8]] = if has(br#""done":false"#) || has(br#""done": false"#) {
        &[b"response", b"content"]
    } else if has(br#""event":"message""#) || has(br#""event": "message""#) {
        &[b"answer"]
    } else if has(br#""text_completion""#) {
        &[b"text"]
    } else {
        &[]
    };
    if !has(br#""delta""#) && told.is_empty() {
        return found;
    }
    let mut numbers: Vec<u8> = Vec::new();
    let mut key: &[u8] = &[];
    let mut depth = 0_usize;
    // How deep the delta is that the reading is in.
    let mut within: Option<usize> = None;
    let mut at = 0;
    while let Some(&byte) = data.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if within.is_none() && key == b"delta" && byte == b'{' {
                    within = Some(depth);
                }
                if byte == b'{' {
                    key = &[];
                }
            }
            b'}' | b']' => {
                if within == Some(depth) {
                    within = None;
                }
                depth = depth.saturating_sub(1);
                key = &[];
            }
            b'"' => {
                let from = at + 1;
                let Some(to) = string_end(data, from) else {
                    return found;
                };
                let text = data.get(from..to).unwrap_or_default();
                at = to + 1;
                let behind = data.get(at..).unwrap_or_default().trim_ascii_start();
                if behind.first() == Some(&b':') {
                    key = text;
                    continue;
                }
                let delta = key == b"delta" || within.is_some() && !ABOUT.contains(&key);
                if delta || told.contains(&key) {
                    found.push(Piece {
                        from,
                        to,
                        key: key.to_vec(),
                    });
                }
                continue;
            }
            // Texts that are told side by side differ in their numbers.
            b'0'..=b'9' if key.ends_with(b"index") => numbers.push(byte),
            b',' if numbers.last() != Some(&b',') => numbers.push(b','),
            _ => {}
        }
        at += 1;
    }
    for piece in &mut found {
        piece.key.push(0);
        piece
            .key
            .extend(numbers.iter().filter(|&&byte| byte != b','));
    }
    found
}

/// Where a string ends that begins at `from`.
fn string_end(data: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let offset = memchr::memchr2(b'"', b'\\', data.get(at..)?)?;
        if data.get(at + offset) == Some(&b'"') {
            return Some(at + offset);
        }
        at += offset + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(data: &str) -> Vec<&str> {
        pieces(data.as_bytes())
            .iter()
            .map(|piece| &data[piece.from..piece.to])
            .collect()
    }

    #[test]
    fn pieces_are_found_in_the_events_that_tell_texts_and_in_no_others() {
        for (data, expected) in [
            (r#" {"delta":"a"}"#, &["a"][..]),
            (
                r#"{"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"a\"b"},"finish_reason":null}]}"#,
                &["a\\\"b"],
            ),
            (
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#,
                &["a"],
            ),
            (
                r#"{"type":"response.output_text.delta","delta":"a"}"#,
                &["a"],
            ),
            (r#"{"model":"m","response":"a","done":false}"#, &["a"]),
            (r#"{"event":"message","answer":"a"}"#, &["a"]),
            (
                r#"{"delta":{"tool_calls":[{"index":1,"function":{"name":"f","arguments":"a"}}]}}"#,
                &["a"],
            ),
            (r#"{"text":"a message","response":"b"}"#, &[]),
            (r#"{"delta":{},"content":"x"}"#, &[]),
            (r#"{"delta":12,"after":"x"}"#, &[]),
            (r#"{"delta":"a"#, &[]),
            ("[DONE]", &[]),
            (r#""delta":"a""#, &[]),
        ] {
            assert_eq!(texts(data), expected, "{data}");
        }
    }
}
