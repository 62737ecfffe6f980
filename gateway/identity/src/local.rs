//! Local identities: people and services that the gateway itself knows, with passwords.
//!
//! A guess costs the guesser: each attempt is counted before the password is looked at, waits grow per name and per
//! address, and a name that does not exist takes as long and locks like one that does.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{PasswordHash, Salt},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    caller::{Caller, CallerFile, IdError, Proof},
    random,
};

use lockout::{Attempt, Lockout};
pub use lockout::{LockoutError, LockoutFile};

mod lockout;

/// Argon2id: 19 MiB, two passes, one lane (OWASP's smallest recommended setting).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Largest memory a stored hash may ask for, in KiB. Chosen: a file must not be able to make a sign-in cost a gigabyte.
const MAX_MEMORY_KIB: u32 = 262_144;

/// Longest password that is hashed, in bytes. Chosen; NIST SP 800-63B asks for at least 64 characters.
const MAX_PASSWORD: usize = 1024;

/// A local identity as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LocalIdentityFile {
    /// What is typed to sign in.
    pub login: String,
    /// Argon2id hash in PHC form, as `hash_password` makes it.
    pub password: String,
    /// Who that is.
    pub caller: CallerFile,
    /// Whether it has been switched off.
    #[serde(default)]
    pub disabled: bool,
}

/// What is wrong with the identities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("local identity `{login}`: {problem}")]
pub struct LocalError {
    /// The login name.
    pub login: String,
    /// What is wrong.
    pub problem: LocalProblem,
}

/// What is wrong with an identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalProblem {
    /// No login name, or one with white space around it.
    #[error("the login name is empty or has white space around it")]
    Login,
    /// Two identities of one login name, case aside.
    #[error("the login name is taken by an earlier identity")]
    Duplicate,
    /// The password is not an Argon2id hash.
    #[error("`password` is not an Argon2id hash; make one with `hash_password`")]
    NotArgon2id,
    /// The hash costs a guesser too little, or the gateway too much.
    #[error(
        "the Argon2id parameters are out of bounds; use m=19456 to 262144, t=2 to 16, p=1 to 16"
    )]
    Parameters,
    /// The caller is not usable.
    #[error(transparent)]
    Caller(#[from] IdError),
}

/// Why a sign-in was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInRefusal {
    /// Name or password are wrong, or the identity is switched off; which of them is nobody's business.
    #[error("the name or the password is wrong")]
    Wrong,
    /// Too many failures for this name or from this address.
    #[error("too many failed attempts; try again at {until}")]
    Locked {
        /// When the next attempt is looked at.
        until: Timestamp,
    },
    /// The gateway could not check.
    #[error("the password could not be checked")]
    Unavailable,
}

impl SignInRefusal {
    /// A stable word for events and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Wrong => "sign-in-wrong",
            Self::Locked { .. } => "sign-in-locked",
            Self::Unavailable => "sign-in-unavailable",
        }
    }
}

/// The local identities in force, and the memory of failed attempts.
///
/// A reload makes a new value with [`LocalIdentities::reloaded`], which keeps that memory.
#[derive(Debug)]
pub struct LocalIdentities {
    identities: HashMap<String, Identity>,
    /// Hash of a password nobody has, checked for names that do not exist.
    dummy: String,
    lockout: Arc<Lockout>,
}

#[derive(Debug)]
struct Identity {
    password: String,
    caller: Arc<Caller>,
    disabled: bool,
}

/// Why identities cannot be made ready.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalSetupError {
    /// Mistakes in the identities; all of them.
    #[error("{} local identities cannot be used; the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Identities(Vec<LocalError>),
    /// A mistake in the lock-out settings.
    #[error(transparent)]
    Lockout(#[from] LockoutError),
    /// The operating system gives no random bytes.
    #[error("no random bytes can be had")]
    Random,
}

impl LocalIdentities {
    /// Checks identities and makes them ready.
    ///
    /// # Errors
    ///
    /// Every mistake in them.
    pub fn new(
        identities: Vec<LocalIdentityFile>,
        lockout: &LockoutFile,
    ) -> Result<Self, LocalSetupError> {
        Self::build(identities, Arc::new(Lockout::new(lockout)?))
    }

    /// Other identities with the same memory of failed attempts, so that a reload unlocks nobody.
    ///
    /// # Errors
    ///
    /// Every mistake in them.
    pub fn reloaded(&self, identities: Vec<LocalIdentityFile>) -> Result<Self, LocalSetupError> {
        Self::build(identities, Arc::clone(&self.lockout))
    }

