//! The caller: who is asking, and how well that is known.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest accepted caller id, in bytes. Chosen: longer than any SPIFFE path or subject seen in practice.
pub const MAX_ID: usize = 256;

/// Who is asking. Shared as `Arc<Caller>` by everything that happens to a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// What policy and events call this caller, with its prefix: `u:wang`, `svc:tax-etl`, `anon`.
    pub id: String,
    /// What people call this caller; never used to decide.
    pub name: String,
    /// What sort of thing is asking.
    pub kind: CallerKind,
    /// How the caller showed who it is.
    pub proof: Proof,
    /// How well it is known who the person or service behind the id is (实名等级).
    pub assurance: Assurance,
    /// The highest classification this caller may see, 0 upwards.
    pub clearance: u8,
    /// The department the caller acts for.
    pub department: Option<String>,
    /// Roles, sorted and without duplicates.
    pub roles: Vec<String>,
    /// Everything else that policy may ask for.
    pub attributes: BTreeMap<String, String>,
}

/// What sort of thing is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CallerKind {
    /// A human being.
    Person,
    /// A program acting for an organisation.
    Service,
    /// A sensor, terminal or other machine.
    Device,
    /// Nobody who said who they are.
    Nobody,
}

/// How the caller showed who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// Not at all.
    None,
    /// A client certificate that was verified.
    Certificate,
    /// A bearer token that was verified.
    Token,
    /// An API key.
    ApiKey,
    /// A server-side session opened by signing in.
    Session,
}

/// 实名等级: 0 is nobody, 1 self-asserted, 2 two factors checked, 3 a real person checked in person or by face,
/// 4 a certificate or counter check.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(try_from = "u8", into = "u8")]
pub struct Assurance(#[schemars(range(max = 4))] u8);

impl Assurance {
    /// Nobody.
    pub const NONE: Self = Self(0);
    /// The highest level.
    pub const MAX: Self = Self(4);

    /// The level as an assurance, or nothing if it is above 4.
    pub const fn new(level: u8) -> Option<Self> {
        if level <= 4 { Some(Self(level)) } else { None }
    }

    /// The level, 0 to 4.
    pub const fn level(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Assurance {
    type Error = String;

    fn try_from(level: u8) -> Result<Self, String> {
        Self::new(level).ok_or_else(|| format!("`{level}` is not an assurance level; use 0 to 4"))
    }
}

impl From<Assurance> for u8 {
    fn from(assurance: Assurance) -> Self {
        assurance.0
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

static NOBODY: LazyLock<Arc<Caller>> = LazyLock::new(|| {
    Arc::new(Caller {
        id: "anon".to_owned(),
        name: "anonymous".to_owned(),
        kind: CallerKind::Nobody,
        proof: Proof::None,
        assurance: Assurance::NONE,
        clearance: 0,
        department: None,
        roles: Vec::new(),
        attributes: BTreeMap::new(),
    })
});

impl Caller {
    /// The caller of a request that shows no proof: `anon`, assurance 0, clearance 0.
    pub fn nobody() -> Arc<Self> {
        Arc::clone(&NOBODY)
    }

    /// Whether nobody said who they are.
    pub fn is_nobody(&self) -> bool {
        self.kind == CallerKind::Nobody
    }
}

/// A caller as written in configuration and identity files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CallerFile {
    /// The id with its prefix, such as `svc:tax-etl`.
    pub id: String,
    /// What people call it. Defaults to the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What sort of thing it is.
    pub kind: CallerKind,
    /// How well it is known, 0 to 4. Defaults to 1.
    #[serde(default = "self_asserted")]
    pub assurance: Assurance,
    /// The highest classification it may see. Defaults to 0.
    #[serde(default)]
    pub clearance: u8,
    /// The department it acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Its roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whatever else policy may ask for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

pub(crate) fn self_asserted() -> Assurance {
    Assurance(1)
}

impl CallerFile {
    /// The caller that is meant, proved by `proof`.
    ///
    /// # Errors
    ///
    /// When the id cannot be used, or the kind is `nobody`.
    pub fn resolve(self, proof: Proof) -> Result<Caller, IdError> {
        check_id(&self.id)?;
        if self.kind == CallerKind::Nobody {
            return Err(IdError::Nobody { id: self.id });
        }
        let mut roles = self.roles;
        roles.sort_unstable();
        roles.dedup();
        Ok(Caller {
            name: self.name.unwrap_or_else(|| self.id.clone()),
            id: self.id,
            kind: self.kind,
            proof,
            assurance: self.assurance,
            clearance: self.clearance,
            department: self.department,
            roles,
            attributes: self.attributes,
        })
    }
}

/// Why a caller id cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The id has no prefix, so it could be mistaken for another sort of caller.
    #[error("`{id}` has no prefix; write something like `u:wang` or `svc:tax-etl`")]
    NoPrefix {
        /// The id as given.
        id: String,
    },
    /// The id is empty after its prefix or too long.
    #[error(
        "a caller id is {length} bytes long; it must have 1 to {MAX_ID} bytes and something after the prefix"
    )]
    Length {
        /// Its length in bytes.
        length: usize,
    },
    /// The id contains white space, a control character or a character that changes how text reads.
    #[error(
        "a caller id contains {character:?}; white space, control and invisible characters are not allowed"
    )]
    Character {
        /// The first character that is not allowed.
        character: char,
    },
    /// A configured caller claims to be nobody.
    #[error("`{id}` is declared with kind `nobody`; use person, service or device")]
    Nobody {
        /// The id as given.
        id: String,
    },
}

