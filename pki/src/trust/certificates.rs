//! What a listener presents: certificates with their keys, chosen by the name that the client asks for.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{PeerIdentity, PeerIdentityError, provider};
use crate::name::{self, Wildcard};

/// One certificate with its chain and key, checked and ready to be presented.
#[derive(Clone, Debug)]
pub struct Material {
    key: Arc<CertifiedKey>,
    identity: PeerIdentity,
}

/// Why a certificate cannot be presented.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// The chain is no PEM, or has no certificate in it.
    #[error("certificate chain: expected one or more `CERTIFICATE` blocks in PEM ({0})")]
    Chain(String),
    /// The key is no PEM, or of an unknown kind.
    #[error(
        "private key: expected one `PRIVATE KEY`, `EC PRIVATE KEY` or `RSA PRIVATE KEY` block in PEM ({0})"
    )]
    Key(String),
    /// The leaf cannot be read.
    #[error("certificate: {0}")]
    Leaf(#[from] PeerIdentityError),
    /// The key belongs to another certificate.
    #[error("the private key does not belong to the certificate of `{0}`")]
    KeyMismatch(String),
    /// The certificate has expired.
    #[error("the certificate of `{subject}` expired at {at}")]
    Expired {
        /// Its subject.
        subject: String,
        /// Its last second.
        at: Timestamp,
    },
    /// The certificate is not valid yet.
    #[error("the certificate of `{subject}` is valid from {at} only")]
    NotYetValid {
        /// Its subject.
        subject: String,
        /// Its first second.
        at: Timestamp,
    },
    /// The certificate names no host and no address.
    #[error(
        "the certificate of `{0}` has no DNS name and no address among its subject alternative names, so no client will accept it"
    )]
    NoNames(String),
}

impl Material {
    /// Reads a server's chain, leaf first, and its key.
    ///
    /// # Errors
    /// They cannot be read, do not belong together, carry no host name or address, or are not valid at `now`.
    pub fn server(chain_pem: &[u8], key_pem: &[u8], now: Timestamp) -> Result<Self, MaterialError> {
        let material = Self::client(chain_pem, key_pem, now)?;
        if material.identity.dns.is_empty() && material.identity.ip.is_empty() {
            return Err(MaterialError::NoNames(material.identity.subject));
        }
        Ok(material)
    }

    /// Reads the chain and key that the gateway presents to upstreams.
    ///
    /// # Errors
    /// They cannot be read, do not belong together, or are not valid at `now`.
    pub fn client(chain_pem: &[u8], key_pem: &[u8], now: Timestamp) -> Result<Self, MaterialError> {
        let chain = CertificateDer::pem_slice_iter(chain_pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| MaterialError::Chain(error.to_string()))?;
        let leaf = chain
            .first()
            .ok_or_else(|| MaterialError::Chain("none found".to_owned()))?;
        let identity = PeerIdentity::from_der(leaf)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem)
            .map_err(|error| MaterialError::Key(error.to_string()))?;
        let key = provider()
            .key_provider
            .load_private_key(key)
            .map_err(|error| MaterialError::Key(error.to_string()))?;
        let key = CertifiedKey::new(chain, key);
        // rustls says "unknown" for keys that cannot tell their public half; those are refused as well.
        key.keys_match()
            .map_err(|_| MaterialError::KeyMismatch(identity.subject.clone()))?;
        let (from, until) = (second(identity.not_before), second(identity.not_after));
        if now > until {
            return Err(MaterialError::Expired {
                subject: identity.subject,
                at: until,
            });
        }
        if now < from {
            return Err(MaterialError::NotYetValid {
                subject: identity.subject,
                at: from,
            });
        }
        Ok(Self {
            key: Arc::new(key),
            identity,
        })
    }

    /// What the leaf says about itself: its names, its end.
    #[must_use]
    pub const fn identity(&self) -> &PeerIdentity {
        &self.identity
    }

    /// The chain and key as rustls takes them.
    #[must_use]
    pub const fn certified_key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }
}

/// Certificate times reach from 1950 to 9999, which a timestamp can hold; beyond that, nothing is valid.
fn second(unix: i64) -> Timestamp {
    Timestamp::from_second(unix).unwrap_or(if unix < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// Chooses the certificate by the name that the client asks for: by exact name, then by wildcard, then the default.
///
/// Several certificates may carry one name; the first whose key fits the client's signature schemes is taken, so an
/// ECDSA and an RSA certificate can stand side by side.
#[derive(Debug, Default)]
pub struct Certificates {
    exact: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// By what follows the `*.`.
    wildcard: HashMap<String, Vec<Arc<CertifiedKey>>>,
    default: Option<Arc<CertifiedKey>>,
}

impl Certificates {
    /// Takes all certificates, and the one that is presented when no name is asked for or none fits.
    ///
    /// Without a default such handshakes are refused.
    #[must_use]
    pub fn new(materials: &[Material], default: Option<&Material>) -> Self {
        let mut certificates = Self {
            default: default.map(|material| Arc::clone(&material.key)),
            ..Self::default()
        };
        for material in materials {
            for dns in &material.identity.dns {
                let lower = dns.to_ascii_lowercase();
                if !name::is_dns_name(&lower, Wildcard::Allowed) {
                    continue;
                }
                let keys = match lower.strip_prefix("*.") {
                    Some(base) => certificates.wildcard.entry(base.to_owned()),
                    None => certificates.exact.entry(lower),
                };
                keys.or_default().push(Arc::clone(&material.key));
            }
        }
        certificates
    }

    /// The certificates that carry `name`, best first; the name may be in any case.
    #[must_use]
    pub fn carrying(&self, name: &str) -> &[Arc<CertifiedKey>] {
        let lower = name.to_ascii_lowercase();
        let exact = self.exact.get(&lower);
        let wildcard = || {
            lower
                .split_once('.')
                .and_then(|(_, base)| self.wildcard.get(base))
        };
        exact.or_else(wildcard).map_or(&[], Vec::as_slice)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello
            .server_name()
            .map(|name| self.carrying(name))
            .unwrap_or_default();
        let fitting = named
            .iter()
            .find(|key| key.key.choose_scheme(hello.signature_schemes()).is_some());
        fitting.or(named.first()).or(self.default.as_ref()).cloned()
    }
}
