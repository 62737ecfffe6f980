//! Key sets: RFC 7517, read so that nothing in one can weaken a check.

use std::{collections::HashMap, fmt, sync::Arc};

use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents};
use serde_json::{Map, Value};

use super::{Algorithm, TokenRefusal, roca, strict_base64url};
use crate::json;

/// Largest key set that is read, in bytes. Chosen: 64 keys of RSA 4096 with their certificates fit.
pub const MAX_JWKS_BYTES: usize = 256 * 1024;

/// Most keys in one set. Chosen: an issuer has two to five; a set of thousands is a mistake or an attack.
pub const MAX_KEYS: usize = 64;

/// Longest key id, in bytes. Chosen.
const MAX_KID: usize = 256;

/// The public keys of one issuer. Cheap to clone.
#[derive(Clone)]
pub struct Jwks {
    keys: Arc<Keys>,
}

struct Keys {
    named: HashMap<String, Key>,
    nameless: Vec<Key>,
    skipped: Vec<String>,
}

/// One key, ready for every algorithm it may be used with.
struct Key {
    uses: Vec<(Algorithm, ParsedPublicKey)>,
}

/// Why a key set was not taken. A set with one bad key is refused whole: what else is wrong with it is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// The set is longer than the cap.
    #[error("the key set is {length} bytes long; at most {MAX_JWKS_BYTES} are read")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
    },
    /// Not a JSON object with a list `keys` of objects.
    #[error("the key set cannot be read: {0}")]
    Malformed(String),
    /// More keys than the cap.
    #[error("the key set has {count} keys; at most {MAX_KEYS} are read")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// No key remains that a token could be signed with.
    #[error("the key set has no key for signatures that can be used here")]
    NoKey {
        /// Why each key was passed over.
        skipped: Vec<String>,
    },
    /// A key that must not be there.
    #[error("key {index}: {problem}")]
    Key {
        /// Its place in the set, from 0.
        index: usize,
        /// What is wrong.
        problem: KeyProblem,
    },
}

impl JwksError {
    /// Whether the bytes were a key set at all, so that the error speaks about its keys.
    pub const fn is_about_keys(&self) -> bool {
        match self {
            Self::NoKey { .. } | Self::Key { .. } | Self::TooMany { .. } => true,
            Self::TooLarge { .. } | Self::Malformed(_) => false,
        }
    }
}