/// Checks that an id can stand in policy, events and logs without being mistaken for another.
///
/// # Errors
///
/// When it is empty, overlong, has no prefix, or contains characters that are invisible or break lines.
pub fn check_id(id: &str) -> Result<(), IdError> {
    let rest = id.split_once(':').filter(|(prefix, _)| !prefix.is_empty());
    let Some((_, rest)) = rest else {
        return Err(IdError::NoPrefix {
            id: id.chars().take(64).collect(),
        });
    };
    if rest.is_empty() || id.len() > MAX_ID {
        return Err(IdError::Length { length: id.len() });
    }
    match id.chars().find(|c| !is_plain(*c)) {
        Some(character) => Err(IdError::Character { character }),
        None => Ok(()),
    }
}

/// Whether a character shows up as itself: no white space, controls, or the invisible ones that make two different
/// ids look alike (zero width, bidirectional overrides, byte order mark, language tags).
fn is_plain(c: char) -> bool {
    !(c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_no_assurance_and_no_clearance() {
        let nobody = Caller::nobody();
        assert_eq!(
            (
                nobody.id.as_str(),
                nobody.assurance.level(),
                nobody.clearance
            ),
            ("anon", 0, 0)
        );
        assert!(nobody.is_nobody());
    }

    #[test]
    fn an_id_that_could_be_mistaken_for_another_is_refused() {
        for bad in [
            "anon",
            "",
            ":wang",
            "u:",
            "u:wa ng",
            "u:wang\n",
            "u:wang\u{200b}",
            "u:\u{202e}gnaw",
            "u:\0",
        ] {
            assert!(check_id(bad).is_err(), "{bad:?}");
        }
        for good in [
            "u:wang",
            "u:王伟",
            "svc:tax-etl",
            "dev:spiffe://gov.example/sensor/7",
        ] {
            assert_eq!(check_id(good), Ok(()));
        }
        assert!(check_id(&format!("u:{}", "x".repeat(MAX_ID))).is_err());
    }

    #[test]
    fn assurance_above_four_does_not_parse() {
        assert!(serde_json::from_str::<Assurance>("5").is_err());
        assert_eq!(
            serde_json::from_str::<Assurance>("4").unwrap(),
            Assurance::MAX
        );
    }

    #[test]
    fn a_misspelt_key_in_a_caller_is_an_error() {
        let error =
            toml::from_str::<CallerFile>("id = 'u:a'\nkind = 'person'\nclearence = 3").unwrap_err();
        assert!(error.to_string().contains("clearence"), "{error}");
    }
}
