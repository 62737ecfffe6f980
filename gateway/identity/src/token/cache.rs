//! Tokens that were verified already.
//!
//! A signature costs tens of microseconds, a request without one about as much in all; callers send the same token
//! with every request. So the outcome is kept under the token's SHA-256 while it holds.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;

use super::{MAX_TOKEN_BYTES, TokenRefusal, Verified, Verifier};
use crate::bounded::Bounded;

/// Verified tokens, bounded. Refusals are not kept: they are cheap to repeat for a limit, and a key may arrive.
#[derive(Debug)]
pub struct TokenCache {
    entries: Bounded<[u8; 32], Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    generation: u64,
    verified: Arc<Verified>,
}

impl TokenCache {
    /// A cache for about `capacity` tokens.
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: Bounded::new(capacity),
        }
    }

    /// What `verifier` says about a token, from memory if it said so before.
    ///
    /// A verifier of another generation (other keys, other rules) is asked anew, and so is one whose answer has run out.
    ///
    /// # Errors
    ///
    /// As [`Verifier::verify`].
    pub fn verify(
        &self,
        verifier: &Verifier,
        token: &str,
        now: Timestamp,
    ) -> Result<Arc<Verified>, TokenRefusal> {
        // Checked here too, so that an oversized token is not even hashed.
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenRefusal::TooLarge {
                length: token.len(),
            });
        }
        let Ok(key) = <[u8; 32]>::try_from(digest(&SHA256, token.as_bytes()).as_ref()) else {
            return verifier.verify(token, now).map(Arc::new);
        };
        let generation = verifier.generation();
        let usable =
            |entry: &Entry| entry.generation == generation && entry.verified.is_good_at(now);
        if let Some(entry) = self.entries.get(&key, usable) {
            return Ok(entry.verified);
        }
        let verified = Arc::new(verifier.verify(token, now)?);
        let entry = Entry {
            generation,
            verified: Arc::clone(&verified),
        };
        self.entries.put(key, entry, |old| {
            old.generation < generation || old.verified.expires <= now
        });
        Ok(verified)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries.clear();
    }

    /// Number of tokens in memory.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
