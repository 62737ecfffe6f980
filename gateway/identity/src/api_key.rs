//! API keys: `hgk_<32 letters and digits>_<6 more that check them>`.
//!
//! The prefix lets scanners find a leaked key, the check part lets a mistyped one be refused without a look-up, and
//! the 190 random bits between make guessing hopeless. Only an HMAC under a pepper that lives outside the file is
//! stored: a stolen file opens nothing.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use aws_lc_rs::{
    constant_time,
    digest::{SHA256, digest},
    error::Unspecified,
    hmac,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    caller::{Caller, CallerFile, IdError, Proof},
    certificate::hex,
    random,
};

const PREFIX: &str = "hgk_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 32;
const CHECK: usize = 6;
const LENGTH: usize = PREFIX.len() + RANDOM + 1 + CHECK;

/// One key as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApiKeyRecord {
    /// What people call the key when they disable it; unique in the file.
    pub name: String,
    /// HMAC-SHA256 of the key under the pepper, 64 hexadecimal digits.
    pub digest: String,
    /// Who presents it.
    pub caller: CallerFile,
    /// When it was made.
    #[schemars(with = "String")]
    pub created: Timestamp,
    /// When it stops working. Without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub expires: Option<Timestamp>,
    /// Whether it has been switched off.
    #[serde(default)]
    pub disabled: bool,
    /// When it was last accepted, as far as it was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_used: Option<Timestamp>,
}

/// What the gateway adds to every key before it is compared; a secret that is not in the file with the records.
#[derive(Clone)]
pub struct Pepper(hmac::Key);

/// Why a pepper cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pepper has {0} bytes; give at least 32 random ones")]
pub struct WeakPepper(usize);

impl Pepper {
    /// A pepper of these bytes.
    ///
    /// # Errors
    ///
    /// When there are fewer than 32.
    pub fn new(bytes: &[u8]) -> Result<Self, WeakPepper> {
        if bytes.len() < 32 {
            Err(WeakPepper(bytes.len()))
        } else {
            Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
        }
    }

    fn digest(&self, key: &str) -> [u8; 32] {
        let mut out = [0; 32];
        out.iter_mut()
            .zip(hmac::sign(&self.0, key.as_bytes()).as_ref())
            .for_each(|(out, byte)| *out = *byte);
        out
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

/// Why an API key was refused. What is told outside is one sentence for all of them; the event has the code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyRefusal {
    /// Not of the form, or mistyped.
    #[error("the API key is not of the form `hgk_…`, or was not copied whole")]
    Malformed,
    /// Nobody has it.
    #[error("the API key is not known")]
    Unknown,
    /// It was switched off.
    #[error("the API key `{0}` is disabled")]
    Disabled(String),
    /// Its time is over.
    #[error("the API key `{0}` has expired")]
    Expired(String),
}

impl ApiKeyRefusal {
    /// A stable word for events and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "api-key-malformed",
            Self::Unknown => "api-key-unknown",
            Self::Disabled(_) => "api-key-disabled",
            Self::Expired(_) => "api-key-expired",
        }
    }
}

