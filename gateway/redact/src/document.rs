//! The paragraphs of a document or a slide, and the cells of its tables: the runs of each are read as one text.

use std::sync::Arc;

use crate::context::phrase;
use crate::engine::Setting;
use crate::grid::Grid;
use crate::kind::Kind;
use crate::label::{Rule, Strength};
use crate::part::PartError;
use crate::runs::{Token, Tokens, Unit, attribute, name};
use crate::spans::spans;
use crate::whole::Tally;

/// Redacts the text of one part of a document as it streams past.
#[derive(Debug)]
pub(crate) struct Document {
    tokens: Tokens,
    state: State,
}

#[derive(Debug)]
struct State {
    setting: Setting,
    unit: Unit,
    in_text: bool,
    grid: Grid,
    /// What the cell that is open holds, by the head of its column or by the cell before it.
    rule: Option<Rule>,
    before: Option<Rule>,
    /// The start of the cell's text.
    cell: String,
}

/// Who changed or said something, if the attribute has a person's name.
const AUTHOR: Rule = Rule {
    kind: Kind::Name,
    strength: Strength::Weak,
};

/// The longest text of a cell that can be a label, in bytes.
const CELL_MAX: usize = 96;

impl Document {
    pub(crate) fn new(setting: &Setting) -> Self {
        Self {
            tokens: Tokens::default(),
            state: State {
                setting: setting.clone(),
                unit: Unit::default(),
                in_text: false,
                grid: Grid::default(),
                rule: None,
                before: None,
                cell: String::new(),
            },
        }
    }

    pub(crate) fn feed(
        &mut self,
        chunk: &[u8],
        last: bool,
        tally: &mut Tally,
        out: &mut Vec<u8>,
    ) -> Result<(), PartError> {
        let Self { tokens, state } = self;
        tokens.feed(chunk, last, &mut |token| state.take(token, tally, out))?;
        if last {
            state.flush(tally, out);
        }
        Ok(())
    }
}

impl State {
    fn take(
        &mut self,
        token: &Token<'_>,
        tally: &mut Tally,
        out: &mut Vec<u8>,
    ) -> Result<(), PartError> {
        let tag = match token {
            Token::Text(text) if self.in_text => return self.unit.piece(text),
            Token::Text(text) => return self.unit.markup(text),
            Token::Tag(tag) => *tag,
        };
        if let Some(text) = tag.strip_prefix(b"<![CDATA[") {
            let text = text.strip_suffix(b"]]>").unwrap_or(text);
            self.unit.markup(b"<![CDATA[")?;
            self.unit.piece(text)?;
            return self.unit.markup(b"]]>");
        }
        let (name, closes) = name(tag);
        let empty = tag.ends_with(b"/>");
        match name {
            b"p" | b"tc" | b"tr" | b"tbl" => {
                self.flush(tally, out);
                if !empty {
                    self.table(name, closes);
                }
                self.unit.markup(tag)
            }
            b"t" | b"delText" | b"instrText" => {
                self.in_text = !closes && !empty;
                self.unit.markup(tag)
            }
            b"tab" | b"br" | b"cr" if !self.in_text => {
                self.unit.gap(if name == b"tab" { '\t' } else { '\n' });
                self.unit.markup(tag)
            }
            _ => match attribute(tag, b"w:author").or_else(|| attribute(tag, b"author")) {
                Some(author) => self.author(tag, author, tally),
                None => self.unit.markup(tag),
            },
        }
    }

    /// Follows rows and cells.
    fn table(&mut self, name: &[u8], closes: bool) {
        match (name, closes) {
            (b"tbl", false) => {
                self.grid.open(b"table");
            }
            (b"tr", false) => {
                self.grid.open(b"tr");
                self.before = None;
            }
            (b"tc", false) => {
                self.rule = self.grid.open(b"td").or(self.before.take());
                self.cell.clear();
            }
            (b"tc", true) => {
                let text = self.cell.trim().trim_end_matches([':', '：']).trim_end();
                let label = phrase(text.as_bytes(), self.setting.rules.labels());
                self.grid.close(b"td", label);
                self.before = label.filter(|_| !self.grid.is_known());
                self.rule = None;
            }
            _ => {}
        }
    }

    fn author(&mut self, tag: &[u8], author: &[u8], tally: &mut Tally) -> Result<(), PartError> {
        let text = String::from_utf8_lossy(author);
        let Setting { rules, level, .. } = &self.setting;
        let found = spans(rules, *level, Some(AUTHOR), &text, tally);
        let at = author.as_ptr() as usize - tag.as_ptr() as usize;
        if found.is_empty() {
            return self.unit.markup(tag);
        }
        let mut unit = Unit::default();
        unit.piece(author)?;
        let mut masked = Vec::new();
        unit.write(&found, &mut masked);
        self.unit.markup(tag.get(..at).unwrap_or_default())?;
        self.unit.markup(&masked)?;
        self.unit
            .markup(tag.get(at + author.len()..).unwrap_or_default())
    }

    /// Decides about the paragraph so far.
    fn flush(&mut self, tally: &mut Tally, out: &mut Vec<u8>) {
        if self.unit.text().is_empty() {
            out.extend_from_slice(self.unit.raw());
            self.unit.clear();
            return;
        }
        if self.cell.len() < CELL_MAX {
            self.cell.push_str(self.unit.text());
        }
        let Setting { rules, level, .. } = &self.setting;
        let found = spans(
            &Arc::clone(rules),
            *level,
            self.rule,
            self.unit.text(),
            tally,
        );
        self.unit.write(&found, out);
    }
}
