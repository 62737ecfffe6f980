//! Every row as meant: checked against the model, its texts in one arena.

use std::collections::HashMap;

use super::roles::{Graph, RoleRow};
use super::view::{RoleView, RuleId, RuleView};
use crate::decision::Effect;
use crate::language::expression::Conjunct;
use crate::language::model::Model;
use crate::obligation::Obligations;
use crate::revision::Fingerprint;
use crate::source::size;

/// The rows of a policy.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(super) files: Vec<Box<str>>,
    pub(super) arity: usize,
    /// The fields of all rows, each ended by a line feed, which no field holds.
    pub(super) text: String,
    /// Where each field begins, and the end.
    pub(super) starts: Vec<u32>,
    pub(super) heads: Vec<Head>,
    pub(super) costs: Vec<Obligations>,
    pub(super) roles: Vec<RoleRow>,
    pub(super) graphs: Vec<Graph>,
    pub(super) conditions: HashMap<Box<str>, Vec<Conjunct>, foldhash::fast::RandomState>,
}

/// What is known about a row beside its texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(super) file: u32,
    pub(super) line: u32,
    pub(crate) effect: Effect,
    /// Index of its obligations.
    pub(crate) cost: u32,
    /// Place in the order of first match; the lowest decides.
    pub(crate) rank: u32,
}

impl Rules {
    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    pub(crate) fn head(&self, row: usize) -> Option<&Head> {
        self.heads.get(row)
    }

    /// A field of a row; empty if there is none.
    pub(crate) fn field(&self, row: usize, field: usize) -> &str {
        let at = row * self.arity + field;
        let (Some(start), Some(next)) = (self.starts.get(at), self.starts.get(at + 1)) else {
            return "";
        };
        self.text
            .get(*start as usize..(*next as usize).saturating_sub(1))
            .unwrap_or_default()
    }

    /// The rows of role sections, in the order of the files.
    pub(crate) fn role_rows(&self) -> &[RoleRow] {
        &self.roles
    }

    pub(crate) fn cost(&self, cost: u32) -> Option<&Obligations> {
        self.costs.get(cost as usize)
    }

    pub(crate) fn graph(&self, section: usize) -> Option<&Graph> {
        self.graphs.get(section)
    }

    pub(crate) fn condition(&self, text: &str) -> Option<&[Conjunct]> {
        self.conditions.get(text).map(Vec::as_slice)
    }

    /// The parts of every condition that some row has.
    pub(crate) fn all_conditions(&self) -> impl Iterator<Item = &Conjunct> {
        self.conditions.values().flatten()
    }

    pub(crate) fn view(&self, row: usize) -> Option<RuleView<'_>> {
        let head = self.heads.get(row)?;
        Some(RuleView {
            ordinal: RuleId(size(row)),
            file: self.file(head.file as usize),
            line: head.line,
            effect: head.effect,
            fields: (0..self.arity)
                .map(|field| self.field(row, field))
                .collect(),
        })
    }

    pub(crate) fn role_views<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = RoleView<'a>> {
        self.roles.iter().map(|row| RoleView {
            section: model
                .sections
                .get(row.section)
                .map_or("", |section| &*section.name),
            file: self.file(row.file),
            line: row.line,
            fields: row.fields.iter().map(|field| &**field).collect(),
        })
    }

    /// The file of a row of a role section.
    pub(crate) fn file_of(&self, row: &RoleRow) -> &str {
        self.file(row.file)
    }

    pub(super) fn file(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |name| &**name)
    }

    /// Feeds the rows in order.
    pub(crate) fn fingerprint(&self, into: &mut Fingerprint) {
        into.count(self.heads.len());
        into.text(&self.text);
        into.count(self.roles.len());
        for row in &self.roles {
            into.count(row.section);
            row.fields.iter().for_each(|field| into.text(field));
        }
    }
}
