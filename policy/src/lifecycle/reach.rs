//! How far a change reaches, and whose approval that takes.

mod between;
mod differing;
mod overlap;

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// How many callers something concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// At most so many that the policies name.
    Callers(u64),
    /// Everybody, or more than can be told.
    Everybody,
}

impl Audience {
    /// Both together, at most.
    fn and(self, other: Option<usize>) -> Self {
        match (self, other) {
            (Self::Callers(one), Some(other)) => Self::Callers(one.saturating_add(other as u64)),
            (Self::Callers(_), None) | (Self::Everybody, _) => Self::Everybody,
        }
    }
}

/// Why a change reaches far, however few callers it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Widened {
    /// A row that denies goes away and no new one stands for it.
    DenyRemoved,
    /// Something that is allowed may come to cost less: less redaction, no full log, no watermark.
    ObligationsWeakened,
    /// Statements that must hold differ.
    StatementsChanged,
    /// The model differs.
    ModelChanged,
}

/// What a change does, as far as can be told without running it; in doubt it says more, never less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// Who may gain something.
    pub gaining: Audience,
    /// Who may lose something.
    pub losing: Audience,
    /// What else makes it reach far.
    pub widened: BTreeSet<Widened>,
    /// Protected departments and portals, by name, in which something new may be allowed.
    pub protected: Vec<String>,
}

impl Reach {
    /// A change that changes nothing.
    pub(super) fn none() -> Self {
        Self {
            gaining: Audience::Callers(0),
            losing: Audience::Callers(0),
            widened: BTreeSet::new(),
            protected: Vec::new(),
        }
    }
}

/// A department or portal whose access is guarded more closely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protected {
    /// Field of the request that tells it: `dom` for a department, `host` for a portal.
    pub field: String,
    /// Its value there.
    pub value: String,
    /// The person who must agree, if there is one.
    #[serde(default)]
    pub owner: Option<String>,
}

impl Protected {
    /// Name in reaches: `dom=staff`.
    pub fn name(&self) -> String {
        format!("{}={}", self.field, self.value)
    }
}

/// Whose approval a change needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needed {
    /// How many persons besides the author.
    pub approvals: u32,
    /// Persons who must be among them, or be the author.
    pub owners: Vec<String>,
}

/// What the life cycle asks for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Approvals that every change needs. Defaults to 1.
    pub base: NonZeroU32,
    /// Approvals of a change that reaches far. Defaults to 2.
    pub wide: NonZeroU32,
    /// Callers gaining above which a change reaches far. Defaults to 20, chosen.
    pub wide_above: u64,
    /// Approvals of a change that allows something in a protected place. Defaults to 2.
    pub guarded: NonZeroU32,
    /// Protected departments and portals. Defaults to none.
    pub protected: Vec<Protected>,
    /// How long an emergency lasts at most, in milliseconds; never above 24 hours, the default.
    pub emergency_ms: u64,
}

/// The longest emergency there is, in milliseconds: 24 hours.
pub const LONGEST_EMERGENCY_MS: u64 = 24 * 60 * 60 * 1000;

impl Default for Settings {
    fn default() -> Self {
        let two = NonZeroU32::MIN.saturating_add(1);
        Self {
            base: NonZeroU32::MIN,
            wide: two,
            wide_above: 20,
            guarded: two,
            protected: Vec::new(),
            emergency_ms: LONGEST_EMERGENCY_MS,
        }
    }
}

impl Settings {
    /// Whose approval a change of this reach needs.
    pub fn needed(&self, reach: &Reach) -> Needed {
        let many = match reach.gaining {
            Audience::Callers(count) => count > self.wide_above,
            Audience::Everybody => true,
        };
        let mut approvals = self.base;
        if many || !reach.widened.is_empty() {
            approvals = approvals.max(self.wide);
        }
        if !reach.protected.is_empty() {
            approvals = approvals.max(self.guarded);
        }
        let touched = |place: &&Protected| reach.protected.contains(&place.name());
        let owners = self.protected.iter().filter(touched);
        let mut owners: Vec<String> = owners.filter_map(|place| place.owner.clone()).collect();
        owners.sort();
        owners.dedup();
        Needed {
            approvals: approvals.get(),
            owners,
        }
    }
}
