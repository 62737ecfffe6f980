//! Queries and statements: where they end, and whether they could be prose.

use super::grammar::{Operand, REACH, Reader, What};
use super::lexer::Kind;
use super::words::Word;

impl Reader<'_> {
    /// Reads `union [all] select …`: where it ends, and whether the list could not be prose.
    pub(super) fn union(&self, i: usize) -> Option<(usize, bool)> {
        let mut j = i + 1;
        while j < i + 12
            && matches!(
                self.kind(j),
                Some(Kind::Word(Word::Quantity) | Kind::Open | Kind::Comment | Kind::Other)
            )
        {
            j += 1;
        }
        match self.kind(j) {
            Some(Kind::Word(Word::Select)) => {
                if self.is_end(j + 1)
                    || matches!(self.kind(j + 1), Some(Kind::Comment)) && !self.has_more(j + 1)
                {
                    return Some((j, j > i + 1));
                }
                Some(self.select(j).unwrap_or((j, false)))
            }
            Some(Kind::Word(Word::Values)) if self.kind(j + 1) == Some(Kind::Open) => {
                Some((j + 1, true))
            }
            _ => None,
        }
    }

    /// Reads `select …`: where it ends, and whether it could not be prose.
    pub(super) fn select(&self, i: usize) -> Option<(usize, bool)> {
        let mut j = self.comments(i + 1);
        while matches!(self.kind(j), Some(Kind::Word(Word::Quantity)))
            || self.word(j) == b"top" && matches!(self.kind(j + 1), Some(Kind::Number))
        {
            j = self.comments(j + if self.word(j) == b"top" { 2 } else { 1 });
        }
        let star = self.word(j) == b"*";
        let first = if star {
            Operand {
                what: What::Constant,
                last: j,
            }
        } else {
            self.operand(j)?
        };
        let next = self.comments(first.last + 1);
        // Columns and tables with names in other scripts are a sentence about a form, not a query.
        if !star && !self.word(j).is_ascii() {
            return None;
        }
        let telling = star || first.is_call() || first.is_query() || first.is_literal();
        let followed = matches!(
            self.kind(next),
            None | Some(
                Kind::Close
                    | Kind::Text
                    | Kind::Comma
                    | Kind::Comment
                    | Kind::Semicolon
                    | Kind::Bars
                    | Kind::Compare
                    | Kind::Word(
                        Word::From
                            | Word::Where
                            | Word::Union
                            | Word::Into
                            | Word::As
                            | Word::Limit
                            | Word::Logic
                            | Word::Sort
                            | Word::Name
                            | Word::Thing
                            | Word::Function
                    )
            )
        );
        if telling && followed {
            // `select 2 items` is prose; `select 2` and `select 2,3` are not.
            let prose =
                first.is_number() && matches!(self.kind(next), Some(Kind::Word(Word::Name)));
            return Some((first.last, !prose));
        }
        if self.kind(next) == Some(Kind::Comma) {
            // Names in a list are an enumeration until `from` and a name close it.
            return self.has_from(next).then_some((next, true));
        }
        let from = matches!(self.kind(next), Some(Kind::Word(Word::From)));
        if !from {
            return None;
        }
        let table = next + 1;
        let after = self.kind(table + 1);
        let named = matches!(
            self.kind(table),
            Some(Kind::Word(Word::Name | Word::Schema | Word::Thing))
        ) && self.word(table).is_ascii();
        let strong = named
            && (matches!(
                after,
                Some(
                    Kind::Comment
                        | Kind::Close
                        | Kind::Semicolon
                        | Kind::Word(Word::Where | Word::Union | Word::Sort | Word::Limit)
                )
            ) || matches!(self.kind(table), Some(Kind::Word(Word::Schema)))
                || self.word(table).contains(&b'_'))
            || self.kind(table) == Some(Kind::Open);
        Some((table, strong))
    }

    /// Says whether `from` and a table follow within reach of a select.
    pub(super) fn has_from(&self, i: usize) -> bool {
        (i..i + REACH).any(|j| {
            self.kind(j) == Some(Kind::Word(Word::From))
                && matches!(
                    self.kind(self.comments(j + 1)),
                    Some(Kind::Word(Word::Name | Word::Schema | Word::Thing) | Kind::Open)
                )
        })
    }

    /// Reads the beginning of a statement that stands alone: the last token that shows it.
    pub(super) fn statement(&self, i: usize) -> Option<usize> {
        let i = self.comments(i);
        let next = self.comments(i + 1);
        let kind = self.kind(next);
        let name = |j: usize| {
            matches!(
                self.kind(j),
                Some(Kind::Word(Word::Name | Word::Schema | Word::Thing))
            )
        };
        match self.kind(i) {
            Some(Kind::Word(Word::Select)) => {
                let (end, strong) = self.select(i)?;
                let whole = self.has_from(i)
                    || i > 0
                    || matches!(self.kind(next), Some(Kind::Variable))
                    || self.operand(next).is_some_and(|o| o.is_call());
                (strong && whole).then_some(end)
            }
            Some(Kind::Word(Word::Procedure | Word::Set)) => {
                (kind == Some(Kind::Variable)).then_some(next)
            }
            Some(Kind::Word(Word::Statement)) => {
                let second = self.word(next);
                let shown = match self.word(i) {
                    b"insert" | b"replace" | b"merge" => {
                        second == b"into"
                            && name(next + 1)
                            && (self.kind(next + 2) == Some(Kind::Open)
                                || matches!(
                                    self.kind(next + 2),
                                    Some(Kind::Word(Word::Values | Word::Select | Word::Set))
                                ))
                    }
                    b"update" => {
                        name(next)
                            && self.kind(next + 1) == Some(Kind::Word(Word::Set))
                            && self.kind(next + 3) == Some(Kind::Compare)
                    }
                    b"delete" => {
                        second == b"from"
                            && name(next + 1)
                            && (self.kind(next + 2) == Some(Kind::Word(Word::Where))
                                || i > 0
                                    && matches!(
                                        self.kind(next + 2),
                                        None | Some(Kind::Comment | Kind::Semicolon)
                                    ))
                    }
                    b"drop" | b"create" | b"alter" | b"truncate" => {
                        matches!(kind, Some(Kind::Word(Word::Thing | Word::Procedure)))
                            && (name(next + 1) || matches!(self.word(next + 1), b"if"))
                            && (i > 0
                                || matches!(
                                    self.kind(next + 2),
                                    None | Some(Kind::Comment | Kind::Semicolon | Kind::Open)
                                ) && self.word(next + 1).contains(&b'_')
                                || matches!(
                                    self.kind(next + 2),
                                    Some(Kind::Comment | Kind::Semicolon | Kind::Open)
                                ))
                    }
                    b"exec" | b"execute" => {
                        matches!(kind, Some(Kind::Variable | Kind::Text | Kind::OpenText))
                            || matches!(kind, Some(Kind::Word(Word::Danger)))
                            || second.starts_with(b"xp_")
                            || second.starts_with(b"sp_")
                            || second.contains(&b'.')
                            || kind == Some(Kind::Open)
                                && matches!(
                                    self.kind(next + 1),
                                    Some(Kind::Variable | Kind::Text | Kind::OpenText)
                                )
                    }
                    b"declare" => {
                        kind == Some(Kind::Variable) || i > 0 && name(next) && name(next + 1)
                    }
                    b"shutdown" => {
                        i > 0
                            && (self.is_end(next)
                                || matches!(kind, Some(Kind::Comment | Kind::Semicolon))
                                || second == b"with")
                    }
                    b"waitfor" => matches!(second, b"delay" | b"time"),
                    b"call" | b"do" => {
                        self.kind(next + 1) == Some(Kind::Open)
                            && matches!(
                                kind,
                                Some(Kind::Word(
                                    Word::Danger | Word::Function | Word::Schema | Word::Name
                                ))
                            )
                            && self.end(next) == self.from(next + 1)
                    }
                    b"begin" => {
                        i > 0
                            && (matches!(kind, Some(Kind::Word(Word::Schema | Word::Danger)))
                                || second.contains(&b'.')
                                || second == b"declare")
                    }
                    b"if" | b"while" => {
                        kind == Some(Kind::Open)
                            && self
                                .operand(next)
                                .is_some_and(|o| o.is_literal() || o.is_query() || o.is_call())
                            && self
                                .operand(next)
                                .is_some_and(|o| self.comparison(o.last + 1).is_some())
                    }
                    b"grant" | b"revoke" => {
                        second == b"all" && matches!(self.word(next + 1), b"on" | b"privileges")
                    }
                    b"handler" => name(next) && self.word(next + 1) == b"open",
                    b"load" => {
                        matches!(second, b"data" | b"xml")
                            && matches!(self.word(next + 1), b"infile" | b"local")
                    }
                    b"copy" => {
                        name(next)
                            && matches!(self.word(next + 1), b"from" | b"to")
                            && matches!(
                                self.kind(next + 2),
                                Some(Kind::Text | Kind::OpenText | Kind::Word(_))
                            )
                            && i > 0
                    }
                    b"attach" => {
                        second == b"database"
                            && matches!(self.kind(next + 1), Some(Kind::Text | Kind::OpenText))
                    }
                    b"backup" | b"restore" => second == b"database" && i > 0,
                    b"rename" => second == b"table" && i > 0,
                    b"use" => i > 0 && matches!(second, b"master" | b"mysql" | b"msdb"),
                    b"kill" | b"dbcc" | b"reconfigure" => false,
                    _ => false,
                };
                let last = if self.is_end(next) {
                    self.len().saturating_sub(1)
                } else {
                    next
                };
                shown.then_some(last)
            }
            _ => None,
        }
    }
}