    fn build(
        files: Vec<LocalIdentityFile>,
        lockout: Arc<Lockout>,
    ) -> Result<Self, LocalSetupError> {
        let mut identities = HashMap::with_capacity(files.len());
        let mut errors = Vec::new();
        for file in files {
            let login = file.login.clone();
            match Identity::new(file) {
                Ok(_) if identities.contains_key(&folded(&login)) => {
                    errors.push(LocalError {
                        login,
                        problem: LocalProblem::Duplicate,
                    });
                }
                Ok(identity) => {
                    identities.insert(folded(&login), identity);
                }
                Err(problem) => errors.push(LocalError { login, problem }),
            }
        }
        if !errors.is_empty() {
            return Err(LocalSetupError::Identities(errors));
        }
        let nobodys = random::bytes::<32>().map_err(|_| LocalSetupError::Random)?;
        let dummy = hash(&nobodys).map_err(|_| LocalSetupError::Random)?;
        Ok(Self {
            identities,
            dummy,
            lockout,
        })
    }

    /// Checks a name and a password sent from an address.
    ///
    /// Takes tens of milliseconds of processor time and 19 MiB: call it off the request's thread, and let only a few
    /// run at once.
    ///
    /// # Errors
    ///
    /// When they are wrong, or there were too many failures.
    pub fn verify(
        &self,
        login: &str,
        password: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Arc<Caller>, SignInRefusal> {
        let login = folded(login);
        let identity = self.identities.get(&login);
        // Counted first: attempts that run side by side must not all slip under the limit.
        let attempt = match identity {
            Some(_) => self.lockout.begin_known(&login, address, now),
            None => self.lockout.begin_unknown(&login, address, now),
        };
        let attempt: Attempt = attempt.map_err(|until| SignInRefusal::Locked { until })?;

        let stored = identity.map_or(self.dummy.as_str(), |identity| identity.password.as_str());
        let stored = PasswordHash::new(stored).map_err(|_| SignInRefusal::Unavailable)?;
        // Cut to a length that nobody's password has, so that an endless one is refused in the usual time.
        let too_long = password.len() > MAX_PASSWORD;
        let password = password
            .as_bytes()
            .get(..MAX_PASSWORD)
            .unwrap_or(password.as_bytes());
        let right = Argon2::default().verify_password(password, &stored).is_ok();
        match identity {
            Some(identity) if right && !too_long && !identity.disabled => {
                self.lockout.succeeded(&attempt);
                Ok(Arc::clone(&identity.caller))
            }
            Some(_) | None => Err(SignInRefusal::Wrong),
        }
    }

    /// Forgets the failures of a name, as an administrator's undo of a lock-out.
    pub fn unlock(&self, login: &str) {
        self.lockout.forget(&folded(login));
    }

    /// Whether a caller is still one of the identities, unchanged and not switched off.
    pub fn has_caller(&self, caller: &Caller) -> bool {
        self.identities
            .values()
            .any(|identity| !identity.disabled && *identity.caller == *caller)
    }

    /// Number of identities.
    pub fn len(&self) -> usize {
        self.identities.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }
}

impl Identity {
    fn new(file: LocalIdentityFile) -> Result<Self, LocalProblem> {
        if file.login.is_empty() || file.login.trim() != file.login {
            return Err(LocalProblem::Login);
        }
        let phc = PasswordHash::new(&file.password).map_err(|_| LocalProblem::NotArgon2id)?;
        if phc.algorithm != Algorithm::Argon2id.ident() || phc.hash.is_none() || phc.salt.is_none()
        {
            return Err(LocalProblem::NotArgon2id);
        }
        let params = Params::try_from(&phc).map_err(|_| LocalProblem::Parameters)?;
        let bounded = (MEMORY_KIB..=MAX_MEMORY_KIB).contains(&params.m_cost())
            && (PASSES..=16).contains(&params.t_cost())
            && (LANES..=16).contains(&params.p_cost());
        if !bounded {
            return Err(LocalProblem::Parameters);
        }
        let caller = Arc::new(file.caller.resolve(Proof::Session)?);
        Ok(Self {
            password: file.password,
            caller,
            disabled: file.disabled,
        })
    }
}

/// Why a password could not be hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Empty, or longer than any that is checked.
    #[error("the password is empty or longer than {MAX_PASSWORD} bytes")]
    Length,
    /// Hashing itself failed.
    #[error("the password could not be hashed: {0}")]
    Failed(String),
}

/// The Argon2id hash of a password in PHC form, with a random salt.
///
/// # Errors
///
/// When the password is empty or overlong, or the operating system gives no random bytes.
pub fn hash_password(password: &str) -> Result<String, HashError> {
    if password.is_empty() || password.len() > MAX_PASSWORD {
        return Err(HashError::Length);
    }
    hash(password.as_bytes())
}

fn hash(password: &[u8]) -> Result<String, HashError> {
    let failed = |error: argon2::password_hash::Error| HashError::Failed(error.to_string());
    let random = random::bytes::<16>()
        .map_err(|_| HashError::Failed("no random bytes can be had".to_owned()))?;
    let salt = argon2::password_hash::SaltString::encode_b64(&random).map_err(failed)?;
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| failed(error.into()))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Ok(argon2
        .hash_password(password, Salt::from(&salt))
        .map_err(failed)?
        .to_string())
}

/// Login names that differ in case only are one name, so that nobody can pass for another by a capital letter.
fn folded(login: &str) -> String {
    login.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
