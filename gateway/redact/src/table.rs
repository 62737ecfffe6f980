//! Tables in CSV and TSV: the head names the columns, and a column's name says what its cells are.
//!
//! Works ahead of the pass: cells that their column makes values are masked, everything else goes on as it is.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::action::Action;
use crate::check;
use crate::copy::Copy;
use crate::kind::{Counts, Kind};
use crate::label::Rule;
use crate::level::Level;
use crate::mask::{self, Edits};
use crate::rules::Rules;
use crate::shape;
use crate::unit::Escapes;
use crate::value::{Charset, Letter, letters, narrow, plain};

/// The longest cell that is taken whole, in bytes.
const CELL_MAX: usize = 2048;

/// Columns whose names are remembered.
const COLUMNS_MAX: usize = 1024;

/// Reads cells and masks those whose column says what they are.
#[derive(Debug)]
pub(crate) struct Table {
    rules: Arc<Rules>,
    level: Level,
    separator: u8,
    columns: Vec<Option<Rule>>,
    in_head: bool,
    column: usize,
    /// Within a cell that is longer than is taken whole.
    long: bool,
    /// Within quotes of such a cell.
    quoted: bool,
    pending: Vec<u8>,
    letters: Vec<Letter>,
    pub(crate) found: Counts,
    pub(crate) masked: Counts,
}

impl Table {
    pub(crate) fn new(rules: Arc<Rules>, level: Level, separator: u8) -> Self {
        Self {
            rules,
            level,
            separator,
            columns: Vec::new(),
            in_head: true,
            column: 0,
            long: false,
            quoted: false,
            pending: Vec::new(),
            letters: Vec::new(),
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
        let mut copy = Copy::new(&buffer, out);
        let mut at = 0;
        while at < buffer.len() {
            let rest = buffer.get(at..).unwrap_or_default();
            let (length, ended) = if self.long {
                self.rest_of_long(rest)
            } else {
                self.length(rest)
            };
            if !ended && !self.long && !last {
                if rest.len() < CELL_MAX {
                    break;
                }
                self.long = true;
                self.quoted = false;
                continue;
            }
            if !self.long {
                self.cell(at, at + length, &mut copy);
            }
            at += length;
            if !ended {
                continue;
            }
            self.long = false;
            if rest.get(length) == Some(&self.separator) {
                self.column += 1;
            } else {
                self.column = 0;
                self.in_head = false;
            }
            at += 1;
        }
        let at = at.min(buffer.len());
        copy.upto(at);
        buffer.drain(..at);
        self.pending = buffer;
    }

    /// Length of the cell that bytes begin with, and whether what ends it is there.
    fn length(&self, bytes: &[u8]) -> (usize, bool) {
        let mut quoted = false;
        for (at, &byte) in bytes.iter().take(CELL_MAX).enumerate() {
            // A quote within a quoted cell is doubled, which closes and opens it.
            quoted ^= byte == b'"' && (quoted || at == 0 || bytes.get(at - 1) == Some(&b'"'));
            if !quoted && (byte == self.separator || byte == b'\n') {
                return (at, true);
            }
        }
        (bytes.len(), false)
    }

    fn rest_of_long(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, &byte) in bytes.iter().enumerate() {
            self.quoted ^= byte == b'"';
            if !self.quoted && (byte == self.separator || byte == b'\n') {
                return (at, true);
            }
        }
        (bytes.len(), false)
    }

    fn cell(&mut self, from: usize, to: usize, copy: &mut Copy<'_>) {
        let bytes = copy.buffer.get(from..to).unwrap_or_default();
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let (head, inner) = match bytes {
            [b'"', inner @ .., b'"'] => (1, inner),
            _ => (0, bytes),
        };
        if self.in_head {
            let name = inner.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(inner);
            let name = name.strip_prefix(b"\"").unwrap_or(name).trim_ascii();
            if self.columns.len() < COLUMNS_MAX {
                self.columns.push(self.rules.labels().rule(name));
            }
            return;
        }
        let Some(rule) = self.columns.get(self.column).copied().flatten() else {
            return;
        };
        let start = from + head;
        if let Some(text) = plain(inner, Escapes::Doubled) {
            if let Some((kind, action)) = self.action(rule, text) {
                let chars: SmallVec<[char; 64]> = text.chars().collect();
                let edits = self.edits(action, kind, &chars);
                copy.edit(&chars, start, &edits);
            }
            return;
        }
        let mut all = std::mem::take(&mut self.letters);
        letters(
            copy.buffer,
            start,
            start + inner.len(),
            Escapes::Doubled,
            Charset::Utf8,
            &mut all,
        );
        let text: String = all.iter().map(|letter| narrow(letter.ch)).collect();
        if let Some((kind, action)) = self.action(rule, &text) {
            let chars: Vec<char> = text.chars().collect();
            for edit in self.edits(action, kind, &chars) {
                let place = |at: usize| {
                    all.get(at)
                        .map_or(start + inner.len(), |letter| letter.from)
                };
                copy.put(place(edit.at), place(edit.at + edit.over), &edit.put);
            }
        }
        self.letters = all;
    }

    /// Counts a cell that is what its column says, and returns what is done to it.
    fn action(&mut self, rule: Rule, text: &str) -> Option<(Kind, Action)> {
        let kind = shape::kind(rule, text)?;
        if is_found_anyway(kind, text.trim()) {
            return None;
        }
        let action = self.rules.action(self.level, kind);
        self.found.add(kind);
        if action != Action::Pass {
            self.masked.add(kind);
        }
        Some((kind, action))
    }

    fn edits(&self, action: Action, kind: Kind, chars: &[char]) -> Edits {
        self.rules
            .keyed(action, kind, chars)
            .unwrap_or_else(|| mask::apply(action, chars))
    }
}

/// Tells whether the pass finds the value by itself, with the mask of its own shape.
fn is_found_anyway(kind: Kind, text: &str) -> bool {
    let bytes = text.as_bytes();
    let checks: &[fn(&[u8]) -> bool] = &[
        check::resident_id,
        check::mobile,
        check::bank_card,
        check::credit_code,
    ];
    let bare = kind == Kind::Mac && crate::network::is_bare_mac(bytes);
    matches!(kind, Kind::Email | Kind::Ip | Kind::Mac) && !bare
        || checks.iter().any(|check| check(bytes))
        || (kind == Kind::Landline && bytes.starts_with(b"0") && bytes.contains(&b'-'))
}
