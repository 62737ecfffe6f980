//! Local identities and API keys as files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hangu_identity::api_key::{ApiKeyRecord, ApiKeys, Pepper};
use hangu_identity::local::{LocalIdentities, LocalIdentityFile, LocalSetupError, LockoutFile};
use serde::{Deserialize, Serialize};

use crate::config::{self, Mistake, told_by_toml, unreadable, unusable};

/// A file of local identities.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsersFile {
    /// The identities.
    #[serde(default)]
    pub identity: Vec<LocalIdentityFile>,
}

/// A file of API keys.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeysFile {
    /// The keys.
    #[serde(default)]
    pub key: Vec<ApiKeyRecord>,
}

/// Local identities and API keys in force.
#[derive(Debug, Clone)]
pub struct Identities {
    /// People and services with passwords.
    pub local: Arc<LocalIdentities>,
    /// API keys, where there are any.
    pub api_keys: Option<Arc<ApiKeys>>,
}

/// Reads a TOML file into a type, with a mistake at the right place where it does not fit.
///
/// # Errors
/// The mistake.
pub fn read_toml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, Mistake> {
    let text = fs::read_to_string(path).map_err(|e| Mistake::of_file(path, unreadable(&e)))?;
    toml::from_str(&text).map_err(|error| {
        let message = told_by_toml(&error.message().trim().replace('\n', " "));
        match error.span() {
            Some(span) => Mistake::at(path, &text, &span, message),
            None => Mistake::of_file(path, message),
        }
    })
}

/// Reads a file of local identities; failed attempts of before are still remembered.
///
/// # Errors
/// Every mistake in it.
pub fn local(
    path: Option<&Path>,
    lockout: &LockoutFile,
    before: Option<&LocalIdentities>,
) -> Result<LocalIdentities, Vec<Mistake>> {
    let file: UsersFile = match path {
        Some(path) => read_toml(path).map_err(|m| vec![m])?,
        None => UsersFile::default(),
    };
    let built = match before {
        Some(before) => before.reloaded(file.identity),
        None => LocalIdentities::new(file.identity, lockout),
    };
    let place = path.unwrap_or(Path::new("identity.users"));
    built.map_err(|error| match error {
        LocalSetupError::Identities(errors) => errors
            .into_iter()
            .map(|e| Mistake::of_file(place, unusable(&e)))
            .collect(),
        other @ (LocalSetupError::Lockout(_) | LocalSetupError::Random) => {
            vec![Mistake::of_file(place, unusable(&other))]
        }
    })
}

impl Identities {
    /// Reads what the configuration names.
    pub fn load(
        identity: &config::Identity,
        before: Option<&Self>,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Self> {
        let local = local(
            identity.users.as_deref(),
            &identity.lockout,
            before.map(|b| &*b.local),
        )
        .map_err(|errors| mistakes.extend(errors))
        .ok();
        let api_keys = match (&identity.api_keys, &identity.api_key_pepper) {
            (Some(keys), Some(pepper)) => Some(Arc::new(
                api_keys(keys, pepper)
                    .map_err(|e| mistakes.extend(e))
                    .ok()?,
            )),
            (Some(_), None) | (None, _) => None,
        };
        Some(Self {
            local: Arc::new(local?),
            api_keys,
        })
    }
}

fn api_keys(keys: &Path, pepper: &Path) -> Result<ApiKeys, Vec<Mistake>> {
    let file: ApiKeysFile = read_toml(keys).map_err(|m| vec![m])?;
    let bytes = fs::read(pepper).map_err(|e| vec![Mistake::of_file(pepper, unreadable(&e))])?;
    let pepper = Pepper::new(bytes.trim_ascii())
        .map_err(|e| vec![Mistake::of_file(pepper, unusable(&e))])?;
    ApiKeys::new(pepper, file.key).map_err(|errors| {
        errors
            .into_iter()
            .map(|e| Mistake::of_file(keys, unusable(&e)))
            .collect()
    })
}
