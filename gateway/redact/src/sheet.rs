//! The cells of a workbook: what the head of a column, or the cell to the left, says about them.

use crate::action::Action;
use crate::decide::scaled_kind;
use crate::engine::Setting;
use crate::kind::Kind;
use crate::label::{Rule, Strength};
use crate::mask;
use crate::part::PartError;
use crate::runs::{Token, Tokens, Unit, attribute, name};
use crate::shape;
use crate::shared::Shared;
use crate::spans::spans;
use crate::whole::{Tally, write};

/// Columns of a sheet (ECMA-376: XFD).
const COLUMNS_MAX: usize = 16_384;

/// Redacts one sheet as it streams past.
#[derive(Debug)]
pub(crate) struct Sheet {
    tokens: Tokens,
    state: State,
}

#[derive(Debug)]
struct State {
    setting: Setting,
    unit: Unit,
    cell: Option<Cell>,
    inside: Inside,
    /// By column, what its head says.
    columns: Vec<Option<Rule>>,
    /// The cells of the row so far, by column.
    row: Vec<(usize, Class)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// A value, or the text of an inline string.
    Value,
    Formula,
}

#[derive(Debug)]
struct Cell {
    column: usize,
    content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// The number of a string that all sheets share.
    Shared,
    Text,
    Number,
    /// True, false, an error.
    Other,
}

/// What a cell looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Label(Rule),
    /// A name, a date, digits.
    Value,
    Plain,
}

impl Class {
    /// The class of a text.
    pub(crate) fn of(setting: &Setting, text: &str) -> Self {
        let text = text.trim().trim_end_matches([':', '：', '*']).trim_end();
        let labels = setting.rules.labels();
        let person = Rule {
            kind: Kind::Name,
            strength: Strength::Weak,
        };
        if let Some(rule) = crate::context::phrase(text.as_bytes(), labels)
            && text.chars().count() <= 32
        {
            return Self::Label(rule);
        }
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if digits >= 4 || text.contains('@') || shape::kind(person, text).is_some() {
            return Self::Value;
        }
        Self::Plain
    }
}

impl Sheet {
    pub(crate) fn new(setting: &Setting) -> Self {
        Self {
            tokens: Tokens::default(),
            state: State {
                setting: setting.clone(),
                unit: Unit::default(),
                cell: None,
                inside: Inside::Nothing,
                columns: Vec::new(),
                row: Vec::new(),
            },
        }
    }

    pub(crate) fn feed(
        &mut self,
        chunk: &[u8],
        last: bool,
        shared: &mut Shared,
        tally: &mut Tally,
        out: &mut Vec<u8>,
    ) -> Result<(), PartError> {
        let Self { tokens, state } = self;
        tokens.feed(chunk, last, &mut |token| {
            state.take(token, shared, tally, out)
        })?;
        if last {
            state.end_cell(shared, tally, out);
        }
        Ok(())
    }
}

impl State {
    fn take(
        &mut self,
        token: &Token<'_>,
        shared: &mut Shared,
        tally: &mut Tally,
        out: &mut Vec<u8>,
    ) -> Result<(), PartError> {
        let tag = match token {
            Token::Text(text) if self.cell.is_some() => {
                return match self.inside {
                    Inside::Value => self.unit.piece(text),
                    Inside::Formula => self.formula(text, tally),
                    Inside::Nothing => self.unit.markup(text),
                };
            }
            Token::Text(text) => {
                // Headers and footers of pages, names of things.
                return self.formula(text, tally).map(|()| self.pass(out));
            }
            Token::Tag(tag) => *tag,
        };
        let (name, closes) = name(tag);
        let empty = tag.ends_with(b"/>");
        match name {
            b"row" => {
                if closes || empty {
                    self.end_row();
                } else {
                    self.row.clear();
                }
                self.unit.markup(tag)?;
            }
            b"c" if !closes => {
                self.end_cell(shared, tally, out);
                let column = attribute(tag, b"r").and_then(column);
                let next = self.row.last().map_or(0, |(at, _)| at + 1);
                let content = match attribute(tag, b"t") {
                    Some(b"s") => Content::Shared,
                    Some(b"str" | b"inlineStr" | b"d") => Content::Text,
                    None | Some(b"n") => Content::Number,
                    Some(_) => Content::Other,
                };
                self.unit.markup(tag)?;
                if empty {
                    self.pass(out);
                } else {
                    self.cell = Some(Cell {
                        column: column.unwrap_or(next),
                        content,
                    });
                }
                return Ok(());
            }
            b"c" => {
                self.unit.markup(tag)?;
                self.end_cell(shared, tally, out);
                return Ok(());
            }
            b"v" | b"t" | b"f" => {
                self.inside = match (closes || empty, name) {
                    (true, _) => Inside::Nothing,
                    (false, b"f") => Inside::Formula,
                    (false, _) => Inside::Value,
                };
                self.unit.markup(tag)?;
            }
            _ => self.unit.markup(tag)?,
        }
        if self.cell.is_none() {
            self.pass(out);
        }
        Ok(())
    }

