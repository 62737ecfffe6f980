//! Who acts, and in which of the roles that exclude one another.

use serde::{Deserialize, Serialize};

use super::refusal::Refused;

/// What somebody is there for; nobody has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs gateways; neither reads nor changes policy.
    SystemAdministrator,
    /// Writes, approves and rolls out policy.
    SecurityAdministrator,
    /// Reads everything and changes nothing.
    Auditor,
    /// The gateway itself: founds the record, ends what has run out, takes a failing candidate back.
    Gateway,
}

impl Role {
    /// Name in records and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::SystemAdministrator => "system-administrator",
            Self::SecurityAdministrator => "security-administrator",
            Self::Auditor => "auditor",
            Self::Gateway => "gateway",
        }
    }

    /// Whether it may read changes and bundles.
    pub fn reads(self) -> bool {
        match self {
            Self::SecurityAdministrator | Self::Auditor | Self::Gateway => true,
            Self::SystemAdministrator => false,
        }
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The identity as the gateway verified it. Two ids are two persons, so it must be canonical.
    pub id: String,
    /// The role in which the person acts.
    pub role: Role,
}

/// Longest id in bytes; chosen.
const LONGEST_ID: usize = 256;

/// Longest reason in bytes; chosen.
const LONGEST_REASON: usize = 4096;

impl Actor {
    /// Somebody in a role.
    pub fn new(id: impl Into<String>, role: Role) -> Self {
        Self {
            id: id.into(),
            role,
        }
    }

    /// The gateway itself.
    pub fn gateway() -> Self {
        Self::new("gateway", Role::Gateway)
    }

    /// Refuses everybody but the roles given.
    pub(crate) fn must_be(&self, roles: &[Role]) -> Result<(), Refused> {
        let clean = |c: char| !c.is_control() && !c.is_whitespace();
        if self.id.is_empty() || self.id.len() > LONGEST_ID || !self.id.chars().all(clean) {
            return Err(Refused::Nobody);
        }
        if roles.contains(&self.role) {
            Ok(())
        } else {
            Err(Refused::Role {
                role: self.role.name(),
                wanted: roles.first().map_or("nobody", |role| role.name()),
            })
        }
    }
}

/// Refuses a reason that says nothing or too much.
pub(crate) fn reasoned(reason: &str) -> Result<(), Refused> {
    if reason.trim().is_empty() || reason.len() > LONGEST_REASON {
        return Err(Refused::Reason);
    }
    Ok(())
}
