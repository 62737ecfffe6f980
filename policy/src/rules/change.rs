//! Changes of single rows.

use std::sync::Arc;

use super::csv::{self, Blanks};
use super::load::{Loader, Placed};
use super::roles::{Edge, Graph, Unclosed};
use super::sheet::Slot;
use super::table::Rules;
use crate::decision::Effect;
use crate::said;
use crate::source::{Mistake, Passage, size};
use crate::symbol::Symbols;

/// A row that comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowChange<'a> {
    /// A row is written on a line that has none.
    Add(Line<'a>),
    /// The row on this line goes, if it still says this; the line stays, empty.
    Remove(Line<'a>),
}

/// A row as text, `p, …` or `g, …`, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// File name, as in the sources that were loaded. A new name is a new file behind all others.
    pub file: &'a str,
    /// Line, counted from 1.
    pub number: u32,
    /// The whole line.
    pub text: &'a str,
}

impl<'a> RowChange<'a> {
    /// The line that is changed.
    pub fn line(&self) -> &Line<'a> {
        match self {
            Self::Add(line) | Self::Remove(line) => line,
        }
    }
}

impl Loader<'_> {
    /// Finds the row that a change takes away.
    pub(crate) fn find(&mut self, line: &Line<'_>) -> Option<Placed> {
        let row = match csv::row(line.text, line.number, Blanks::Refuse) {
            Ok(row) => row,
            Err(fault) => {
                let mistake = fault.mistake(line.file, line.text, line.number);
                self.mistakes.push(mistake);
                return None;
            }
        };
        let rules = &self.rules;
        let file = rules.file_named(line.file);
        let sections = &self.model.sections;
        let placed = row.as_ref().zip(file).and_then(|(row, file)| {
            let (kind, cells) = row.cells.split_first()?;
            let says = |fields: Vec<&str>| {
                let texts = cells.iter().map(|cell| &*cell.text);
                fields.into_iter().eq(texts)
            };
            if let Some(slot) = rules.rows.at(file, line.number) {
                let row = rules.rows.position(slot) as usize;
                let fields = 0..rules.arity;
                let same = says(fields.map(|field| rules.rows.field(row, field)).collect());
                return (same && kind.text == "p").then_some(Placed::Rule(slot));
            }
            let slot = rules.roles.at(file, line.number)?;
            let row = rules.roles.position(slot) as usize;
            let row = rules.role_row(row)?;
            let name = sections.get(row.section).map(|section| &*section.name);
            let same = says(row.fields);
            (same && name == Some(&*kind.text)).then_some(Placed::Role(slot))
        });
        if placed.is_none() {
            let passage = Passage::new(line.file, line.text, line.number, 1);
            self.mistakes.push(passage.mistake(
                0,
                said!(
                    "this row does not stand here, so it cannot be removed",
                    "这一行没有这条规则，无法删除"
                ),
                said!(
                    "read the rules again; somebody else may have changed them",
                    "请重新读取规则，可能已被他人修改"
                ),
            ));
        }
        placed
    }

    /// The number of the file of a line, new names coming last.
    pub(crate) fn file(&mut self, name: &str) -> usize {
        self.rules.file_named(name).unwrap_or_else(|| {
            let files = Arc::make_mut(&mut self.rules.files);
            files.push(name.into());
            files.len() - 1
        })
    }

    /// Notes a rule that was let in, and gives its position.
    pub(crate) fn joined_rule(&mut self, slot: Slot) -> usize {
        self.rules.rows.settle();
        let row = self.rules.rows.position(slot);
        let [ledger, _] = &mut self.rules.ledgers;
        ledger.inserted(row);
        row as usize
    }

    /// Takes a rule away that stands nowhere else any more.
    pub(crate) fn drop_rule(&mut self, slot: Slot) {
        let row = self.rules.rows.position(slot) as usize;
        let rules = &mut self.rules;
        for (field, way) in &self.model.pattern_fields {
            let text = rules.rows.field(row, *field);
            if !self.model.is_wildcard(*field, text) {
                self.patterns.release(*way, text);
            }
        }
        for field in &self.model.condition_fields {
            let text = rules.rows.field(row, *field);
            if self.model.is_wildcard(*field, text) {
                continue;
            }
            let Some(condition) = rules.conditions.get_mut(text) else {
                continue;
            };
            condition.mentions = condition.mentions.saturating_sub(1);
            if condition.mentions > 0 {
                continue;
            }
            if let Some(condition) = rules.conditions.remove(text) {
                for (way, pattern) in &*condition.patterns {
                    self.patterns.release(*way, pattern);
                }
            }
        }
        if let Some(field) = self.model.obligation_field {
            rules.costs.release(rules.rows.field(row, field));
        }
        let effect = rules.rows.head(row).map(|note| note.effect);
        rules.denying -= usize::from(effect == Some(Effect::Deny));
        let [ledger, _] = &mut rules.ledgers;
        ledger.removed(size(row));
        rules.rows.remove(slot);
        rules.rows.settle();
    }

    /// Joins the edge of a role row that was let in.
    pub(crate) fn join_role(&mut self, slot: Slot, symbols: &mut Symbols) {
        self.rules.roles.settle();
        let row = self.rules.roles.position(slot) as usize;
        let Some(section) = self.rules.roles.head(row).copied() else {
            return;
        };
        let [_, ledger] = &mut self.rules.ledgers;
        ledger.inserted(size(row));
        let edge = self.rules.edge(row, symbols);
        for shared in self.rules.own(row, section, edge) {
            let name = self.rules.roles.field(shared.row, shared.field);
            let first = (0..self.rules.roles.len()).find(|other| {
                self.rules.roles.head(*other) != Some(&section)
                    && (0..2).any(|field| self.rules.roles.field(*other, field) == name)
            });
            self.mistakes
                .push(self.rules.shared(self.model, &shared, first));
        }
        let pairs: usize = self.rules.graphs.iter().map(Graph::pairs).sum();
        let Some(graph) = self.rules.graphs.get_mut(section as usize) else {
            return;
        };
        let before = pairs - graph.pairs();
        match graph.add(edge, before) {
            Ok(()) => {}
            Err(Unclosed::Twice) => {
                let first = (0..self.rules.roles.len()).find(|other| {
                    *other != row
                        && self.rules.roles.head(*other) == Some(&section)
                        && self.rules.roles.text(*other) == self.rules.roles.text(row)
                });
                let places = self
                    .rules
                    .roles
                    .place(row)
                    .zip(first.and_then(|first| self.rules.roles.place(first)));
                if let Some((place, first)) = places {
                    self.mistakes.push(self.rules.twice(place, first));
                }
            }
            Err(fault) => {
                let mistake = self.rules.unclosed(row, &fault);
                self.mistakes.push(mistake);
            }
        }
    }

    /// Takes a role row away.
    pub(crate) fn drop_role(&mut self, slot: Slot, symbols: &mut Symbols) {
        let rules = &mut self.rules;
        let row = rules.roles.position(slot) as usize;
        let Some(section) = rules.roles.head(row).copied() else {
            return;
        };
        let name = |field| symbols.find(rules.roles.field(row, field));
        let edge = Edge {
            member: name(0),
            role: name(1),
            domain: name(2),
        };
        if let Some(graph) = rules.graphs.get_mut(section as usize) {
            graph.remove(edge);
        }
        if rules.widths.len() > 1 {
            rules.disown(edge);
        }
        for field in 0..3 {
            symbols.release(rules.roles.field(row, field));
        }
        let [_, ledger] = &mut rules.ledgers;
        ledger.removed(size(row));
        rules.roles.remove(slot);
        rules.roles.settle();
    }
}

impl Rules {
    /// Whether a row of any kind stands on a line.
    pub(crate) fn is_taken(&self, file: usize, line: u32) -> bool {
        self.rows.at(file, line).is_some() || self.roles.at(file, line).is_some()
    }

    /// Whether two rules have the same fields.
    pub(crate) fn says_the_same(&self, one: Slot, other: Slot) -> bool {
        let text = |slot| self.rows.text(self.rows.position(slot) as usize);
        text(one) == text(other)
    }

    /// What is wrong with a rule that stands at another place already.
    pub(crate) fn twice_at(&self, slot: Slot, first: Slot) -> Option<Mistake> {
        let place = |slot| self.rows.place(self.rows.position(slot) as usize);
        Some(self.twice(place(slot)?, place(first)?))
    }
}
