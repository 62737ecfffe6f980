//! From a verified client certificate to a caller.
//!
//! Verification (path, dates, revocation) is done before; here a list of rules says whose certificate it is. The
//! first rule that holds wins. A certificate that no rule names belongs to nobody: there is no default caller.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::caller::{self, Caller, CallerFile, IdError, Proof};

pub(crate) use facts::hex;
pub use facts::{CertificateFacts, FactsError};

mod facts;

/// One rule as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CertificateRuleFile {
    /// What the certificate must show.
    #[serde(rename = "match")]
    pub matches: CertificateMatchFile,
    /// Whose it is then. The id, name, department and attribute values may contain `{value}`, which stands for what
    /// was matched (after the prefix, for a prefix), `{cn}` and `{serial}`.
    pub caller: CallerFile,
}

/// What a certificate must show: exactly one of the names, and the issuer as well if it is given.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CertificateMatchFile {
    /// SHA-256 of the certificate, 64 hexadecimal digits, colons allowed.
    pub fingerprint: Option<String>,
    /// This SPIFFE id.
    pub spiffe_id: Option<String>,
    /// A SPIFFE id below this path; ends with `/`.
    pub spiffe_prefix: Option<String>,
    /// A URI among the subject's alternative names.
    pub uri: Option<String>,
    /// A DNS name among the subject's alternative names.
    pub dns: Option<String>,
    /// An e-mail address among the subject's alternative names.
    pub email: Option<String>,
    /// The subject's common name; needs `issuer`, since anybody's authority can issue any name.
    pub common_name: Option<String>,
    /// Any certificate of `issuer` that has a common name: `true`, and the caller's id uses `{cn}`.
    #[serde(default)]
    pub any_common_name: bool,
    /// The issuer's distinguished name as RFC 4514 text, compared as it stands.
    pub issuer: Option<String>,
}

/// Why a list of rules cannot be used. All mistakes are reported, each with its place in the list from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("certificate rule {index}: {problem}")]
pub struct CertificateRuleError {
    /// The rule's place in the list, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub problem: RuleProblem,
}

/// What is wrong with a certificate rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// None, or several, of the names are given.
    #[error(
        "{count} names to match are given; give exactly one of fingerprint, spiffe-id, spiffe-prefix, uri, dns, email, common-name, any-common-name"
    )]
    Names {
        /// How many.
        count: usize,
    },
    /// The fingerprint is no SHA-256.
    #[error("`{0}` is not a SHA-256 fingerprint; give 64 hexadecimal digits")]
    Fingerprint(String),
    /// The SPIFFE id is none.
    #[error("`{0}` is not a SPIFFE id; it looks like spiffe://trust-domain/path")]
    Spiffe(String),
    /// The prefix would match half a path segment.
    #[error(
        "the SPIFFE prefix `{0}` does not end with `/`, so it would match other names that begin alike"
    )]
    SpiffePrefix(String),
    /// A common name without an issuer.
    #[error("a common name says nothing without its issuer; give `issuer` as well")]
    CommonNameAlone,
    /// A value is empty.
    #[error("an empty value matches nothing; take it out or fill it in")]
    Empty,
    /// A rule for many certificates gives all of them one id.
    #[error(
        "the rule matches many certificates but the id `{0}` is the same for all; put `{{value}}` or `{{cn}}` into it"
    )]
    SharedId(String),
    /// The caller is not usable.
    #[error(transparent)]
    Caller(#[from] IdError),
    /// The same match stands in an earlier rule.
    #[error("never reached: rule {0} matches the same")]
    Unreachable(usize),
}

/// Rules that were checked.
#[derive(Debug, Clone, Default)]
pub struct CertificateRules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    name: Shown,
    issuer: Option<String>,
    caller: CallerFile,
    /// Made once when nothing in it depends on the certificate.
    fixed: Option<Arc<Caller>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    Fingerprint(String),
    SpiffeId(String),
    SpiffePrefix(String),
    Uri(String),
    Dns(String),
    Email(String),
    CommonName(String),
    AnyCommonName,
}

