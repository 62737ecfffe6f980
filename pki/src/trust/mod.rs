//! What a TLS stage needs, and no sockets: whom to trust, who the peer is, what to present.
//!
//! A [`Trust`] is an immutable snapshot. When it changes, build a **new** `rustls::ServerConfig` around a new
//! [`client_verifier`]: sessions are resumed without asking the verifier, so a configuration that outlives its trust lets
//! a revoked client back in (`tests/handshake.rs` shows it). Connections that are already open are held against the
//! new snapshot with [`verify_again`].

mod certificates;
mod peer;
mod provider;
mod remembered;
mod verifier;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

pub use certificates::{Certificates, Material, MaterialError};
pub use peer::{PeerIdentity, PeerIdentityError};
pub use provider::provider;
pub use verifier::{ClientAuth, client_verifier, server_verifier};

use remembered::{Key, Remembered};

use crate::name::AltName;
use crate::verify::{
    self, Anchors, CrlError, CrlInfo, Crls, Path, Profile, Question, Reason, Usage,
};

/// Trust as it is configured: PEM, as read from files.
#[derive(Clone, Debug, Default)]
pub struct TrustFile {
    /// Trust anchors, one or more certificates.
    pub anchors: Vec<u8>,
    /// Revocation lists, each any number of lists. None at all: revocation is not checked.
    pub crls: Vec<Vec<u8>>,
    /// How much is asked of certificates.
    pub profile: Profile,
}

/// Whom to trust, and who has been revoked: an immutable snapshot.
#[derive(Debug)]
pub struct Trust {
    anchors: Anchors,
    crls: Crls,
    profile: Profile,
    remembered: Remembered,
}

/// Why trust cannot be put into force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The anchors cannot be read.
    #[error(transparent)]
    Anchors(Reason),
    /// An anchor would refuse every path that ends in it.
    #[error("trust anchor `{subject}`: {reason}")]
    Anchor {
        /// Its subject.
        subject: String,
        /// The rule it breaks.
        reason: Reason,
    },
    /// A revocation list cannot be used.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// A revocation list was configured and is empty.
    #[error(
        "revocation list number {0} of the configuration is empty: leave it out, or give a list that revokes nothing"
    )]
    EmptyCrl(usize),
}

impl TryFrom<&TrustFile> for Trust {
    type Error = TrustError;

    /// Reads and checks all of it; what is half right is wrong.
    fn try_from(file: &TrustFile) -> Result<Self, TrustError> {
        if let Some(empty) = file.crls.iter().position(|pem| pem.trim_ascii().is_empty()) {
            return Err(TrustError::EmptyCrl(empty + 1));
        }
        let anchors = Anchors::from_pem(&file.anchors).map_err(TrustError::Anchors)?;
        if file.profile == Profile::Strict {
            for anchor in anchors.as_slice() {
                if let Err(rule) = anchor.profile() {
                    let subject = PeerIdentity::from_der(anchor.certificate())
                        .map(|identity| identity.subject)
                        .unwrap_or_default();
                    return Err(TrustError::Anchor {
                        subject,
                        reason: rule.into(),
                    });
                }
            }
        }
        // A block may end without a line break; the next one must still begin on its own line.
        let crls = Crls::from_pem(&file.crls.join(&b'\n'))?;
        Ok(Self {
            anchors,
            crls,
            profile: file.profile,
            remembered: Remembered::default(),
        })
    }
}

impl Trust {
    /// What the revocation lists in force say about themselves, for warnings before they expire.
    #[must_use]
    pub fn crls(&self) -> &[CrlInfo] {
        self.crls.infos()
    }

    /// The anchors in force.
    #[must_use]
    pub const fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Checks that no revocation list is older than in `before`, or has gone.
    ///
    /// # Errors
    /// The first list that goes back. Whether that is accepted, when an authority is removed for example, is for the
    /// caller to say.
    pub fn follows(&self, before: &Self) -> Result<(), CrlError> {
        self.crls.follows(&before.crls)
    }

    /// Finds a path for `question` under this trust.
    ///
    /// # Errors
    /// The reason why there is none.
    pub fn validate(&self, question: &Question<'_>) -> Result<Path, Reason> {
        verify::validate(&self.anchors, &self.crls, self.profile, question)
    }

    /// Whether `chain`, leaf first, is accepted; remembered if so.
    fn accept(
        &self,
        chain: &[CertificateDer<'_>],
        usage: Usage,
        names: &[AltName],
        now: Timestamp,
    ) -> Result<(), Reason> {
        let Some((leaf, intermediates)) = chain.split_first() else {
            return Err(Reason::Malformed("chain: no certificate in it".to_owned()));
        };
        let key = Key::new(chain, usage, names);
        let second = verify::floor_seconds(now);
        if key.is_some_and(|key| self.remembered.holds(key, second)) {
            return Ok(());
        }
        let question = Question {
            leaf,
            intermediates,
            usage,
            names,
            max_intermediates: None,
            at: now,
        };
        let seconds = verify::accept(&self.anchors, &self.crls, self.profile, &question)?;
        if let Some(key) = key {
            self.remembered.keep(key, seconds);
        }
        Ok(())
    }
}

/// Holds the chain that a client presented, leaf first, against `trust` as it is now.
///
/// # Errors
/// Why the connection may not go on.
pub fn verify_again(
    trust: &Trust,
    chain: &[CertificateDer<'_>],
    now: Timestamp,
) -> Result<(), Reason> {
    trust.accept(chain, Usage::Client, &[], now)
}
