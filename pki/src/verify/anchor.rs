//! Trust anchors: certificates that are trusted because they were put there.

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use webpki::VerifiedPath;
use x509_parser::certificate::Validity;

use super::profile::{self, Rule};
use super::{Reason, parse};

/// A set of trust anchors.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    anchors: Vec<Anchor>,
    /// The same, in the form and order that webpki takes.
    trust_anchors: Vec<TrustAnchor<'static>>,
}

/// One trust anchor and what was found out about it when it was loaded.
#[derive(Clone, Debug)]
pub struct Anchor {
    certificate: CertificateDer<'static>,
    /// First and last second of its validity, in Unix time.
    validity: (i64, i64),
    profile: Result<(), Rule>,
}

impl Anchors {
    /// Reads anchors from PEM. Text between the blocks is ignored, other kinds of block as well.
    ///
    /// # Errors
    /// The PEM or a certificate in it is broken, or there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Reason> {
        let certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Reason::Unusable(format!("trust anchors: broken PEM ({error})")))?;
        Self::from_der(certificates)
    }

    /// Takes anchors as DER.
    ///
    /// # Errors
    /// A certificate is broken, or there is none.
    pub fn from_der(
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<Self, Reason> {
        let mut set = Self::default();
        for certificate in certificates {
            let trust_anchor = webpki::anchor_from_trusted_cert(&certificate)
                .map_err(Reason::from)?
                .to_owned();
            let anchor = Anchor::new(certificate)?;
            set.trust_anchors.push(trust_anchor);
            set.anchors.push(anchor);
        }
        if set.anchors.is_empty() {
            return Err(Reason::Unusable(
                "trust anchors: no certificate in the PEM given".to_owned(),
            ));
        }
        Ok(set)
    }

    /// The anchors, in the order given.
    #[must_use]
    pub fn as_slice(&self) -> &[Anchor] {
        &self.anchors
    }

    pub(super) fn trust_anchors(&self) -> &[TrustAnchor<'static>] {
        &self.trust_anchors
    }

    /// The anchor that `path` ends in.
    pub(super) fn of(&self, path: &VerifiedPath<'_>) -> Option<&Anchor> {
        let used: *const TrustAnchor<'_> = path.anchor();
        let position = self
            .trust_anchors
            .iter()
            .position(|anchor| std::ptr::eq(anchor, used.cast()))?;
        self.anchors.get(position)
    }
}

impl Anchor {
    fn new(certificate: CertificateDer<'static>) -> Result<Self, Reason> {
        let (validity, profile) = {
            let parsed = parse(&certificate)?;
            let Validity {
                not_before,
                not_after,
            } = parsed.validity();
            (
                (not_before.timestamp(), not_after.timestamp()),
                profile::anchor(&parsed),
            )
        };
        Ok(Self {
            certificate,
            validity,
            profile,
        })
    }

    /// The certificate as given.
    #[must_use]
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Whether the strict profile accepts this anchor. One that it does not is harmless until a path ends in it.
    ///
    /// # Errors
    /// The rule that is broken.
    pub const fn profile(&self) -> Result<(), Rule> {
        self.profile
    }

    /// First and last second of its validity, in Unix time.
    pub(super) const fn validity(&self) -> (i64, i64) {
        self.validity
    }

    pub(super) const fn valid_at(&self, seconds: i64) -> Result<(), Reason> {
        if seconds < self.validity.0 {
            return Err(Reason::NotYetValid);
        }
        if seconds > self.validity.1 {
            return Err(Reason::Expired);
        }
        Ok(())
    }
}
