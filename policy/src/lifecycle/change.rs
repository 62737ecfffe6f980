//! One change of policy, from its draft to its end.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::bundle::BundleId;
use super::reach::{Needed, Reach};
use super::refusal::Refused;

/// The number of a change, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangeId(pub u64);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c-{}", self.0)
    }
}

/// How a change comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kind {
    /// The first policy, as configuration had it.
    Founding,
    /// Drafted, reviewed, approved, rolled out.
    Ordinary,
    /// Live at once by one person, for a time.
    Emergency {
        /// Since when one emergency has followed another, in milliseconds since 1970.
        since_ms: u64,
        /// When it ends unless it was approved, in milliseconds since 1970.
        until_ms: u64,
    },
    /// Back to what was live before.
    Rollback,
}

/// Who gets a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    departments: Vec<String>,
    share: u8,
}

/// Most departments of a canary; chosen.
const DEPARTMENTS: usize = 64;

impl Canary {
    /// Callers of these departments (none given: of all), and of those this share in per cent, 1 to 100.
    ///
    /// # Errors
    ///
    /// Another share, more than 64 departments, or an empty name.
    pub fn new(departments: Vec<String>, share: u8) -> Result<Self, Refused> {
        let canary = Self { departments, share };
        canary.check()?;
        Ok(canary)
    }

    /// What reading from a store leaves to be checked.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        let named = self.departments.iter().all(|name| !name.is_empty());
        if (1..=100).contains(&self.share) && named && self.departments.len() <= DEPARTMENTS {
            Ok(())
        } else {
            Err(Refused::Canary)
        }
    }

    /// Departments whose callers may get it; empty means all.
    pub fn departments(&self) -> &[String] {
        &self.departments
    }

    /// The share of those callers, 1 to 100 per cent.
    pub fn share(&self) -> u8 {
        self.share
    }
}

/// How far a change has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Stage {
    /// Being written.
    Draft,
    /// Waiting for approvals.
    Review,
    /// Approved, nowhere in use.
    Approved,
    /// Evaluated beside the live one; never decides.
    Shadow,
    /// Decides for some callers.
    Canary(Canary),
    /// Decides for everybody.
    Live,
    /// Refused by a reviewer.
    Rejected,
    /// Taken back by its author.
    Withdrawn,
    /// Taken back from shadow, canary or live.
    RolledBack {
        /// Why.
        why: String,
    },
    /// Was live until another change was.
    Superseded,
    /// Was an emergency and ended without approval.
    Expired,
}

impl Stage {
    /// Name in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Review => "review",
            Self::Approved => "approved",
            Self::Shadow => "shadow",
            Self::Canary(_) => "canary",
            Self::Live => "live",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::RolledBack { .. } => "rolled-back",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
        }
    }
}

/// One person's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Why.
    pub reason: String,
}

/// One step of a change's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Number of the record that proves it.
    pub record: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who.
    pub by: Actor,
    /// What was done, as records name it.
    pub what: &'static str,
    /// Why.
    pub reason: String,
}

/// A change of policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its number.
    pub id: ChangeId,
    /// The policy it brings.
    pub bundle: BundleId,
    /// The live policy it was written against; the founding change has none.
    pub parent: Option<BundleId>,
    /// Who wrote it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When it was drafted, in milliseconds since 1970.
    pub created_ms: u64,
    /// How it comes about.
    pub kind: Kind,
    /// How far it has come.
    pub stage: Stage,
    /// What it changes; known once it was submitted.
    pub reach: Option<Reach>,
    /// Whose approval it needs; known once it was submitted.
    pub needed: Option<Needed>,
    /// Who approved this bundle.
    pub approvals: Vec<Approval>,
    /// Whether it may stay live: approved, the founding policy or a return to one that was.
    pub settled: bool,
    /// Whether somebody other than its author has yet to look at an emergency.
    pub review_owed: bool,
    /// Every step, in order.
    pub history: Vec<Entry>,
}

impl Change {
    /// Whether its approvals suffice; an owner's own authorship stands for the owner's approval.
    pub fn is_approved(&self) -> bool {
        let Some(needed) = &self.needed else {
            return false;
        };
        self.missing().is_empty() && self.approvals.len() as u64 >= u64::from(needed.approvals)
    }

    /// Owners who have neither written nor approved it.
    pub fn missing(&self) -> Vec<String> {
        let spoke = |owner: &String| {
            *owner == self.author || self.approvals.iter().any(|approval| approval.by == *owner)
        };
        let owners = self.needed.iter().flat_map(|needed| &needed.owners);
        owners.filter(|owner| !spoke(owner)).cloned().collect()
    }

    /// When an emergency ends or ended, in milliseconds since 1970; `None` for every other kind.
    pub fn until_ms(&self) -> Option<u64> {
        match self.kind {
            Kind::Emergency { until_ms, .. } => Some(until_ms),
            Kind::Founding | Kind::Ordinary | Kind::Rollback => None,
        }
    }

    /// When an emergency ends that nobody has approved.
    pub(crate) fn unsettled_until(&self) -> Option<u64> {
        self.until_ms().filter(|_| !self.settled)
    }
}
