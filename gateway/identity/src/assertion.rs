//! `Hangu-Assertion`: what the gateway tells an upstream about the caller, signed.
//!
//! One signature costs as much as the rest of a request, so an assertion is for one caller and one portal, lives at
//! most a minute, and is reused while enough of it remains. What ties it to one request is a MAC: [`crate::binding`].

use std::{collections::hash_map::RandomState, hash::BuildHasher as _, sync::Arc};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    bounded::Bounded,
    caller::{Caller, CallerKind, Proof},
    random,
    time::after,
    token::{Algorithm, Jwks, TokenRefusal, verify_signature},
};

/// The `typ` of an assertion, so that it can pass for no other kind of token (RFC 8725 section 3.11).
pub const TYPE: &str = "hangu-assertion+jwt";

/// Longest life of an assertion.
pub const MAX_LIFETIME: SignedDuration = SignedDuration::from_secs(60);

/// An assertion is used again while at least this much of it remains, for the upstream's clock and the way there.
pub const MIN_REMAINING: SignedDuration = SignedDuration::from_secs(10);

/// Longest assertion that an upstream's check looks at; attributes can make one longer than a token we would take.
const MAX_BYTES: usize = 8 * 1024;

/// A signed assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The value of the header field.
    pub text: String,
    /// SHA-256 of the text, which [`crate::binding`] ties to a request.
    pub digest: [u8; 32],
    /// When it ends.
    pub expires: Timestamp,
}

/// Signs assertions with one key, and remembers those that can be used again.
#[derive(Debug)]
pub struct AssertionSigner {
    key: EcdsaKeyPair,
    kid: String,
    issuer: String,
    lifetime: SignedDuration,
    made: Bounded<u64, Made>,
    hasher: RandomState,
}

#[derive(Debug, Clone)]
struct Made {
    caller: Arc<Caller>,
    portal: Arc<str>,
    certificate: Option<[u8; 32]>,
    issued: Timestamp,
    assertion: Arc<Assertion>,
}

/// Why there is no assertion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// The key is not one for ES256.
    #[error("the assertion key is not a P-256 private key in PKCS#8")]
    Key,
    /// The lifetime would not leave time for reuse, or is too long.
    #[error("the lifetime of assertions is {0:#}; use 15s to 60s")]
    Lifetime(SignedDuration),
    /// No issuer.
    #[error("the issuer of assertions is empty; give the gateway's name")]
    Issuer,
    /// Signing failed, for want of random bytes.
    #[error("the assertion could not be signed")]
    Signing,
    /// The caller's attributes are more than fits in a header field.
    #[error(
        "the assertion would be {0} bytes long; at most {MAX_BYTES} fit, so map fewer attributes"
    )]
    TooLarge(usize),
}

/// A new P-256 key in PKCS#8.
///
/// # Errors
///
/// When the operating system gives no random bytes.
pub fn generate_key() -> Result<Zeroizing<Vec<u8>>, AssertionError> {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    Ok(Zeroizing::new(
        document
            .map_err(|_| AssertionError::Signing)?
            .as_ref()
            .to_vec(),
    ))
}

