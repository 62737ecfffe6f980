//! Bearer tokens: JWTs signed by an issuer that the configuration names, with keys that the gateway fetched itself.
//!
//! What a token says about how to check it is never believed: the algorithm must be on the issuer's list and fit the
//! key, the key comes from the pinned set by `kid` alone, and a header that brings or points to keys (`jku`, `jwk`,
//! `x5u`, `x5c`), changes the meaning of the rest (`crit`, `b64`, `zip`) or encrypts is a refusal.
//!
//! Reading order: [`Verifier::verify`] is the whole check in a column; [`Jwks`] the keys; [`IssuerFile`] what is
//! configured; [`TokenCache`] what makes the second time cheap.

mod algorithm;
mod cache;
mod claims;
mod issuer;
mod jwks;
mod jws;
mod refusal;
mod roca;
mod verifier;

pub use algorithm::Algorithm;
pub use cache::TokenCache;
pub use issuer::{
    AssuranceClaimFile, ClaimMapFile, ClearanceClaimFile, Issuer, IssuerError, IssuerFile,
};
pub use jwks::{Jwks, JwksError, KeyProblem, MAX_JWKS_BYTES, MAX_KEYS};
pub use jws::{MAX_TOKEN_BYTES, verify_signature};
pub use refusal::TokenRefusal;
pub use verifier::{Verified, Verifier, VerifierError};

pub(crate) use algorithm::strict_base64url;
pub(crate) use claims::check_claims;

#[cfg(test)]
pub(crate) mod tests;