impl CertificateRules {
    /// Checks rules and makes them ready.
    ///
    /// # Errors
    ///
    /// Every mistake in the list.
    pub fn new(rules: Vec<CertificateRuleFile>) -> Result<Self, Vec<CertificateRuleError>> {
        let mut checked: Vec<Rule> = Vec::with_capacity(rules.len());
        let mut errors = Vec::new();
        for (index, rule) in rules.into_iter().enumerate() {
            let rule = Rule::new(rule).and_then(|rule| {
                match checked.iter().position(|old| old.covers(&rule)) {
                    Some(earlier) => Err(RuleProblem::Unreachable(earlier)),
                    None => Ok(rule),
                }
            });
            match rule {
                Ok(rule) => checked.push(rule),
                Err(problem) => errors.push(CertificateRuleError { index, problem }),
            }
        }
        if errors.is_empty() {
            Ok(Self { rules: checked })
        } else {
            Err(errors)
        }
    }

    /// Whose certificate it is, or nothing when no rule names it.
    pub fn caller(&self, facts: &CertificateFacts) -> Option<Arc<Caller>> {
        self.rules.iter().find_map(|rule| rule.caller(facts))
    }
}

impl Rule {
    fn new(file: CertificateRuleFile) -> Result<Self, RuleProblem> {
        let issuer = file.matches.issuer.clone();
        let name = name(file.matches)?;
        let text = match &name {
            Shown::Fingerprint(text)
            | Shown::SpiffeId(text)
            | Shown::SpiffePrefix(text)
            | Shown::Uri(text)
            | Shown::Dns(text)
            | Shown::Email(text)
            | Shown::CommonName(text) => Some(text),
            Shown::AnyCommonName => None,
        };
        if text.is_some_and(String::is_empty) || issuer.as_ref().is_some_and(String::is_empty) {
            return Err(RuleProblem::Empty);
        }
        if matches!(name, Shown::CommonName(_) | Shown::AnyCommonName) && issuer.is_none() {
            return Err(RuleProblem::CommonNameAlone);
        }
        let varies = file.caller.id.contains("{value}") || file.caller.id.contains("{cn}");
        if matches!(name, Shown::SpiffePrefix(_) | Shown::AnyCommonName) && !varies {
            return Err(RuleProblem::SharedId(file.caller.id));
        }
        // With stand-ins, so that prefix and length are checked although the certificate is not there yet.
        let trial = fill_all(&file.caller, &|_| Some("x".to_owned())).ok_or(RuleProblem::Empty)?;
        let trial = trial.resolve(Proof::Certificate)?;
        let fixed = (!has_places(&file.caller)).then(|| Arc::new(trial));
        Ok(Self {
            name,
            issuer,
            caller: file.caller,
            fixed,
        })
    }

    /// Whether every certificate that `other` matches is matched here first.
    fn covers(&self, other: &Self) -> bool {
        self.name == other.name && (self.issuer.is_none() || self.issuer == other.issuer)
    }

    fn caller(&self, facts: &CertificateFacts) -> Option<Arc<Caller>> {
        if self
            .issuer
            .as_ref()
            .is_some_and(|issuer| *issuer != facts.issuer)
        {
            return None;
        }
        let value = self.name.matched(facts)?;
        if let Some(fixed) = &self.fixed {
            return Some(Arc::clone(fixed));
        }
        let filled = fill_all(&self.caller, &|place| match place {
            "value" => Some(value.to_owned()),
            "cn" => facts.common_name.clone(),
            "serial" => Some(facts.serial.clone()),
            _ => None,
        })?;
        // What the certificate brings may still make an id that cannot be used; then it is nobody's.
        filled.resolve(Proof::Certificate).ok().map(Arc::new)
    }
}

impl Shown {
    /// The part of the certificate that matched.
    fn matched<'a>(&self, facts: &'a CertificateFacts) -> Option<&'a str> {
        match self {
            Self::Fingerprint(want) => {
                (*want == facts.fingerprint).then_some(facts.fingerprint.as_str())
            }
            Self::SpiffeId(want) => facts.spiffe_id.as_deref().filter(|id| id == want),
            Self::SpiffePrefix(prefix) => facts
                .spiffe_id
                .as_deref()?
                .strip_prefix(prefix.as_str())
                .filter(|rest| is_spiffe_path(rest)),
            Self::Uri(want) => facts
                .uris
                .iter()
                .map(String::as_str)
                .find(|uri| uri == want),
            Self::Dns(want) => facts
                .dns
                .iter()
                .map(String::as_str)
                .find(|dns| dns.eq_ignore_ascii_case(want)),
            Self::Email(want) => facts
                .emails
                .iter()
                .map(String::as_str)
                .find(|email| same_mailbox(email, want)),
            Self::CommonName(want) => facts.common_name.as_deref().filter(|cn| cn == want),
            Self::AnyCommonName => facts.common_name.as_deref().filter(|cn| !cn.is_empty()),
        }
    }
}

