//! `Hangu-Binding`: ties an assertion to one request, for portals that ask for it.
//!
//! ```text
//! Hangu-Binding: v1;t=1800000000;d=01JD…;b=<base64url SHA-256 of the body, or ->;m=<base64url HMAC-SHA256>
//! ```
//!
//! The MAC, under a key that only the gateway and the portal have, covers `hangu-binding-v1`, the assertion's SHA-256,
//! the method, the path with its query as forwarded, the body digest, the decision id and the time. An assertion that
//! was stolen is then of no use for another path, and a recorded request of none a little later.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use crate::token::strict_base64url;

/// Longest header value that is looked at. Chosen: a decision id of 128 characters fits.
const MAX_LENGTH: usize = 512;

/// The key that the gateway shares with one portal.
pub struct BindingKey(hmac::Key);

/// What is tied together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound<'a> {
    /// SHA-256 of the assertion's text.
    pub assertion: &'a [u8; 32],
    /// The request's method.
    pub method: &'a str,
    /// Path and query exactly as forwarded.
    pub path: &'a str,
    /// SHA-256 of the body, or nothing when it is streamed and not known beforehand.
    pub body: Option<&'a [u8; 32]>,
}

/// What a binding says beside its MAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The gateway's decision id; an upstream that wants each request only once remembers it for the window.
    pub decision: String,
    /// When the gateway forwarded the request.
    pub at: Timestamp,
}

/// Why a binding cannot be made or does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// The key is too short.
    #[error("the binding key has fewer than 32 bytes")]
    WeakKey,
    /// The decision id has characters that cannot stand in the header, or too many of them.
    #[error("the decision id must be 1 to 128 letters, digits, `-`, `_` or `.`")]
    DecisionId,
    /// Not of the form.
    #[error("the binding is malformed")]
    Malformed,
    /// The body's digest is missing or another.
    #[error("the binding is for another body")]
    OtherBody,
    /// Too old, or from the future.
    #[error("the binding is outside its time window")]
    OutsideWindow,
    /// The MAC does not fit the request.
    #[error("the binding does not fit the request")]
    WrongMac,
}

impl BindingKey {
    /// A key of these bytes.
    ///
    /// # Errors
    ///
    /// When there are fewer than 32.
    pub fn new(bytes: &[u8]) -> Result<Self, BindingError> {
        if bytes.len() < 32 {
            Err(BindingError::WeakKey)
        } else {
            Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
        }
    }

    /// The header's value for a request that is forwarded now.
    ///
    /// # Errors
    ///
    /// When the decision id cannot stand in a header.
    pub fn bind(
        &self,
        bound: Bound<'_>,
        decision: &str,
        now: Timestamp,
    ) -> Result<String, BindingError> {
        if !is_decision_id(decision) {
            return Err(BindingError::DecisionId);
        }
        let at = now.as_second();
        let mac = self.mac(bound, decision, at);
        let body = bound
            .body
            .map_or_else(|| "-".to_owned(), |digest| URL_SAFE_NO_PAD.encode(digest));
        Ok(format!(
            "v1;t={at};d={decision};b={body};m={}",
            URL_SAFE_NO_PAD.encode(mac)
        ))
    }

    /// What an upstream does with the header: checks that it is for this request, made within `window` of `now`.
    ///
    /// Where `bound.body` is nothing, a body digest in the header is refused: check it, or do not ask for it.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn verify(
        &self,
        value: &str,
        bound: Bound<'_>,
        now: Timestamp,
        window: SignedDuration,
    ) -> Result<Binding, BindingError> {
        if value.len() > MAX_LENGTH {
            return Err(BindingError::Malformed);
        }
        let mut parts = value.split(';');
        let mut part = |name: &str| {
            parts
                .next()
                .and_then(|part| part.strip_prefix(name))
                .ok_or(BindingError::Malformed)
        };
        part("v1").and_then(|rest| {
            if rest.is_empty() {
                Ok(())
            } else {
                Err(BindingError::Malformed)
            }
        })?;
        let (time, decision, body, mac) = (part("t=")?, part("d=")?, part("b=")?, part("m=")?);
        if parts.next().is_some() || !is_decision_id(decision) {
            return Err(BindingError::Malformed);
        }
        let seconds: i64 = time.parse().map_err(|_| BindingError::Malformed)?;
        let at = Timestamp::from_second(seconds).map_err(|_| BindingError::Malformed)?;
        // One spelling only, so that a binding that was seen before is recognised.
        if seconds.to_string() != time {
            return Err(BindingError::Malformed);
        }
        if (body == "-") == bound.body.is_some()
            || (body != "-"
                && strict_base64url(body).as_deref() != bound.body.map(<[u8; 32]>::as_slice))
        {
            return Err(BindingError::OtherBody);
        }
        let mac = strict_base64url(mac).ok_or(BindingError::Malformed)?;
        let expect = self.mac(bound, decision, seconds);
        aws_lc_rs::constant_time::verify_slices_are_equal(expect.as_ref(), &mac)
            .map_err(|_| BindingError::WrongMac)?;
        // After the MAC: to a stranger, every time is as wrong as every other.
        if at.duration_since(now).abs() > window {
            return Err(BindingError::OutsideWindow);
        }
        Ok(Binding {
            decision: decision.to_owned(),
            at,
        })
    }

    /// Each field goes in after its length, so that no two requests run together into one text.
    fn mac(&self, bound: Bound<'_>, decision: &str, at: i64) -> hmac::Tag {
        let body = bound.body.map_or(b"-".as_slice(), <[u8; 32]>::as_slice);
        let fields: [&[u8]; 7] = [
            b"hangu-binding-v1",
            bound.assertion,
            bound.method.as_bytes(),
            bound.path.as_bytes(),
            body,
            decision.as_bytes(),
            &at.to_be_bytes(),
        ];
        let mut message = Vec::with_capacity(256 + bound.path.len());
        for field in fields {
            let length = u64::try_from(field.len()).unwrap_or(u64::MAX);
            message.extend_from_slice(&length.to_be_bytes());
            message.extend_from_slice(field);
        }
        hmac::sign(&self.0, &message)
    }
}

impl fmt::Debug for BindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BindingKey(..)")
    }
}

fn is_decision_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests;
