//! The whole check of a token, in order.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    Issuer, Jwks, TokenRefusal,
    claims::Claims,
    jwks::printable,
    jws::{Compact, is_type},
};
use crate::{
    caller::Caller,
    json,
    time::{after, before},
};

/// Claims that only tokens of another purpose have: id tokens (OpenID Connect Core 3.1.3.6) and logout tokens.
const OTHER_PURPOSES: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// Checks tokens of the configured issuers. A snapshot: new keys make a new verifier of a later generation.
#[derive(Debug, Clone)]
pub struct Verifier {
    issuers: Vec<(Arc<Issuer>, Option<Jwks>)>,
    generation: u64,
}

/// Why a verifier cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    /// Two issuers of one name.
    #[error("the issuer `{0}` is configured twice")]
    Duplicate(String),
    /// Keys for an issuer that is not configured.
    #[error("no issuer `{0}` is configured")]
    Unknown(String),
}

/// A token that passed every check but one: whether the one who presents it is the one it was issued to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The issuer.
    pub issuer: String,
    /// The first moment at which the token is refused, leeway and largest age included.
    pub expires: Timestamp,
    /// All claims.
    pub claims: Map<String, Value>,
    caller: Arc<Caller>,
    not_before: Timestamp,
    thumbprint: Option<String>,
}

impl Verifier {
    /// A verifier for these issuers. One without keys yet refuses its tokens with
    /// [`TokenRefusal::UnknownKey`], so that its keys are fetched.
    ///
    /// # Errors
    ///
    /// When two issuers have one name.
    pub fn new(issuers: Vec<(Issuer, Option<Jwks>)>) -> Result<Self, VerifierError> {
        let mut names = std::collections::HashSet::new();
        if let Some((twice, _)) = issuers
            .iter()
            .find(|(issuer, _)| !names.insert(issuer.name()))
        {
            return Err(VerifierError::Duplicate(twice.name().to_owned()));
        }
        let issuers = issuers
            .into_iter()
            .map(|(issuer, keys)| (Arc::new(issuer), keys))
            .collect();
        Ok(Self {
            issuers,
            generation: next_generation(),
        })
    }

    /// The same verifier with other keys for one issuer, of a later generation: what was cached under the old keys is
    /// verified again.
    ///
    /// # Errors
    ///
    /// When the issuer is not configured.
    pub fn with_keys(&self, issuer: &str, keys: Jwks) -> Result<Self, VerifierError> {
        let mut issuers = self.issuers.clone();
        let entry = issuers.iter_mut().find(|(known, _)| known.name() == issuer);
        let (_, slot) = entry.ok_or_else(|| VerifierError::Unknown(issuer.to_owned()))?;
        *slot = Some(keys);
        Ok(Self {
            issuers,
            generation: next_generation(),
        })
    }

    /// A number that no other verifier of this process has.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The keys of an issuer, as they were given or fetched last.
    pub fn keys_of(&self, issuer: &str) -> Option<&Jwks> {
        self.issuers
            .iter()
            .find(|(known, _)| known.name() == issuer)
            .and_then(|(_, keys)| keys.as_ref())
    }

