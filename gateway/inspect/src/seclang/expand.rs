//! Texts with variables in them: `%{tx.critical_anomaly_score}`.

use super::names::Names;
use super::source::{LoadError, Word};
use super::target::{self, Selector, Target};

/// A text, ready to be filled in.
#[derive(Debug, Clone)]
pub(super) struct Text(pub(super) Vec<Piece>);

/// A part of a text.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Fixed(Box<[u8]>),
    /// A variable of the transaction, by its slot.
    Slot(usize),
    /// The first value of anything else.
    Value(Box<Target>),
    /// Something about the rule that asks: `%{rule.id}`.
    Rule(RuleField),
}

/// What a rule may say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RuleField {
    Id,
    Message,
    Severity,
}

impl Text {
    /// Reads a text that stands at `at` in a word.
    ///
    /// # Errors
    /// Variables that are not supported.
    pub(super) fn parse(
        word: &Word,
        at: usize,
        text: &str,
        names: &mut Names,
    ) -> Result<Self, LoadError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("%{") {
            let offset = at + text.len() - rest.len() + start;
            let (before, tail) = rest.split_at(start);
            let inner = tail.get(2..).unwrap_or_default();
            let Some((name, after)) = inner.split_once('}') else {
                return Err(word.refuse(offset, "`%{` is never closed; write `%{tx.name}`"));
            };
            if !before.is_empty() {
                pieces.push(Piece::Fixed(before.as_bytes().into()));
            }
            pieces.push(variable(word, offset, name, names)?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Fixed(rest.as_bytes().into()));
        }
        Ok(Self(pieces))
    }

    /// Returns the text if nothing in it has to be filled in.
    pub(super) fn fixed(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [] => Some(b""),
            [Piece::Fixed(text)] => Some(text),
            _ => None,
        }
    }
}

fn variable(word: &Word, at: usize, name: &str, names: &mut Names) -> Result<Piece, LoadError> {
    // Names are cut at a dot here and at a colon in lists.
    let item = match name.split_once(['.', ':']) {
        Some((collection, key)) if collection.eq_ignore_ascii_case("rule") => {
            return Ok(Piece::Rule(match key.to_ascii_lowercase().as_str() {
                "id" => RuleField::Id,
                "msg" => RuleField::Message,
                "severity" => RuleField::Severity,
                _ => {
                    return Err(word.refuse(
                        at,
                        format!("`%{{{name}}}` is not supported; write `%{{rule.id}}`"),
                    ));
                }
            }));
        }
        Some((collection, key)) => format!("{collection}:{key}"),
        None => name.to_owned(),
    };
    let (target, _) = target::parse(word, at, &item, names)?;
    Ok(match (target.collection, &target.selector) {
        (target::Collection::Tx, Selector::Slot(slot)) => Piece::Slot(*slot),
        _ => Piece::Value(Box::new(target)),
    })
}
