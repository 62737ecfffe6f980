//! Rows as the console shows them.

use serde::Serialize;

use crate::decision::Effect;

/// A rule of a snapshot: its position over all rule files, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RuleId(pub u32);

/// A row that allows or denies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView<'a> {
    /// Position over all rule files.
    pub ordinal: RuleId,
    /// File where it stands.
    pub file: &'a str,
    /// Line, counted from 1.
    pub line: u32,
    /// What it says if it applies.
    pub effect: Effect,
    /// Its fields in the order of `[policy_definition]`.
    pub fields: Vec<&'a str>,
}

/// A row that gives a role or joins a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleView<'a> {
    /// The role section: `g`, `g2`.
    pub section: &'a str,
    /// File where it stands.
    pub file: &'a str,
    /// Line, counted from 1.
    pub line: u32,
    /// Member, role and, where the section has domains, the domain.
    pub fields: Vec<&'a str>,
}
