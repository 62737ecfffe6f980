//! Every row as meant: checked against the model. Copies share what they have in common.

use std::sync::Arc;

use super::costs::Costs;
use super::ledger::Ledger;
use super::roles::{Graph, RoleRow};
use super::sheet::{Sheet, Slot};
use super::view::{RoleView, RuleId, RuleView};
use crate::decision::Effect;
use crate::language::expression::Conjunct;
use crate::language::model::Model;
use crate::language::pattern::Mention;
use crate::obligation::Obligations;
use crate::revision::Fingerprint;
use crate::source::{Mistake, size};
use crate::spread::Spread;
use crate::symbol::Symbol;

/// The rows of a policy. A row is named by its position over all files.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(super) files: Arc<Vec<Box<str>>>,
    pub(super) arity: usize,
    /// Fields of a row of each role section.
    pub(super) widths: Vec<usize>,
    /// Whether first match goes by a column and not by the order of rows.
    pub(super) by_priority: bool,
    pub(super) rows: Sheet<Note>,
    /// Member, role and domain; the last is empty in sections without domains.
    pub(super) roles: Sheet<u32>,
    pub(super) graphs: Vec<Graph>,
    pub(super) costs: Costs,
    pub(super) conditions: Spread<Box<str>, Condition>,
    /// Which role section uses a name, where there are several.
    pub(super) owners: Spread<Symbol, Owner>,
    /// Rows that deny.
    pub(super) denying: usize,
    /// Digests of `rows` and `roles`.
    pub(super) ledgers: [Ledger; 2],
}

/// What is kept of a row beside its texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note {
    pub(super) effect: Effect,
    pub(super) cost: u32,
    /// 0 where the model has no such column.
    pub(super) priority: i32,
}

/// The conditions of rows by their text.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) conjuncts: Arc<[Conjunct]>,
    /// The patterns that it names.
    pub(super) patterns: Arc<[Mention]>,
    pub(super) mentions: u32,
}

/// A role section that uses a name, and how often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) section: u32,
    pub(super) mentions: u32,
}

/// What is known about a row beside its texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) effect: Effect,
    /// Number of its obligations.
    pub(crate) cost: u32,
    /// Place in the order of first match; the lowest decides.
    pub(crate) rank: u64,
}

impl Rules {
    /// No rows as yet.
    pub(super) fn new(model: &Model) -> Self {
        Self {
            files: Arc::default(),
            arity: model.policy.len(),
            widths: model
                .sections
                .iter()
                .map(|section| 2 + usize::from(section.domains))
                .collect(),
            by_priority: model.priority_field.is_some(),
            rows: Sheet::new(model.policy.len()),
            roles: Sheet::new(3),
            graphs: Vec::new(),
            costs: Costs::default(),
            conditions: Spread::default(),
            owners: Spread::default(),
            denying: 0,
            ledgers: [Ledger::default(), Ledger::default()],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn head(&self, row: usize) -> Option<Head> {
        let note = self.rows.head(row)?;
        // Lowest priority first, deny before allow, then as written.
        let behind = if self.by_priority {
            let priority = u64::from(note.priority.cast_unsigned() ^ (1 << 31));
            priority << 1 | u64::from(note.effect == Effect::Allow)
        } else {
            0
        };
        Some(Head {
            effect: note.effect,
            cost: note.cost,
            rank: behind << 24 | row as u64,
        })
    }

    /// A field of a row; empty if there is none.
    pub(crate) fn field(&self, row: usize, field: usize) -> &str {
        self.rows.field(row, field)
    }

    /// The position of a row that stands.
    pub(crate) fn position(&self, slot: Slot) -> u32 {
        self.rows.position(slot)
    }

    pub(crate) fn slot(&self, row: usize) -> Option<Slot> {
        self.rows.slot(row)
    }

    /// The rows of role sections, in the order of the files.
    pub(crate) fn role_rows(&self) -> Vec<RoleRow<'_>> {
        let rows = 0..self.roles.len();
        rows.filter_map(|row| self.role_row(row)).collect()
    }

    pub(super) fn role_row(&self, row: usize) -> Option<RoleRow<'_>> {
        let section = *self.roles.head(row)? as usize;
        let (file, line) = self.roles.place(row)?;
        Some(RoleRow {
            section,
            fields: (0..self.widths.get(section).copied().unwrap_or(0))
                .map(|field| self.roles.field(row, field))
                .collect(),
            file,
            line,
        })
    }

    pub(crate) fn cost(&self, cost: u32) -> Option<&Obligations> {
        self.costs.get(cost)
    }

    pub(crate) fn graph(&self, section: usize) -> Option<&Graph> {
        self.graphs.get(section)
    }

    pub(crate) fn condition(&self, text: &str) -> Option<&[Conjunct]> {
        self.conditions
            .get(text)
            .map(|condition| &*condition.conjuncts)
    }

    /// The parts of every condition that some row has.
    pub(crate) fn all_conditions(&self) -> impl Iterator<Item = &Conjunct> {
        self.conditions
            .iter()
            .flat_map(|(_, condition)| condition.conjuncts.iter())
    }

    pub(crate) fn view(&self, row: usize) -> Option<RuleView<'_>> {
        let note = self.rows.head(row)?;
        let (file, line) = self.rows.place(row)?;
        Some(RuleView {
            ordinal: RuleId(size(row)),
            file: self.file(file),
            line,
            effect: note.effect,
            fields: (0..self.arity)
                .map(|field| self.field(row, field))
                .collect(),
        })
    }

    pub(crate) fn role_views<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = RoleView<'a>> {
        let rows = 0..self.roles.len();
        let rows = rows.filter_map(|row| self.role_row(row));
        rows.map(|row| RoleView {
            section: model
                .sections
                .get(row.section)
                .map_or("", |section| &*section.name),
            file: self.file(row.file),
            line: row.line,
            fields: row.fields,
        })
    }

    /// The file of a row of a role section.
    pub(crate) fn file_of(&self, row: &RoleRow<'_>) -> &str {
        self.file(row.file)
    }

    pub(super) fn file(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |name| &**name)
    }

    /// The number of a file that has or had rows.
    pub(crate) fn file_named(&self, name: &str) -> Option<usize> {
        self.files.iter().position(|known| **known == *name)
    }

    /// What the loader let pass row by row, in the order of the files.
    pub(super) fn row_warnings(&self) -> Vec<Mistake> {
        let mut found: Vec<(usize, &Mistake)> =
            self.rows.warnings().chain(self.roles.warnings()).collect();
        found.sort_by_key(|(file, warning)| (*file, warning.line));
        found
            .into_iter()
            .map(|(_, warning)| warning.clone())
            .collect()
    }

    /// Counts anew after rows came or went.
    pub(crate) fn settle(&mut self) {
        let Self {
            rows,
            roles,
            ledgers: [rows_ledger, roles_ledger],
            ..
        } = self;
        rows.settle();
        roles.settle();
        rows_ledger.settle(|row| (0, rows.text(row)));
        roles_ledger.settle(|row| (roles.head(row).copied().unwrap_or(0), roles.text(row)));
    }

    /// Feeds the rows in order.
    pub(crate) fn fingerprint(&self, into: &mut Fingerprint) {
        for ledger in &self.ledgers {
            ledger.feed(into);
        }
    }
}