/// What is wrong with the records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("API key `{name}`: {problem}")]
pub struct ApiKeyError {
    /// The record's name.
    pub name: String,
    /// What is wrong with it.
    pub problem: ApiKeyProblem,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyProblem {
    /// No name.
    #[error("it has no name")]
    Nameless,
    /// Two records of one name.
    #[error("the name is taken by an earlier key")]
    DuplicateName,
    /// Two records of one key.
    #[error("its digest is that of an earlier key")]
    DuplicateDigest,
    /// No digest.
    #[error("`digest` is not 64 hexadecimal digits; make the key again with `generate`")]
    Digest,
    /// The caller is not usable.
    #[error(transparent)]
    Caller(#[from] IdError),
}

/// The keys in force. A snapshot, but for when each was last used.
#[derive(Debug)]
pub struct ApiKeys {
    pepper: Pepper,
    keys: HashMap<[u8; 32], Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    digest: [u8; 32],
    caller: Arc<Caller>,
    expires: Option<Timestamp>,
    disabled: bool,
    /// Seconds since 1970; `i64::MIN` for never.
    last_used: AtomicI64,
}

impl ApiKeys {
    /// Checks records and makes them ready.
    ///
    /// # Errors
    ///
    /// Every mistake in them.
    pub fn new(pepper: Pepper, records: Vec<ApiKeyRecord>) -> Result<Self, Vec<ApiKeyError>> {
        let mut errors = Vec::new();
        let mut names = std::collections::HashSet::new();
        let mut keys = HashMap::with_capacity(records.len());
        for record in records {
            let name = record.name.clone();
            let fresh = names.insert(name.clone());
            let entry = match entry(record) {
                Ok(_) if name.is_empty() => Err(ApiKeyProblem::Nameless),
                Ok(_) if !fresh => Err(ApiKeyProblem::DuplicateName),
                Ok(entry) if keys.contains_key(&entry.digest) => {
                    Err(ApiKeyProblem::DuplicateDigest)
                }
                other => other,
            };
            match entry {
                Ok(entry) => {
                    keys.insert(entry.digest, entry);
                }
                Err(problem) => errors.push(ApiKeyError { name, problem }),
            }
        }
        if errors.is_empty() {
            Ok(Self { pepper, keys })
        } else {
            Err(errors)
        }
    }

    /// Whose key it is.
    ///
    /// The look-up is by a keyed digest, so the time it takes says nothing about the keys there are.
    ///
    /// # Errors
    ///
    /// When it is nobody's, switched off or out of date.
    pub fn verify(&self, key: &str, now: Timestamp) -> Result<Arc<Caller>, ApiKeyRefusal> {
        if !is_well_formed(key) {
            return Err(ApiKeyRefusal::Malformed);
        }
        let digest = self.pepper.digest(key);
        let entry = self.keys.get(&digest).ok_or(ApiKeyRefusal::Unknown)?;
        constant_time::verify_slices_are_equal(&entry.digest, &digest)
            .map_err(|_| ApiKeyRefusal::Unknown)?;
        if entry.disabled {
            return Err(ApiKeyRefusal::Disabled(entry.name.clone()));
        }
        if entry.expires.is_some_and(|expires| expires <= now) {
            return Err(ApiKeyRefusal::Expired(entry.name.clone()));
        }
        entry
            .last_used
            .fetch_max(now.as_second(), Ordering::Relaxed);
        Ok(Arc::clone(&entry.caller))
    }

    /// When each key that was ever used was last used, by name; for writing down and for the console.
    pub fn last_used(&self) -> Vec<(&str, Timestamp)> {
        let used =
            |entry: &Entry| Timestamp::from_second(entry.last_used.load(Ordering::Relaxed)).ok();
        let never = |entry: &&Entry| entry.last_used.load(Ordering::Relaxed) != i64::MIN;
        let mut all: Vec<_> = self
            .keys
            .values()
            .filter(never)
            .filter_map(|entry| Some((entry.name.as_str(), used(entry)?)))
            .collect();
        all.sort_unstable();
        all
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// Makes a key: the text to hand out, once, and the record to keep.
///
/// # Errors
///
/// When the operating system gives no random bytes.
pub fn generate(
    name: &str,
    caller: CallerFile,
    expires: Option<Timestamp>,
    pepper: &Pepper,
    now: Timestamp,
) -> Result<(Zeroizing<String>, ApiKeyRecord), Unspecified> {
    let mut key = Zeroizing::new(String::with_capacity(LENGTH));
    key.push_str(PREFIX);
    while key.len() < PREFIX.len() + RANDOM {
        let byte = usize::from(random::bytes::<1>()?[0]);
        // 248 is the largest multiple of 62 in a byte; what lies above would favour some letters.
        if byte < 248
            && let Some(letter) = ALPHABET.get(byte % 62)
        {
            key.push(char::from(*letter));
        }
    }
    let check = check_part(key.trim_start_matches(PREFIX));
    key.push('_');
    key.push_str(&check);
    let record = ApiKeyRecord {
        name: name.to_owned(),
        digest: hex(&pepper.digest(&key)),
        caller,
        created: now,
        expires,
        disabled: false,
        last_used: None,
    };
    Ok((key, record))
}

fn entry(record: ApiKeyRecord) -> Result<Entry, ApiKeyProblem> {
    Ok(Entry {
        digest: unhex(&record.digest).ok_or(ApiKeyProblem::Digest)?,
        name: record.name,
        caller: Arc::new(record.caller.resolve(Proof::ApiKey)?),
        expires: record.expires,
        disabled: record.disabled,
        last_used: AtomicI64::new(record.last_used.map_or(i64::MIN, Timestamp::as_second)),
    })
}

/// Whether the text has the form of a key and its check part is right.
fn is_well_formed(key: &str) -> bool {
    let parts = key
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'));
    parts.is_some_and(|(random, check)| {
        random.len() == RANDOM
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && check_part(random) == check
    })
}

/// Six base-62 digits of the first 32 bits of the SHA-256; no secret, only against slips of the hand.
fn check_part(random: &str) -> String {
    let bits = digest(&SHA256, random.as_bytes());
    let mut value = bits
        .as_ref()
        .iter()
        .take(4)
        .fold(0_usize, |value, byte| value * 256 + usize::from(*byte));
    let mut text = String::with_capacity(CHECK);
    for _ in 0..CHECK {
        text.extend(ALPHABET.get(value % 62).map(|letter| char::from(*letter)));
        value /= 62;
    }
    text
}

pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut out = [0; 32];
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| !pair.starts_with('+'))?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests;
