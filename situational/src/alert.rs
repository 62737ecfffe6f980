//! An alert: what was detected about whom, and what people and the gateway did about it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::entity::Entity;
use crate::rule::{Rule, Severity, Words};

/// The number of an alert.
pub type AlertId = u64;

/// A rule met by one entity, once or several times in a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number.
    pub id: AlertId,
    /// When it was raised, in Unix milliseconds.
    pub time_ms: u64,
    /// When the rule was last met.
    pub last_ms: u64,
    /// The rule.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// Its heading.
    pub title: Words,
    /// What happened last, in a sentence.
    pub description: Words,
    /// About whom.
    pub entity: Entity,
    /// How often the rule was met.
    pub count: u64,
    /// The technique of ATT&CK.
    pub technique: Option<Cow<'static, str>>,
    /// Events that show it, oldest first: the first ones and the latest.
    pub events: Vec<u64>,
    /// Where people stand with it.
    pub status: AlertStatus,
    /// What people found, once it is closed.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// What the gateway did about it last; none if that was undone, or the alert was false.
    pub response: Option<Taken>,
    /// Who did what with it, and why.
    pub notes: Vec<Note>,
}

/// Where people stand with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertStatus {
    /// Nobody has looked.
    Open,
    /// Somebody works on it.
    Acknowledged,
    /// Done.
    Closed,
}

/// What people found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was what it looked like.
    TruePositive,
    /// It was something else; the same one is left alone for a while.
    FalsePositive,
}

/// A response that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// `ban`, `throttle` or `end-session`.
    pub kind: Cow<'static, str>,
    /// When it ends; `None` for what is over at once.
    pub until_ms: Option<u64>,
    /// What undoes it: the number of the ban, or of the order.
    pub id: u64,
}

/// A remark on an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub time_ms: u64,
    /// Who.
    pub by: String,
    /// What, and why.
    pub text: String,
}
