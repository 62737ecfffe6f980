//! Why a handshake failed, or a certificate is no longer good: what rustls says, in the words of refusals.

use std::io;

use hangu_pki::verify::Reason;
use rustls::{CertificateError, Error};

use crate::refusal::Refusal;

/// What is wrong with a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFault {
    /// None was sent where one is required.
    Missing,
    /// It does not lead to an anchor, a signature is bad, its revocation cannot be told, or a rule is broken.
    NotTrusted,
    /// It has expired.
    Expired,
    /// It is revoked.
    Revoked,
    /// It is for servers, or an authority's.
    WrongPurpose,
}

/// What else ends a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFault {
    /// No version, cipher suite, group or protocol that both sides speak.
    NothingInCommon,
    /// The client sent an alert or went away before the end.
    BrokenOff,
    /// The first bytes are no TLS: cleartext HTTP, most often.
    NotTls,
    /// TLS that breaks its own rules.
    Malformed,
}

impl CertificateFault {
    /// The reason in events, metrics and problem documents.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "certificate-missing",
            Self::NotTrusted => "certificate-not-trusted",
            Self::Expired => "certificate-expired",
            Self::Revoked => "certificate-revoked",
            Self::WrongPurpose => "certificate-wrong-purpose",
        }
    }
}

impl HandshakeFault {
    /// The reason in events and metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NothingInCommon => "handshake-nothing-in-common",
            Self::BrokenOff => "handshake-broken-off",
            Self::NotTls => "not-tls",
            Self::Malformed => "handshake-malformed",
        }
    }
}

impl From<&Reason> for CertificateFault {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::Expired => Self::Expired,
            Reason::Revoked => Self::Revoked,
            Reason::WrongUsage => Self::WrongPurpose,
            Reason::Malformed(_)
            | Reason::UnknownIssuer
            | Reason::BadSignature
            | Reason::NotYetValid
            | Reason::RevocationUnknown
            | Reason::CrlExpired
            | Reason::WrongName(_)
            | Reason::NameConstraint
            | Reason::PathTooLong { .. }
            | Reason::TooComplex
            | Reason::CriticalExtension
            | Reason::Algorithm
            | Reason::Profile(_)
            | Reason::Unusable(_) => Self::NotTrusted,
        }
    }
}

impl From<&CertificateError> for CertificateFault {
    fn from(error: &CertificateError) -> Self {
        // rustls may say the same with and without the times.
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the enum may grow, and everything else is no trust"
        )]
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::Revoked => Self::Revoked,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::WrongPurpose
            }
            _ => Self::NotTrusted,
        }
    }
}

/// The refusal that a failed handshake is.
pub fn refusal(error: &io::Error) -> Refusal {
    let Some(error) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    else {
        // Without an error of TLS, the transport ended.
        return Refusal::Handshake(HandshakeFault::BrokenOff);
    };
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum may grow, and everything else breaks the rules of TLS"
    )]
    match error {
        Error::NoCertificatesPresented => Refusal::Certificate(CertificateFault::Missing),
        Error::InvalidCertificate(error) => Refusal::Certificate(error.into()),
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => {
            Refusal::Handshake(HandshakeFault::NothingInCommon)
        }
        Error::AlertReceived(_) => Refusal::Handshake(HandshakeFault::BrokenOff),
        // A record's first byte is its type, and no letter is one.
        Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
            Refusal::Handshake(HandshakeFault::NotTls)
        }
        _ => Refusal::Handshake(HandshakeFault::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, InvalidMessage, PeerIncompatible};

    use super::*;

    #[test]
    fn what_ended_a_handshake_is_told_apart() {
        let of =
            |error: Error| refusal(&io::Error::new(io::ErrorKind::InvalidData, error)).reason();
        for (error, reason) in [
            (Error::NoCertificatesPresented, "certificate-missing"),
            (
                CertificateError::UnknownIssuer.into(),
                "certificate-not-trusted",
            ),
            (
                CertificateError::BadSignature.into(),
                "certificate-not-trusted",
            ),
            (CertificateError::Expired.into(), "certificate-expired"),
            (CertificateError::Revoked.into(), "certificate-revoked"),
            (
                CertificateError::InvalidPurpose.into(),
                "certificate-wrong-purpose",
            ),
            (
                PeerIncompatible::Tls12NotOfferedOrEnabled.into(),
                "handshake-nothing-in-common",
            ),
            (Error::NoApplicationProtocol, "handshake-nothing-in-common"),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                "handshake-broken-off",
            ),
            (InvalidMessage::InvalidContentType.into(), "not-tls"),
            (
                InvalidMessage::MessageTooShort.into(),
                "handshake-malformed",
            ),
            (Error::DecryptError, "handshake-malformed"),
        ] {
            assert_eq!(of(error.clone()), reason, "{error}");
        }
        let gone = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(refusal(&gone).reason(), "handshake-broken-off");
    }
}