    /// Writes what is no cell.
    fn pass(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.unit.raw());
        self.unit.clear();
    }

    /// Adds text in which only what is found by its shape is masked.
    fn formula(&mut self, text: &[u8], tally: &mut Tally) -> Result<(), PartError> {
        let mut unit = Unit::default();
        unit.piece(text)?;
        let Setting { rules, level, .. } = &self.setting;
        let found = spans(rules, *level, None, unit.text(), tally);
        let mut out = Vec::new();
        unit.write(&found, &mut out);
        self.unit.markup(&out)
    }

    fn end_cell(&mut self, shared: &mut Shared, tally: &mut Tally, out: &mut Vec<u8>) {
        let Some(cell) = self.cell.take() else {
            self.pass(out);
            return;
        };
        self.inside = Inside::Nothing;
        let text = self.unit.text().trim();
        let class = match cell.content {
            Content::Shared => text
                .parse()
                .ok()
                .map_or(Class::Plain, |index| shared.class(index)),
            Content::Text => Class::of(&self.setting, text),
            Content::Number => Class::Value,
            Content::Other => Class::Plain,
        };
        let rule = match class {
            Class::Label(_) => None,
            Class::Value | Class::Plain => self.rule(cell.column, class),
        };
        let filled = !text.is_empty();
        match cell.content {
            Content::Shared => {
                if let (Some(rule), Ok(index)) = (rule, text.parse()) {
                    shared.mark(index, rule);
                }
                self.pass(out);
            }
            Content::Text => {
                let Setting { rules, level, .. } = &self.setting;
                let found = spans(rules, *level, rule, self.unit.text(), tally);
                self.unit.write(&found, out);
            }
            Content::Number => self.number(rule, tally, out),
            Content::Other => self.pass(out),
        }
        if filled && cell.column < COLUMNS_MAX && self.row.len() < COLUMNS_MAX {
            self.row.push((cell.column, class));
        }
    }

    /// What the cell of a column is said to hold.
    fn rule(&self, column: usize, class: Class) -> Option<Rule> {
        let left = match self.row.as_slice() {
            // Two labels side by side are heads, and so is the word behind them.
            [.., (before, Class::Label(_)), (at, Class::Label(_))]
                if before + 1 == *at && class == Class::Plain =>
            {
                None
            }
            [.., (at, Class::Label(rule))] if at + 1 == column && !rule.is_other() => Some(*rule),
            _ => None,
        };
        let head = self.columns.get(column).copied().flatten();
        // Beside a label may stand another head that is no label.
        let beside = left.map(|rule| Rule {
            strength: Strength::Weak,
            ..rule
        });
        head.filter(|rule| !rule.is_other()).or(beside)
    }

    /// A row is a head if its labels have no values to their right.
    fn end_row(&mut self) {
        let labels = self
            .row
            .iter()
            .filter(|(_, class)| matches!(class, Class::Label(_)))
            .count();
        let beside = |pair: &[(usize, Class)]| match pair {
            [(one, Class::Label(_)), (two, class)] if one + 1 == *two => Some(*class),
            _ => None,
        };
        let mut pairs = self.row.windows(2).filter_map(beside);
        let is_head = labels > 0
            && (pairs.clone().any(|class| matches!(class, Class::Label(_)))
                || pairs.all(|class| class == Class::Plain));
        if is_head {
            self.columns.clear();
            for &(column, class) in &self.row {
                if let Class::Label(rule) = class {
                    if self.columns.len() <= column {
                        self.columns.resize(column + 1, None);
                    }
                    if let Some(slot) = self.columns.get_mut(column) {
                        *slot = Some(rule);
                    }
                }
            }
        }
        self.row.clear();
    }

    /// Writes a number, which stays one.
    fn number(&mut self, rule: Option<Rule>, tally: &mut Tally, out: &mut Vec<u8>) {
        let text = self.unit.text().trim().to_owned();
        let other = rule.is_some_and(Rule::is_other);
        let kind = rule.and_then(|rule| number_kind(rule, &text)).or_else(|| {
            let column = self.row.last().map_or(0, |(at, _)| at + 1);
            let head = self.columns.get(column).copied().flatten();
            let hides = other || head.is_some_and(Rule::is_other);
            scaled_kind(text.as_bytes())
                .filter(|kind| !(hides && matches!(kind, Kind::Mobile | Kind::BankCard)))
        });
        let Some(kind) = kind else {
            self.pass(out);
            return;
        };
        let action = self.setting.rules.action(self.setting.level, kind);
        tally.found.add(kind);
        if action == Action::Pass {
            self.pass(out);
            return;
        }
        tally.masked.add(kind);
        let chars: Vec<char> = text.chars().collect();
        let put = match (action, text.parse::<u32>()) {
            (Action::Round { .. }, _) if text.contains('.') => {
                write(&chars, mask::apply(action, &chars))
            }
            (Action::Band, Ok(age)) => (age / 10 * 10).to_string(),
            _ => "0".to_owned(),
        };
        let length = self.unit.text().len();
        let span = crate::spans::Span {
            from: 0,
            to: length,
            put,
        };
        self.unit.write(&[span], out);
    }
}

/// The kind of a number in a cell. Dates are days since 1900.
fn number_kind(rule: Rule, text: &str) -> Option<Kind> {
    let days = text
        .parse::<f64>()
        .is_ok_and(|days| (1.0..90_000.0).contains(&days));
    if rule.kind == Kind::BirthDate && days {
        return Some(Kind::BirthDate);
    }
    shape::kind(rule, text)
}

/// The column that a reference such as `AB12` begins with, from zero.
fn column(reference: &[u8]) -> Option<usize> {
    let letters = reference
        .iter()
        .take(3)
        .take_while(|byte| byte.is_ascii_alphabetic());
    let number = letters.fold(0_usize, |sum, letter| {
        sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    number.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_from_their_letters() {
        for (reference, expected) in [
            ("A1", Some(0)),
            ("Z9", Some(25)),
            ("AA1", Some(26)),
            ("XFD1", Some(16_383)),
            ("1", None),
        ] {
            assert_eq!(column(reference.as_bytes()), expected, "{reference}");
        }
    }
}
