//! The pass for an operator's own kinds, ahead of the main one: strings and lines are looked at whole.

use std::sync::Arc;

use crate::action::Action;
use crate::kind::{Counts, Kind};
use crate::level::Level;
use crate::mask::{self, Put};
use crate::rules::Rules;

/// The longest string or line that is looked at whole, in bytes; a longer one is cut behind its last word.
pub(crate) const PIECE_MAX: usize = 4096;

/// Looks for an operator's kinds between quotes, tags and line ends.
#[derive(Debug)]
pub(crate) struct OwnStage {
    rules: Arc<Rules>,
    level: Level,
    /// Only within strings may other than digits stand.
    json: bool,
    in_string: bool,
    pending: Vec<u8>,
    pub(crate) found: Counts,
    pub(crate) masked: Counts,
}

impl OwnStage {
    pub(crate) fn new(rules: Arc<Rules>, level: Level, json: bool) -> Self {
        Self {
            rules,
            level,
            json,
            in_string: false,
            pending: Vec::new(),
            found: Counts::default(),
            masked: Counts::default(),
        }
    }

    pub(crate) fn held(&self) -> usize {
        self.pending.len()
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) {
        let mut buffer = std::mem::take(&mut self.pending);
        buffer.extend_from_slice(chunk);
        let mut from = 0;
        loop {
            let rest = buffer.get(from..).unwrap_or_default();
            let piece = rest.get(..rest.len().min(PIECE_MAX)).unwrap_or_default();
            let end = delimiter(piece);
            let length = match end {
                Some(end) => end,
                None if piece.len() == PIECE_MAX => {
                    let word = piece.iter().rposition(|byte| {
                        byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'&')
                    });
                    word.map_or(PIECE_MAX, |at| at + 1)
                }
                None if last => piece.len(),
                None => break,
            };
            self.piece(rest.get(..length).unwrap_or_default(), out);
            from += length;
            if let Some(end) = end {
                let byte = rest.get(end).copied().unwrap_or(0);
                let escapes = piece
                    .get(..end)
                    .unwrap_or_default()
                    .iter()
                    .rev()
                    .take_while(|&&byte| byte == b'\\')
                    .count();
                self.in_string = match byte {
                    b'"' => self.in_string ^ escapes.is_multiple_of(2),
                    b'\n' => false,
                    _ => self.in_string,
                };
                out.push(byte);
                from += 1;
            }
            if from == buffer.len() {
                break;
            }
        }
        buffer.drain(..from);
        self.pending = buffer;
    }

    fn piece(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if piece.is_empty() {
            return;
        }
        let kinds = self.rules.own().to_vec();
        let mut values: Vec<(usize, usize, Action)> = Vec::new();
        for kind in &kinds {
            values.extend(
                kind.find(piece)
                    .into_iter()
                    .map(|(from, to)| (from, to, kind.action(self.level))),
            );
        }
        values.sort_unstable_by_key(|&(from, to, _)| (from, usize::MAX - to));
        let mut done = 0;
        for (from, to, action) in values {
            let value = piece.get(from..to).unwrap_or_default();
            if from < done || value.iter().all(|&byte| byte == b'*') {
                continue;
            }
            self.found.add(Kind::Custom);
            if action == Action::Pass {
                continue;
            }
            let bare = self.json && !self.in_string;
            if bare && !value.iter().all(u8::is_ascii_digit) {
                continue;
            }
            self.masked.add(Kind::Custom);
            out.extend_from_slice(piece.get(done..from).unwrap_or_default());
            if bare {
                out.push(b'0');
            } else {
                self.replace(action, value, out);
            }
            done = to;
        }
        out.extend_from_slice(piece.get(done..).unwrap_or_default());
    }

    fn replace(&self, action: Action, value: &[u8], out: &mut Vec<u8>) {
        let text: Vec<char> = String::from_utf8_lossy(value).chars().collect();
        let edits = self
            .rules
            .keyed(action, Kind::Custom, &text)
            .unwrap_or_else(|| mask::apply(action, &text));
        let mut at = 0;
        let mut masked = String::new();
        for edit in edits {
            masked.extend(text.get(at..edit.at).unwrap_or_default());
            match edit.put {
                Put::Stars(count) => masked.extend(std::iter::repeat_n('*', count)),
                Put::Text(text) => masked.push_str(&text),
            }
            at = edit.at + edit.over;
        }
        masked.extend(text.get(at..).unwrap_or_default());
        out.extend_from_slice(masked.as_bytes());
    }
}

fn delimiter(piece: &[u8]) -> Option<usize> {
    let one = memchr::memchr3(b'"', b'\n', b'<', piece);
    let two = memchr::memchr(
        b'>',
        piece.get(..one.unwrap_or(piece.len())).unwrap_or_default(),
    );
    two.or(one)
}