impl AssertionSigner {
    /// A signer with a PKCS#8 key that remembers about `capacity` assertions.
    ///
    /// # Errors
    ///
    /// When the key, the issuer or the lifetime cannot be used.
    pub fn new(
        pkcs8: &[u8],
        issuer: &str,
        lifetime: SignedDuration,
        capacity: usize,
    ) -> Result<Self, AssertionError> {
        if !(SignedDuration::from_secs(15)..=MAX_LIFETIME).contains(&lifetime) {
            return Err(AssertionError::Lifetime(lifetime));
        }
        if issuer.is_empty() {
            return Err(AssertionError::Issuer);
        }
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|_| AssertionError::Key)?;
        let (x, y) = coordinates(&key).ok_or(AssertionError::Key)?;
        // RFC 7638: the members that make the key, in this order and without white space.
        let thumbprint = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Ok(Self {
            kid: URL_SAFE_NO_PAD.encode(digest(&SHA256, thumbprint.as_bytes())),
            key,
            issuer: issuer.to_owned(),
            lifetime,
            made: Bounded::new(capacity),
            hasher: RandomState::new(),
        })
    }

    /// The assertion for a caller at a portal, signed now or a while ago.
    ///
    /// # Errors
    ///
    /// When it cannot be signed; the request must not go on without.
    pub fn assertion(
        &self,
        caller: &Arc<Caller>,
        portal: &str,
        certificate: Option<&[u8; 32]>,
        now: Timestamp,
    ) -> Result<Arc<Assertion>, AssertionError> {
        let key = self.key_of(caller, portal, certificate);
        let fresh =
            |made: &Made| made.issued <= now && after(now, MIN_REMAINING) <= made.assertion.expires;
        // The key is a hash only, so all that went into it is compared; two callers must never share an assertion.
        let same = |made: &Made| {
            (Arc::ptr_eq(&made.caller, caller) || made.caller == *caller)
                && *made.portal == *portal
                && made.certificate.as_ref() == certificate
        };
        if let Some(made) = self.made.get(&key, |made| fresh(made) && same(made)) {
            return Ok(made.assertion);
        }
        let assertion = Arc::new(self.sign(caller, portal, certificate, now)?);
        let made = Made {
            caller: Arc::clone(caller),
            portal: portal.into(),
            certificate: certificate.copied(),
            issued: now,
            assertion: Arc::clone(&assertion),
        };
        self.made.put(key, made, |made| !fresh(made));
        Ok(assertion)
    }

    /// The public key as a JSON Web Key.
    pub fn public_jwk(&self) -> Value {
        let (x, y) = coordinates(&self.key).unwrap_or_default();
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "alg": "ES256", "use": "sig"})
    }

    /// The key id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(
        &self,
        caller: &Caller,
        portal: &str,
        certificate: Option<&[u8; 32]>,
        now: Timestamp,
    ) -> Result<Assertion, AssertionError> {
        let issued = now.as_second();
        let expires = issued.saturating_add(self.lifetime.as_secs());
        let id = random::bytes::<16>().map_err(|_| AssertionError::Signing)?;
        let mut claims = json!({
            "iss": self.issuer,
            "aud": portal,
            "sub": caller.id,
            "kind": kind(caller.kind),
            "aal": caller.assurance.level(),
            "clearance": caller.clearance,
            "amr": amr(caller.proof),
            "iat": issued,
            "exp": expires,
            "jti": URL_SAFE_NO_PAD.encode(id),
        });
        if let Some(claims) = claims.as_object_mut() {
            if let Some(department) = &caller.department {
                claims.insert("department".to_owned(), json!(department));
            }
            if caller.name != caller.id {
                claims.insert("name".to_owned(), json!(caller.name));
            }
            if !caller.roles.is_empty() {
                claims.insert("roles".to_owned(), json!(caller.roles));
            }
            if !caller.attributes.is_empty() {
                claims.insert("attributes".to_owned(), json!(caller.attributes));
            }
            if let Some(certificate) = certificate {
                claims.insert(
                    "cnf".to_owned(),
                    json!({"x5t#S256": URL_SAFE_NO_PAD.encode(certificate)}),
                );
            }
        }
        let header = json!({"alg": "ES256", "typ": TYPE, "kid": self.kid}).to_string();
        let mut text = URL_SAFE_NO_PAD.encode(header);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut text);
        let signature = self
            .key
            .sign(&SystemRandom::new(), text.as_bytes())
            .map_err(|_| AssertionError::Signing)?;
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut text);
        if text.len() > MAX_BYTES {
            return Err(AssertionError::TooLarge(text.len()));
        }
        let digest = sha256(text.as_bytes()).ok_or(AssertionError::Signing)?;
        Ok(Assertion {
            text,
            digest,
            expires: Timestamp::from_second(expires).unwrap_or(Timestamp::MAX),
        })
    }

    fn key_of(&self, caller: &Caller, portal: &str, certificate: Option<&[u8; 32]>) -> u64 {
        // Sessions of one caller at different assurance alternate, so that is part of the key as well.
        let parts = (
            &caller.id,
            caller.proof,
            caller.assurance,
            caller.clearance,
            portal,
            certificate,
        );
        self.hasher.hash_one(parts)
    }
}

/// The key set that upstreams check assertions with: the signer in use first, then those whose assertions still live.
pub fn jwks(signers: &[&AssertionSigner]) -> String {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.public_jwk()).collect();
    json!({ "keys": keys }).to_string()
}

/// What an upstream does with an assertion: whose it is, if it is the gateway's, for this portal and in time.
///
/// # Errors
///
/// When any of that is not so.
pub fn verify(
    text: &str,
    keys: &Jwks,
    issuer: &str,
    portal: &str,
    now: Timestamp,
) -> Result<Value, TokenRefusal> {
    let header = text
        .split('.')
        .next()
        .and_then(crate::token::strict_base64url)
        .unwrap_or_default();
    let header = crate::json::parse(&header)
        .map_err(|_| TokenRefusal::Malformed("its header is not a JSON object"))?;
    if header.get("typ").and_then(Value::as_str) != Some(TYPE) {
        return Err(TokenRefusal::TypeNotAllowed);
    }
    let payload = verify_signature(text, keys, &[Algorithm::Es256])?;
    let claims = crate::json::parse(&payload)
        .map_err(|_| TokenRefusal::Malformed("its payload is not a JSON object"))?;
    if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
        return Err(TokenRefusal::UnknownIssuer);
    }
    if claims.get("aud").and_then(Value::as_str) != Some(portal) {
        return Err(TokenRefusal::WrongAudience);
    }
    let expires = claims
        .get("exp")
        .and_then(Value::as_i64)
        .ok_or_else(|| TokenRefusal::ClaimMissing("exp".to_owned()))?;
    if now.as_second() >= expires {
        return Err(TokenRefusal::Expired);
    }
    Ok(claims)
}

pub(crate) fn sha256(bytes: &[u8]) -> Option<[u8; 32]> {
    digest(&SHA256, bytes).as_ref().try_into().ok()
}

/// The two halves of the public point, base64url.
fn coordinates(key: &EcdsaKeyPair) -> Option<(String, String)> {
    let (x, y) = key
        .public_key()
        .as_ref()
        .strip_prefix(&[4])?
        .split_at_checked(32)?;
    Some((URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
}

const fn kind(kind: CallerKind) -> &'static str {
    match kind {
        CallerKind::Person => "person",
        CallerKind::Service => "service",
        CallerKind::Device => "device",
        CallerKind::Nobody => "nobody",
    }
}

const fn amr(proof: Proof) -> &'static [&'static str] {
    match proof {
        Proof::None => &[],
        Proof::Certificate => &["certificate"],
        Proof::Token => &["token"],
        Proof::ApiKey => &["api-key"],
        Proof::Session => &["session"],
    }
}

#[cfg(test)]
mod tests;
