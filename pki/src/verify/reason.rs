//! Every reason why there is no path.

use super::profile::Rule;
use crate::name::AltName;

/// Why a certificate is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The encoding is broken, or an extension's is.
    #[error("malformed {0}")]
    Malformed(String),
    /// No path of valid signatures leads to an anchor.
    #[error("no path to a trust anchor")]
    UnknownIssuer,
    /// A signature on the path does not verify.
    #[error("a signature on the path does not verify")]
    BadSignature,
    /// A certificate on the path has expired.
    #[error("a certificate on the path has expired")]
    Expired,
    /// A certificate on the path is not valid yet.
    #[error("a certificate on the path is not valid yet")]
    NotYetValid,
    /// A certificate on the path is revoked.
    #[error("a certificate on the path is revoked")]
    Revoked,
    /// CRLs are in use, and none of them covers a certificate on the path.
    #[error(
        "the revocation status of a certificate on the path is unknown: no CRL of its issuer is at hand"
    )]
    RevocationUnknown,
    /// The CRL that covers a certificate on the path is past its next update.
    #[error("the CRL of an issuer on the path is past its next update")]
    CrlExpired,
    /// The certificate is not for this usage, or a CA is used as a leaf or a leaf as a CA.
    #[error("the certificate is not for this usage")]
    WrongUsage,
    /// The certificate does not carry the name that was asked for.
    #[error("the certificate does not carry the name `{0}`")]
    WrongName(AltName),
    /// A name on the path breaks a name constraint, or a constraint is of a kind that cannot be checked.
    #[error("a name constraint on the path is not met")]
    NameConstraint,
    /// There are more intermediates than allowed.
    #[error("the path has {intermediates} intermediates, at most {most} are allowed")]
    PathTooLong {
        /// Intermediates that count.
        intermediates: usize,
        /// The bound that was given.
        most: usize,
    },
    /// Path length or work exceeded a bound of the certificates or of the verifier.
    #[error("the path is longer or more tangled than the bounds allow")]
    TooComplex,
    /// A certificate says something critical that is not understood.
    #[error("a critical extension is not understood")]
    CriticalExtension,
    /// A signature algorithm that is not accepted.
    #[error("a signature algorithm on the path is not accepted")]
    Algorithm,
    /// The strict profile refuses a certificate on the path.
    #[error("strict profile: {0}")]
    Profile(#[from] Rule),
    /// No anchors, CRLs or chain could be used at all.
    #[error("{0}")]
    Unusable(String),
}

impl Reason {
    /// A word for programs, stable between versions.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::UnknownIssuer => "unknown-issuer",
            Self::BadSignature => "bad-signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation-unknown",
            Self::CrlExpired => "crl-expired",
            Self::WrongUsage => "wrong-usage",
            Self::WrongName(_) => "wrong-name",
            Self::NameConstraint => "name-constraint",
            Self::PathTooLong { .. } => "path-too-long",
            Self::TooComplex => "too-complex",
            Self::CriticalExtension => "critical-extension",
            Self::Algorithm => "algorithm",
            Self::Profile(_) => "profile",
            Self::Unusable(_) => "unusable",
        }
    }
}

impl From<webpki::Error> for Reason {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "foreign and non-exhaustive; what is not known here is refused as malformed"
    )]
    fn from(error: webpki::Error) -> Self {
        use webpki::Error as E;
        match error {
            E::CertExpired { .. } | E::InvalidCertValidity => Self::Expired,
            E::CertNotValidYet { .. } => Self::NotYetValid,
            E::CertRevoked => Self::Revoked,
            E::UnknownRevocationStatus => Self::RevocationUnknown,
            E::CrlExpired { .. } => Self::CrlExpired,
            E::UnknownIssuer | E::CertDistrusted => Self::UnknownIssuer,
            E::InvalidSignatureForPublicKey | E::InvalidCrlSignatureForPublicKey => {
                Self::BadSignature
            }
            E::CaUsedAsEndEntity
            | E::EndEntityUsedAsCa
            | E::EmptyEkuExtension
            | E::RequiredEkuNotFoundContext(_) => Self::WrongUsage,
            E::IssuerNotCrlSigner => Self::Profile(Rule::CrlIssuerWithoutCrlSign),
            E::NameConstraintViolation
            | E::MalformedNameConstraint
            | E::InvalidNetworkMaskConstraint => Self::NameConstraint,
            E::PathLenConstraintViolated
            | E::MaximumNameConstraintComparisonsExceeded
            | E::MaximumPathBuildCallsExceeded
            | E::MaximumPathDepthExceeded
            | E::MaximumSignatureChecksExceeded => Self::TooComplex,
            E::UnsupportedCriticalExtension => Self::CriticalExtension,
            E::SignatureAlgorithmMismatch
            | E::UnsupportedSignatureAlgorithmContext(_)
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
            | E::UnsupportedCrlSignatureAlgorithmContext(_)
            | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => Self::Algorithm,
            other => Self::Malformed(format!("certificate or CRL ({other:?})")),
        }
    }
}
