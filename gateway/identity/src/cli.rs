//! `hangu token verify`: a token per line in, a verdict per line out.

use std::io::{self, BufRead, Read as _, Write};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    json,
    token::{Algorithm, Jwks, JwksError, MAX_TOKEN_BYTES, TokenRefusal, verify_signature},
};

/// What the command was told.
#[derive(Debug, Clone)]
pub struct VerifyArguments {
    /// The key set: an object with `keys`, or one JSON Web Key alone.
    pub jwks: Vec<u8>,
    /// The `iss` that tokens must have.
    pub issuer: Option<String>,
    /// The audience that tokens must be for.
    pub audience: Option<String>,
    /// The moment to judge times by; now, unless it was given.
    pub at: Timestamp,
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every token is valid: exit status 0.
    AllValid,
    /// At least one is not: exit status 1.
    SomeInvalid,
}

/// Why the command could not run: exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The key set is none.
    #[error(transparent)]
    Keys(#[from] JwksError),
    /// Reading or writing failed.
    #[error("cannot read tokens or write verdicts: {0}")]
    Io(#[from] io::Error),
}

/// Reads tokens and writes a line `{"valid", "reason", "claims"}` for each; empty lines are passed over.
///
/// What is asked for is what is checked: the signature always, by any algorithm that the key is for; times where the
/// token has them; issuer and audience when they are given, and then `exp` must be there. Without both, the content
/// need not be claims, so that any signed content can be checked; `claims` is then null.
///
/// A key set whose keys are refused makes every token invalid, with the reason.
///
/// # Errors
///
/// When the key set cannot be read, or the streams fail.
pub fn verify(
    arguments: &VerifyArguments,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<Outcome, VerifyError> {
    let keys = match read_keys(&arguments.jwks) {
        Err(error) if !error.is_about_keys() => return Err(error.into()),
        keys => keys,
    };
    let mut outcome = Outcome::AllValid;
    while let Some(line) = read_line(input)? {
        let token = line.trim_ascii();
        if token.is_empty() {
            continue;
        }
        let verdict = match &keys {
            Ok(keys) => judge(token, keys, arguments).map_err(|refusal| refusal.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let line = match verdict {
            Ok(claims) => json!({"valid": true, "reason": null, "claims": claims}),
            Err(reason) => {
                outcome = Outcome::SomeInvalid;
                json!({"valid": false, "reason": reason, "claims": null})
            }
        };
        writeln!(output, "{line}")?;
    }
    output.flush()?;
    Ok(outcome)
}

fn read_keys(bytes: &[u8]) -> Result<Jwks, JwksError> {
    let alone = json::parse_object(bytes)
        .is_ok_and(|object| object.contains_key("kty") && !object.contains_key("keys"));
    if alone {
        return Jwks::parse(&[br#"{"keys":["#.as_slice(), bytes, b"]}"].concat());
    }
    Jwks::parse(bytes)
}

/// A line of at most a little more than a token; what is longer is passed over and comes back cut.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let limit = u64::try_from(MAX_TOKEN_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(16);
    let mut line = Vec::new();
    if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

fn judge(
    token: &[u8],
    keys: &Jwks,
    arguments: &VerifyArguments,
) -> Result<Option<Map<String, Value>>, TokenRefusal> {
    let token =
        std::str::from_utf8(token).map_err(|_| TokenRefusal::Malformed("it is not text"))?;
    let payload = verify_signature(token, keys, &Algorithm::ALL)?;
    let strict = arguments.issuer.is_some() || arguments.audience.is_some();
    let claims = match json::parse_object(&payload) {
        Ok(claims) => claims,
        Err(_) if !strict && !is_object_like(&payload) => {
            return Ok(None);
        }
        Err(_) => {
            return Err(TokenRefusal::Malformed(
                "its payload is not a JSON object with distinct names",
            ));
        }
    };
    crate::token::check_claims(
        &claims,
        arguments.issuer.as_deref(),
        arguments.audience.as_deref(),
        arguments.at,
    )?;
    Ok(Some(claims))
}

/// Whether the content was meant to be an object; one that does not read is then a refusal and not just content.
fn is_object_like(payload: &[u8]) -> bool {
    payload.trim_ascii_start().starts_with(b"{")
}

#[cfg(test)]
mod tests;
