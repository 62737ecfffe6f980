//! Compact signatures (RFC 7515): taking a token apart, and checking who signed it.

use serde_json::{Map, Value};

use super::{Algorithm, Jwks, TokenRefusal, strict_base64url};
use crate::json;

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Header members that bring or point to keys, change how the rest is read, or belong to encryption.
const NOT_ALLOWED: [&str; 11] = [
    "jku", "x5u", "jwk", "x5c", "crit", "b64", "zip", "enc", "epk", "p2c", "p2s",
];

/// A token taken apart; nothing in it is believed yet.
pub(super) struct Compact<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) payload: Vec<u8>,
    signed: &'a [u8],
    signature: Vec<u8>,
}

/// Checks only that a key of the set signed the token with one of the algorithms, and gives back what was signed.
///
/// # Errors
///
/// When the token cannot be read, its header is not acceptable, no key fits, or the signature is wrong.
pub fn verify_signature(
    token: &str,
    keys: &Jwks,
    algorithms: &[Algorithm],
) -> Result<Vec<u8>, TokenRefusal> {
    let compact = Compact::parse(token)?;
    compact.verify("", keys, algorithms)?;
    Ok(compact.payload)
}

impl<'a> Compact<'a> {
    /// Takes a token apart.
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenRefusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenRefusal::TooLarge {
                length: token.len(),
            });
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenRefusal::Malformed("it does not have three parts"));
        };
        match parts.count() {
            0 => {}
            2 => return Err(TokenRefusal::Encrypted),
            _ => return Err(TokenRefusal::Malformed("it does not have three parts")),
        }
        let signed = token
            .as_bytes()
            .get(..header.len() + 1 + payload.len())
            .ok_or(TokenRefusal::Malformed("it does not have three parts"))?;
        let header = strict_base64url(header).ok_or(TokenRefusal::Malformed(
            "its header is not canonical base64url",
        ))?;
        let header = json::parse_object(&header).map_err(|_| {
            TokenRefusal::Malformed("its header is not a JSON object with distinct names")
        })?;
        if let Some(name) = NOT_ALLOWED
            .into_iter()
            .find(|name| header.contains_key(*name))
        {
            return Err(TokenRefusal::HeaderNotAllowed(name));
        }
        let algorithm = text(&header, "alg")?
            .as_deref()
            .and_then(Algorithm::from_name);
        if text(&header, "cty")?.is_some_and(|cty| is_type(&cty, "JWT")) {
            return Err(TokenRefusal::Nested);
        }
        let payload = strict_base64url(payload).ok_or(TokenRefusal::Malformed(
            "its payload is not canonical base64url",
        ))?;
        let signature = strict_base64url(signature).ok_or(TokenRefusal::Malformed(
            "its signature is not canonical base64url",
        ))?;
        Ok(Self {
            algorithm: algorithm.ok_or(TokenRefusal::UnknownAlgorithm)?,
            kid: text(&header, "kid")?,
            typ: text(&header, "typ")?,
            payload,
            signed,
            signature,
        })
    }

    /// Checks the signature: algorithm, key, then the mathematics.
    pub(super) fn verify(
        &self,
        issuer: &str,
        keys: &Jwks,
        algorithms: &[Algorithm],
    ) -> Result<(), TokenRefusal> {
        if !algorithms.contains(&self.algorithm) {
            return Err(TokenRefusal::AlgorithmNotAllowed(self.algorithm.name()));
        }
        let key = keys.select(issuer, self.kid.as_deref(), self.algorithm)?;
        key.verify_sig(self.signed, &self.signature)
            .map_err(|_| TokenRefusal::BadSignature)
    }
}

/// Whether a `typ` or `cty` is the wanted media type: case does not matter, nor a leading `application/`.
pub(super) fn is_type(given: &str, wanted: &str) -> bool {
    let plain = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_prefix("application/")
            .map_or(text.clone(), str::to_owned)
    };
    plain(given) == plain(wanted)
}

fn text(header: &Map<String, Value>, name: &'static str) -> Result<Option<String>, TokenRefusal> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(TokenRefusal::Malformed(
            "a member of its header is not text",
        )),
    }
}
