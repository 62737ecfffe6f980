//! The Ed25519 keys that sign records.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

/// A key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// Not a private key.
    #[error("not an Ed25519 private key; expected PKCS#8 in DER")]
    Private,
    /// Not a public key.
    #[error("not an Ed25519 public key; expected 32 bytes")]
    Public,
}

/// The private key that signs records.
pub struct SigningKey(Ed25519KeyPair);

/// The public half.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublicKey([u8; 32]);

impl SigningKey {
    /// Reads a private key, PKCS#8 version 1 or 2 in DER.
    ///
    /// # Errors
    ///
    /// Anything else.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, NoKey> {
        // The unchecked form also takes version 1, which is what OpenSSL writes.
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .map(Self)
            .map_err(|_| NoKey::Private)
    }

    /// Makes a new key, as PKCS#8 in DER.
    ///
    /// # Errors
    ///
    /// When the system's random source fails.
    pub fn generate_pkcs8() -> Result<Vec<u8>, NoKey> {
        let pair = Ed25519KeyPair::generate().map_err(|_| NoKey::Private)?;
        let der = pair.to_pkcs8().map_err(|_| NoKey::Private)?;
        Ok(der.as_ref().to_vec())
    }

    /// The public half.
    ///
    /// # Errors
    ///
    /// Never for a key of this type; the library says so in its types only.
    pub fn public(&self) -> Result<PublicKey, NoKey> {
        PublicKey::new(self.0.public_key().as_ref())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl PublicKey {
    /// A public key of 32 bytes.
    ///
    /// # Errors
    ///
    /// Another length.
    pub fn new(bytes: &[u8]) -> Result<Self, NoKey> {
        bytes.try_into().map(Self).map_err(|_| NoKey::Public)
    }

    /// The key itself.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(message, signature)
            .is_ok()
    }
}