fn name(file: CertificateMatchFile) -> Result<Shown, RuleProblem> {
    let names: Vec<Shown> = [
        file.fingerprint.map(Shown::Fingerprint),
        file.spiffe_id.map(Shown::SpiffeId),
        file.spiffe_prefix.map(Shown::SpiffePrefix),
        file.uri.map(Shown::Uri),
        file.dns.map(Shown::Dns),
        file.email.map(Shown::Email),
        file.common_name.map(Shown::CommonName),
        file.any_common_name.then_some(Shown::AnyCommonName),
    ]
    .into_iter()
    .flatten()
    .collect();
    let count = names.len();
    let [name] = <[Shown; 1]>::try_from(names).map_err(|_| RuleProblem::Names { count })?;
    match name {
        Shown::Fingerprint(text) => {
            let plain: String = text
                .chars()
                .filter(|c| *c != ':')
                .collect::<String>()
                .to_ascii_lowercase();
            if plain.len() == 64 && plain.bytes().all(|b| b.is_ascii_hexdigit()) {
                Ok(Shown::Fingerprint(plain))
            } else {
                Err(RuleProblem::Fingerprint(text))
            }
        }
        Shown::SpiffeId(id) if !is_spiffe(&id) => Err(RuleProblem::Spiffe(id)),
        Shown::SpiffePrefix(prefix) if !prefix.ends_with('/') => {
            Err(RuleProblem::SpiffePrefix(prefix))
        }
        Shown::SpiffePrefix(prefix) if !is_spiffe(&format!("{prefix}x")) => {
            Err(RuleProblem::Spiffe(prefix))
        }
        name @ (Shown::SpiffeId(_)
        | Shown::SpiffePrefix(_)
        | Shown::Uri(_)
        | Shown::Dns(_)
        | Shown::Email(_)
        | Shown::CommonName(_)
        | Shown::AnyCommonName) => Ok(name),
    }
}

/// Whether the text is a SPIFFE id: trust domain in lower case, path of ordinary segments.
pub(crate) fn is_spiffe(id: &str) -> bool {
    let Some((domain, path)) = id
        .strip_prefix("spiffe://")
        .and_then(|rest| rest.split_once('/'))
    else {
        return false;
    };
    let domain_ok =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    id.len() <= 2048 && !domain.is_empty() && domain.bytes().all(domain_ok) && is_spiffe_path(path)
}

/// Whether the text is one or more path segments as SPIFFE allows them: no dots alone, no empty ones, no escapes.
fn is_spiffe_path(path: &str) -> bool {
    let segment_ok = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    path.split('/').all(segment_ok)
}

/// RFC 5280 section 7.5: the host of a mailbox ignores case, the local part does not.
fn same_mailbox(a: &str, b: &str) -> bool {
    match (a.rsplit_once('@'), b.rsplit_once('@')) {
        (Some((local, host)), Some((want, want_host))) => {
            local == want && host.eq_ignore_ascii_case(want_host)
        }
        _ => false,
    }
}

fn has_places(caller: &CallerFile) -> bool {
    let texts = [
        Some(&caller.id),
        caller.name.as_ref(),
        caller.department.as_ref(),
    ];
    texts
        .into_iter()
        .flatten()
        .chain(caller.attributes.values())
        .any(|text| text.contains('{'))
}

/// The caller with its places filled, or nothing if one has no value.
fn fill_all(caller: &CallerFile, value: &dyn Fn(&str) -> Option<String>) -> Option<CallerFile> {
    let optional = |text: &Option<String>| {
        text.as_ref()
            .map(|text| fill(text, value))
            .map_or(Some(None), |f| f.map(Some))
    };
    Some(CallerFile {
        id: fill(&caller.id, value)?,
        name: optional(&caller.name)?,
        department: optional(&caller.department)?,
        attributes: caller
            .attributes
            .iter()
            .map(|(name, text)| fill(text, value).map(|text| (name.clone(), text)))
            .collect::<Option<_>>()?,
        ..caller.clone()
    })
}

/// The text with `{place}` replaced, once, so that a value which looks like a place stays text.
fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, after) = after.split_once('}')?;
        out.push_str(before);
        out.push_str(&value(place).filter(|value| value.len() <= caller::MAX_ID)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests;