/// What is wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// A secret key in a set of public ones.
    #[error("it is a symmetric key; a key set holds public keys only")]
    Symmetric,
    /// A private key, published.
    #[error("it has the private member `{0}`; the key is no secret any more and must be replaced")]
    Private(&'static str),
    /// Two keys of one id.
    #[error("the key id `{0}` occurs twice")]
    DuplicateKid(String),
    /// A member is missing or has the wrong type.
    #[error("`{0}` is missing or not what it should be")]
    Member(&'static str),
    /// A modulus that is too short or too long.
    #[error("the RSA modulus has {0} bits; use 2048 to 8192")]
    RsaSize(usize),
    /// An exponent with which signatures can be forged or that is not a prime anybody uses.
    #[error("the RSA exponent is not usable; it must be odd and at least 65537")]
    RsaExponent,
    /// A key from the generator with the ROCA fault.
    #[error("the RSA modulus comes from a generator with the ROCA fault (CVE-2017-15361)")]
    Roca,
    /// The numbers are no key.
    #[error("the numbers are not a key of this kind")]
    NotAKey,
}

/// What becomes of one entry of a set.
enum Entry {
    Key(Option<String>, Key),
    Skipped(String),
}

impl Jwks {
    /// Reads a key set. Keys for encryption, of unknown kinds or for other algorithms are passed over, as RFC 7517
    /// section 5 asks; keys that are dangerous refuse the whole set.
    ///
    /// # Errors
    ///
    /// When the set cannot be read, exceeds a cap, has a dangerous key, or has no key for signatures.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwksError> {
        if bytes.len() > MAX_JWKS_BYTES {
            return Err(JwksError::TooLarge {
                length: bytes.len(),
            });
        }
        let set =
            json::parse_object(bytes).map_err(|error| JwksError::Malformed(error.to_string()))?;
        let Some(Value::Array(entries)) = set.get("keys") else {
            return Err(JwksError::Malformed(
                "`keys` is missing or not a list".to_owned(),
            ));
        };
        if entries.len() > MAX_KEYS {
            return Err(JwksError::TooMany {
                count: entries.len(),
            });
        }
        let mut keys = Keys {
            named: HashMap::new(),
            nameless: Vec::new(),
            skipped: Vec::new(),
        };
        // Ids of skipped keys count too: which of two keys a token means must not depend on what we support.
        let mut ids = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let at = |problem| JwksError::Key { index, problem };
            let entry = entry
                .as_object()
                .ok_or_else(|| JwksError::Malformed(format!("key {index} is not an object")))?;
            let kid = text(entry, "kid").map_err(at)?;
            if let Some(kid) = kid {
                if kid.len() > MAX_KID {
                    return Err(at(KeyProblem::Member("kid")));
                }
                if ids.contains(&kid) {
                    return Err(at(KeyProblem::DuplicateKid(kid.to_owned())));
                }
                ids.push(kid);
            }
            match read(entry).map_err(at)? {
                Entry::Key(Some(kid), key) => {
                    keys.named.insert(kid, key);
                }
                Entry::Key(None, key) => keys.nameless.push(key),
                Entry::Skipped(why) => keys.skipped.push(format!("key {index}: {why}")),
            }
        }
        if keys.named.is_empty() && keys.nameless.is_empty() {
            return Err(JwksError::NoKey {
                skipped: keys.skipped,
            });
        }
        Ok(Self {
            keys: Arc::new(keys),
        })
    }

    /// Number of keys that can be used.
    pub fn len(&self) -> usize {
        self.keys.named.len() + self.keys.nameless.len()
    }

    /// Whether there is no key; a set that was read always has one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Why keys of the set were passed over, one text each.
    pub fn skipped(&self) -> &[String] {
        &self.keys.skipped
    }

    /// The ids of the keys, sorted.
    pub fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self.keys.named.keys().map(String::as_str).collect();
        ids.sort_unstable();
        ids
    }

    /// The one key a token may be checked with: that of its key id, or, when it names none, the only one that fits.
    pub(super) fn select(
        &self,
        issuer: &str,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&ParsedPublicKey, TokenRefusal> {
        if let Some(kid) = kid {
            let key = self
                .keys
                .named
                .get(kid)
                .ok_or_else(|| TokenRefusal::UnknownKey {
                    issuer: issuer.to_owned(),
                    kid: printable(kid),
                })?;
            return key
                .usable_with(algorithm)
                .ok_or(TokenRefusal::KeyMismatch(algorithm.name()));
        }
        let all = self.keys.named.values().chain(&self.keys.nameless);
        let mut fitting = all.filter_map(|key| key.usable_with(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (None, _) | (Some(_), Some(_)) => Err(TokenRefusal::KeyNotNamed),
        }
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks")
            .field("ids", &self.ids())
            .field("nameless", &self.keys.nameless.len())
            .finish()
    }
}

impl Key {
    fn usable_with(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        self.uses
            .iter()
            .find(|(usable, _)| *usable == algorithm)
            .map(|(_, key)| key)
    }
}

fn read(entry: &Map<String, Value>) -> Result<Entry, KeyProblem> {
    let kty = text(entry, "kty")?.ok_or(KeyProblem::Member("kty"))?;
    if kty == "oct" || entry.contains_key("k") {
        return Err(KeyProblem::Symmetric);
    }
    if let Some(private) = ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"]
        .into_iter()
        .find(|name| entry.contains_key(*name))
    {
        return Err(KeyProblem::Private(private));
    }
    if let Some(purpose) = text(entry, "use")?
        && purpose != "sig"
    {
        return Ok(Entry::Skipped(format!("its `use` is `{purpose}`")));
    }
    if let Some(operations) = entry.get("key_ops") {
        let operations = operations.as_array().ok_or(KeyProblem::Member("key_ops"))?;
        if !operations.iter().any(|operation| operation == "verify") {
            return Ok(Entry::Skipped(
                "its `key_ops` do not have `verify`".to_owned(),
            ));
        }
    }
    let alg = text(entry, "alg")?;
    let made_for = match alg.map(|name| (name, Algorithm::from_name(name))) {
        Some((name, None)) => return Ok(Entry::Skipped(format!("its `alg` is `{name}`"))),
        Some((_, Some(algorithm))) => Some(algorithm),
        None => None,
    };
    let permitted = |algorithm: &Algorithm| made_for.is_none_or(|only| only == *algorithm);
    let uses = match kty {
        "RSA" => rsa(entry, permitted)?,
        "EC" | "OKP" => {
            let crv = text(entry, "crv")?.ok_or(KeyProblem::Member("crv"))?;
            let kind = |a: &Algorithm| {
                a.curve().is_some_and(|(name, ..)| name == crv)
                    && (kty == "OKP") == (*a == Algorithm::EdDsa)
            };
            let Some(algorithm) = Algorithm::ALL.into_iter().find(kind) else {
                return Ok(Entry::Skipped(format!(
                    "its curve `{crv}` is not supported for `{kty}`"
                )));
            };
            if permitted(&algorithm) {
                vec![(algorithm, curve(entry, algorithm)?)]
            } else {
                Vec::new()
            }
        }
        other => return Ok(Entry::Skipped(format!("its `kty` is `{other}`"))),
    };
    if uses.is_empty() {
        return Ok(Entry::Skipped(format!(
            "its `alg` `{}` does not fit its `kty` or curve",
            alg.unwrap_or_default()
        )));
    }
    Ok(Entry::Key(
        text(entry, "kid")?.map(str::to_owned),
        Key { uses },
    ))
}

fn rsa(
    entry: &Map<String, Value>,
    permitted: impl Fn(&Algorithm) -> bool,
) -> Result<Vec<(Algorithm, ParsedPublicKey)>, KeyProblem> {
    let n = number(entry, "n")?;
    let e = number(entry, "e")?;
    let bits = n.first().map_or(0, |first| {
        n.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(8)
    });
    if !(2048..=8192).contains(&bits) {
        return Err(KeyProblem::RsaSize(bits));
    }
    // aws-lc bounds the exponent at 33 bits; with four bytes no exponent that is in use is left out.
    let exponent = e.iter().fold(0_u64, |value, byte| {
        value.saturating_mul(256).saturating_add(u64::from(*byte))
    });
    if e.len() > 4
        || exponent < 65537
        || exponent % 2 == 0
        || n.last().is_none_or(|last| last % 2 == 0)
    {
        return Err(KeyProblem::RsaExponent);
    }
    if roca::is_marked(&n) {
        return Err(KeyProblem::Roca);
    }
    let components = RsaPublicKeyComponents { n: &n, e: &e };
    Algorithm::ALL
        .into_iter()
        .filter(permitted)
        .filter_map(|algorithm| algorithm.rsa().map(|parameters| (algorithm, parameters)))
        .map(
            |(algorithm, parameters)| match components.to_parsed_public_key(parameters) {
                Ok(key) => Ok((algorithm, key)),
                Err(_) => Err(KeyProblem::NotAKey),
            },
        )
        .collect()
}

fn curve(entry: &Map<String, Value>, algorithm: Algorithm) -> Result<ParsedPublicKey, KeyProblem> {
    let (_, length, parameters) = algorithm.curve().ok_or(KeyProblem::NotAKey)?;
    let coordinate = |name| match number(entry, name)? {
        bytes if bytes.len() == length => Ok(bytes),
        _ => Err(KeyProblem::Member(name)),
    };
    let mut point = Vec::with_capacity(1 + 2 * length);
    if algorithm == Algorithm::EdDsa {
        point.extend(coordinate("x")?);
    } else {
        // SEC 1 section 2.3.3: 4 announces an uncompressed point.
        point.push(4);
        point.extend(coordinate("x")?);
        point.extend(coordinate("y")?);
    }
    ParsedPublicKey::new(parameters, point).map_err(|_| KeyProblem::NotAKey)
}

fn number(entry: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyProblem> {
    text(entry, name)?
        .and_then(strict_base64url)
        .ok_or(KeyProblem::Member(name))
}

/// A key id as it may stand in a log: short, and without characters that end lines or move the cursor.
pub(super) fn printable(kid: &str) -> String {
    kid.chars().take(128).flat_map(char::escape_debug).collect()
}

fn text<'a>(
    entry: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, KeyProblem> {
    match entry.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(KeyProblem::Member(name)),
    }
}
