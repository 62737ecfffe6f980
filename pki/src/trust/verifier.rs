//! [`Trust`] behind rustls's verifier traits.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde::{Deserialize, Serialize};

use super::{Trust, provider};
use crate::name::AltName;
use crate::verify::{Reason, Usage};

/// Whether clients must present a certificate. One that is presented is always verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// They may.
    Optional,
    /// They must.
    Required,
}

/// Makes the verifier for one `ServerConfig`. A new trust takes a new verifier **and** a new configuration.
#[must_use]
pub fn client_verifier(trust: Arc<Trust>, mode: ClientAuth) -> Arc<dyn ClientCertVerifier> {
    let hints = trust.anchors().as_slice().iter().filter_map(|anchor| {
        let anchor = webpki::anchor_from_trusted_cert(anchor.certificate()).ok()?;
        Some(DistinguishedName::in_sequence(&anchor.subject))
    });
    Arc::new(Verifier {
        hints: hints.collect(),
        algorithms: provider().signature_verification_algorithms,
        mode,
        trust,
    })
}

/// Makes the verifier for connections to upstreams, by name and under `trust`.
#[must_use]
pub fn server_verifier(trust: Arc<Trust>) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Verifier {
        hints: Vec::new(),
        algorithms: provider().signature_verification_algorithms,
        mode: ClientAuth::Required,
        trust,
    })
}

#[derive(Debug)]
struct Verifier {
    trust: Arc<Trust>,
    mode: ClientAuth,
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mode == ClientAuth::Required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify(end_entity, intermediates, Usage::Client, &[], now)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let name = match server_name {
            ServerName::DnsName(name) => AltName::Dns(name.as_ref().to_owned()),
            ServerName::IpAddress(address) => AltName::Ip((*address).into()),
            _ => return Err(CertificateError::NotValidForName.into()),
        };
        self.verify(end_entity, intermediates, Usage::Server, &[name], now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Verifier {
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        usage: Usage,
        names: &[AltName],
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let at = i64::try_from(now.as_secs())
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok());
        let at = at.ok_or(CertificateError::Expired)?;
        let chain: Vec<_> = std::iter::once(leaf)
            .chain(intermediates)
            .cloned()
            .collect();
        self.trust
            .accept(&chain, usage, names, at)
            .map_err(certificate_error)
    }
}

/// The reason in rustls's words, which choose the alert that the peer sees; ours travels along where rustls has none.
fn certificate_error(reason: Reason) -> CertificateError {
    match reason {
        Reason::Malformed(_) => CertificateError::BadEncoding,
        Reason::UnknownIssuer => CertificateError::UnknownIssuer,
        Reason::BadSignature => CertificateError::BadSignature,
        Reason::Expired => CertificateError::Expired,
        Reason::NotYetValid => CertificateError::NotValidYet,
        Reason::Revoked => CertificateError::Revoked,
        Reason::RevocationUnknown => CertificateError::UnknownRevocationStatus,
        Reason::CrlExpired => CertificateError::ExpiredRevocationList,
        Reason::WrongUsage => CertificateError::InvalidPurpose,
        Reason::WrongName(_) => CertificateError::NotValidForName,
        Reason::CriticalExtension => CertificateError::UnhandledCriticalExtension,
        Reason::NameConstraint
        | Reason::PathTooLong { .. }
        | Reason::TooComplex
        | Reason::Algorithm
        | Reason::Profile(_)
        | Reason::Unusable(_) => CertificateError::Other(OtherError(Arc::new(reason))),
    }
}
