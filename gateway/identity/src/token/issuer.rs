//! An issuer: whose tokens are taken, on what conditions, and which claims say what about the caller.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Algorithm;
use crate::caller::{Assurance, CallerKind, IdError, check_id, self_asserted};

/// Largest clock difference that may be allowed (RFC 9700 practice; longer ones only help stolen tokens).
const MAX_LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// An issuer as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IssuerFile {
    /// The `iss` of its tokens, compared as it stands.
    pub issuer: String,
    /// Audiences that mean this gateway; a token must have one of them.
    pub audiences: Vec<String>,
    /// Signature algorithms. Defaults to RS256, PS256, ES256, ES384 and EdDSA.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// Accepted `typ` values. Defaults to `at+jwt` (RFC 9068). `any` accepts every one and a missing one. Tokens
    /// that look like id tokens or logout tokens are refused in any case.
    #[serde(default = "default_types")]
    pub types: Vec<String>,
    /// Clock difference allowed, at most 60 s. Defaults to 30 s.
    #[serde(default = "default_leeway")]
    #[schemars(with = "String")]
    pub leeway: SignedDuration,
    /// Longest time since `iat`, whatever `exp` says. Without it, `iat` need not be there.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub max_age: Option<SignedDuration>,
    /// Claims that must be there, besides `iss`, `aud`, `exp` and the one that identifies.
    #[serde(default)]
    pub required_claims: Vec<String>,
    /// Which claims say what about the caller.
    pub caller: ClaimMapFile,
}

/// Which claims say what about the caller. A claim is a name, or a JSON pointer such as `/realm_access/roles`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClaimMapFile {
    /// What is put before the subject to make the id; ends with a colon.
    pub prefix: String,
    /// What is put before the subject when the token was issued to a client for itself (`sub` equals `client_id`);
    /// the caller is a service then.
    #[serde(default)]
    pub service_prefix: Option<String>,
    /// The claim that identifies. Defaults to `sub`.
    #[serde(default = "default_subject")]
    pub subject: String,
    /// What sort of caller this issuer speaks of. Defaults to person.
    #[serde(default = "default_kind")]
    pub kind: CallerKind,
    /// The claim with the name that people read.
    #[serde(default)]
    pub name: Option<String>,
    /// The claim with the roles: a list, or text with spaces.
    #[serde(default)]
    pub roles: Option<String>,
    /// The claim with the department.
    #[serde(default)]
    pub department: Option<String>,
    /// How well the issuer knows the caller.
    #[serde(default)]
    pub assurance: AssuranceClaimFile,
    /// What the caller may see.
    #[serde(default)]
    pub clearance: ClearanceClaimFile,
    /// Attribute name to claim; texts, numbers and booleans are taken.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// How well the issuer knows the caller.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AssuranceClaimFile {
    /// The claim, such as `acr`.
    #[serde(default)]
    pub claim: Option<String>,
    /// Its values and what they are worth. A value that is not here is worth `default`.
    #[serde(default)]
    pub levels: BTreeMap<String, Assurance>,
    /// Without the claim. Defaults to 1.
    #[serde(default = "self_asserted")]
    pub default: Assurance,
}

impl Default for AssuranceClaimFile {
    fn default() -> Self {
        Self {
            claim: None,
            levels: BTreeMap::new(),
            default: self_asserted(),
        }
    }
}

/// What the caller may see.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClearanceClaimFile {
    /// The claim; a whole number.
    #[serde(default)]
    pub claim: Option<String>,
    /// The most this issuer may grant; higher claims count as this. Defaults to 0.
    #[serde(default)]
    pub max: u8,
    /// Without the claim. Defaults to 0.
    #[serde(default)]
    pub default: u8,
}

/// An issuer whose configuration was checked.
#[derive(Debug, Clone)]
pub struct Issuer(pub(super) IssuerFile);

/// What is wrong with an issuer's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// A value that must be there is empty.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// The leeway is longer than allowed, or negative.
    #[error("`leeway` is {0:#}; use 0s to 60s")]
    Leeway(SignedDuration),
    /// The largest age is not positive.
    #[error("`max-age` is {0:#}; it must be more than 0s")]
    MaxAge(SignedDuration),
    /// A prefix that would let one sort of caller pass for another.
    #[error("`{0}` cannot stand before a subject; use something like `u:`")]
    Prefix(String),
    /// The kind `nobody`.
    #[error("`kind` is `nobody`; use person, service or device")]
    Nobody,
    /// A clearance without the claim above the largest.
    #[error("the default clearance {default} is above `max` {max}")]
    Clearance {
        /// The default.
        default: u8,
        /// The largest.
        max: u8,
    },
}

impl Issuer {
    /// Checks an issuer's configuration.
    ///
    /// # Errors
    ///
    /// Every mistake in it.
    pub fn new(file: IssuerFile) -> Result<Self, Vec<IssuerError>> {
        let mut errors = Vec::new();
        let mut empty = |name, is: bool| {
            if is {
                errors.push(IssuerError::Empty(name));
            }
        };
        empty("issuer", file.issuer.is_empty());
        empty(
            "audiences",
            file.audiences.is_empty() || file.audiences.iter().any(String::is_empty),
        );
        empty("algorithms", file.algorithms.is_empty());
        empty(
            "types",
            file.types.is_empty() || file.types.iter().any(String::is_empty),
        );
        empty("caller.subject", file.caller.subject.is_empty());
        if file.leeway.is_negative() || file.leeway > MAX_LEEWAY {
            errors.push(IssuerError::Leeway(file.leeway));
        }
        if let Some(age) = file.max_age
            && !age.is_positive()
        {
            errors.push(IssuerError::MaxAge(age));
        }
        for prefix in [
            Some(&file.caller.prefix),
            file.caller.service_prefix.as_ref(),
        ]
        .into_iter()
        .flatten()
        {
            if !prefix.ends_with(':') || check_id(&format!("{prefix}x")) != Ok::<(), IdError>(()) {
                errors.push(IssuerError::Prefix(prefix.clone()));
            }
        }
        if file.caller.kind == CallerKind::Nobody {
            errors.push(IssuerError::Nobody);
        }
        let clearance = &file.caller.clearance;
        if clearance.claim.is_some() && clearance.default > clearance.max {
            errors.push(IssuerError::Clearance {
                default: clearance.default,
                max: clearance.max,
            });
        }
        if errors.is_empty() {
            Ok(Self(file))
        } else {
            Err(errors)
        }
    }

    /// The `iss` of its tokens.
    pub fn name(&self) -> &str {
        &self.0.issuer
    }
}

fn default_algorithms() -> Vec<Algorithm> {
    Algorithm::DEFAULT.to_vec()
}

fn default_types() -> Vec<String> {
    vec!["at+jwt".to_owned()]
}

fn default_leeway() -> SignedDuration {
    SignedDuration::from_secs(30)
}

fn default_subject() -> String {
    "sub".to_owned()
}

fn default_kind() -> CallerKind {
    CallerKind::Person
}
