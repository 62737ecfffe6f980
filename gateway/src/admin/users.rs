//! Administrators: local identities of the console, each with exactly one of three roles that exclude one another.

use std::path::Path;

use hangu_identity::Caller;
use hangu_identity::local::{LocalIdentities, LockoutFile};
use hangu_policy::said;
use serde::Serialize;

use crate::config::Mistake;
use crate::identities::{self, UsersFile};

/// What an administrator may be; nobody is two of them (三员分立).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the gateway.
    SysAdmin,
    /// Writes policy, works on alerts.
    SecAdmin,
    /// Reads the audit log, and nothing else.
    Auditor,
}

impl Role {
    /// The role's name in policy and in identity files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SysAdmin => "sysadmin",
            Self::SecAdmin => "secadmin",
            Self::Auditor => "auditor",
        }
    }

    /// The one role of a caller; none where it has none, several, or others besides.
    pub fn of(caller: &Caller) -> Option<Self> {
        match caller.roles.as_slice() {
            [only] => [Self::SysAdmin, Self::SecAdmin, Self::Auditor]
                .into_iter()
                .find(|r| r.name() == only),
            _ => None,
        }
    }
}

/// The administrators in force.
#[derive(Debug)]
pub struct Administrators {
    /// Their names and passwords.
    pub local: LocalIdentities,
}

impl Administrators {
    /// Reads the console's users; failed attempts of before are still remembered.
    ///
    /// # Errors
    /// Every mistake, an administrator without exactly one role included.
    pub fn read(path: &Path, before: Option<&Self>) -> Result<Self, Vec<Mistake>> {
        let file: UsersFile = identities::read_toml(path).map_err(|m| vec![m])?;
        let mut mistakes = Vec::new();
        for identity in &file.identity {
            let known = ["sysadmin", "secadmin", "auditor"];
            let one = matches!(identity.caller.roles.as_slice(), [only] if known.contains(&only.as_str()));
            if !one {
                let message = said!(
                    "administrator `{}` must have exactly one of the roles `sysadmin`, `secadmin` and `auditor`",
                    "管理员 `{}` 须有且只有 `sysadmin`、`secadmin`、`auditor` 三个角色之一",
                    identity.login
                );
                mistakes.push(Mistake::of_file(path, message));
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let local = identities::local(
            Some(path),
            &LockoutFile::default(),
            before.map(|b| &b.local),
        )?;
        Ok(Self { local })
    }
}