    /// The names of the issuers.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter().map(|(issuer, _)| issuer.name())
    }

    /// Checks a token.
    ///
    /// # Errors
    ///
    /// The first reason to refuse it. [`TokenRefusal::UnknownKey`] is worth fetching the issuer's keys again, at a
    /// bounded rate.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenRefusal> {
        let compact = Compact::parse(token)?;
        let claims = json::parse_object(&compact.payload).map_err(|_| {
            TokenRefusal::Malformed("its payload is not a JSON object with distinct names")
        })?;

        // The issuer is read before the signature is checked, to know whose keys to use; it is proved by them.
        let issuer = match claims.get("iss") {
            None => return Err(TokenRefusal::ClaimMissing("iss".to_owned())),
            Some(value) => value
                .as_str()
                .ok_or_else(|| TokenRefusal::ClaimInvalid("iss".to_owned()))?,
        };
        let known = self
            .issuers
            .iter()
            .find(|(known, _)| known.name() == issuer);
        let (Issuer(rules), keys) = known
            .map(|(known, keys)| (known.as_ref(), keys))
            .ok_or(TokenRefusal::UnknownIssuer)?;

        if !rules
            .types
            .iter()
            .any(|wanted| accepts(wanted, compact.typ.as_deref()))
        {
            return Err(TokenRefusal::TypeNotAllowed);
        }
        match keys {
            None => {
                let kid = printable(&compact.kid.unwrap_or_default());
                return Err(TokenRefusal::UnknownKey {
                    issuer: issuer.to_owned(),
                    kid,
                });
            }
            Some(keys) => compact.verify(issuer, keys, &rules.algorithms)?,
        }

        let read = Claims(&claims);
        if let Some(other) = OTHER_PURPOSES.into_iter().find(|name| read.has(name)) {
            return Err(TokenRefusal::NotAccessToken(other));
        }
        if !read.is_for(&rules.audiences)? {
            return Err(TokenRefusal::WrongAudience);
        }
        let window = Window::of(&read, rules)?;
        window.check(now)?;
        if let Some(missing) = rules.required_claims.iter().find(|name| !read.has(name)) {
            return Err(TokenRefusal::ClaimMissing(missing.clone()));
        }
        let thumbprint = read.thumbprint()?;
        let caller = Arc::new(read.caller(&rules.caller)?);
        Ok(Verified {
            issuer: issuer.to_owned(),
            expires: window.until,
            not_before: window.from,
            thumbprint,
            caller,
            claims,
        })
    }
}

impl Verified {
    /// The caller, if whoever presents the token may: a token bound to a certificate (RFC 8705) is only good together
    /// with it. `certificate` is the SHA-256 of the client certificate of this very connection.
    ///
    /// # Errors
    ///
    /// When the token is bound to another certificate, or to one and none was presented.
    pub fn presented_by(
        &self,
        certificate: Option<&[u8; 32]>,
    ) -> Result<&Arc<Caller>, TokenRefusal> {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

        match (&self.thumbprint, certificate) {
            (None, _) => Ok(&self.caller),
            (Some(bound), Some(shown)) if *bound == URL_SAFE_NO_PAD.encode(shown) => {
                Ok(&self.caller)
            }
            (Some(_), _) => Err(TokenRefusal::NotTheSender),
        }
    }

    /// Whether the token is bound to a certificate.
    pub const fn is_bound(&self) -> bool {
        self.thumbprint.is_some()
    }

    /// Whether the token's time includes `now`.
    pub fn is_good_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now < self.expires
    }
}

/// When a token may be used.
struct Window {
    from: Timestamp,
    until: Timestamp,
    issued: Option<Timestamp>,
    oldest: Option<Timestamp>,
}

impl Window {
    fn of(claims: &Claims<'_>, rules: &super::IssuerFile) -> Result<Self, TokenRefusal> {
        let expiry = claims
            .moment("exp")?
            .ok_or_else(|| TokenRefusal::ClaimMissing("exp".to_owned()))?;
        let issued = claims.moment("iat")?;
        let oldest = match (rules.max_age, issued) {
            (None, _) => None,
            (Some(_), None) => return Err(TokenRefusal::ClaimMissing("iat".to_owned())),
            (Some(age), Some(issued)) => Some(after(after(issued, age), rules.leeway)),
        };
        let until = after(expiry, rules.leeway);
        let issued = issued.map(|issued| before(issued, rules.leeway));
        let from = claims
            .moment("nbf")?
            .map_or(Timestamp::MIN, |moment| before(moment, rules.leeway));
        Ok(Self {
            from: from.max(issued.unwrap_or(from)),
            until: oldest.map_or(until, |oldest| oldest.min(until)),
            issued,
            oldest,
        })
    }

    fn check(&self, now: Timestamp) -> Result<(), TokenRefusal> {
        if self.issued.is_some_and(|issued| now < issued) {
            return Err(TokenRefusal::IssuedInFuture);
        }
        if now < self.from {
            return Err(TokenRefusal::NotYet);
        }
        if now >= self.until {
            let too_old = self.oldest.is_some_and(|oldest| oldest == self.until);
            return Err(if too_old {
                TokenRefusal::TooOld
            } else {
                TokenRefusal::Expired
            });
        }
        Ok(())
    }
}

fn accepts(wanted: &str, given: Option<&str>) -> bool {
    wanted == "any" || given.is_some_and(|given| is_type(given, wanted))
}

fn next_generation() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
