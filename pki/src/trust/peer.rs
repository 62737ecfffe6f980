//! Who the peer is, read from its certificate.

use std::net::IpAddr;

use rustls_pki_types::CertificateDer;
use serde::Serialize;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::verify::profile::{address, general_names};
use crate::{dn, hex, name};

/// What a certificate says about its holder. It says so only once the chain has been verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerIdentity {
    /// The subject as an RFC 4514 string.
    pub subject: String,
    /// The common name, if there is exactly one.
    pub common_name: Option<String>,
    /// The serial number in lower-case hexadecimal, without leading zero octets.
    pub serial: String,
    /// The issuer as an RFC 4514 string.
    pub issuer: String,
    /// Host names among the alternative names, as written.
    pub dns: Vec<String>,
    /// Mailboxes among the alternative names.
    pub email: Vec<String>,
    /// URIs among the alternative names.
    pub uri: Vec<String>,
    /// Addresses among the alternative names.
    pub ip: Vec<IpAddr>,
    /// The SPIFFE id, if the only URI is a well-formed one.
    pub spiffe_id: Option<String>,
    /// SHA-256 over the certificate, in lower-case hexadecimal.
    pub fingerprint_sha256: String,
    /// First second of the certificate's validity, in Unix time.
    pub not_before: i64,
    /// Last second of the certificate's validity, in Unix time.
    pub not_after: i64,
}

/// A certificate that says nothing that can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerIdentityError {
    /// Not an X.509 certificate in DER.
    #[error("not an X.509 certificate")]
    Certificate,
    /// A subject alternative name cannot be read.
    #[error("the subject alternative names cannot be read")]
    AltName,
}

impl PeerIdentity {
    /// Reads the identity from the leaf.
    ///
    /// # Errors
    /// The certificate, or one of its names, cannot be read.
    pub fn from_der(leaf: &CertificateDer<'_>) -> Result<Self, PeerIdentityError> {
        let Ok(([], certificate)) = X509Certificate::from_der(leaf) else {
            return Err(PeerIdentityError::Certificate);
        };
        let broken = certificate
            .extensions()
            .iter()
            .any(|extension| extension.parsed_extension().error().is_some());
        if broken || certificate.subject_alternative_name().is_err() {
            return Err(PeerIdentityError::AltName);
        }
        let mut identity = Self {
            subject: dn::rfc4514(certificate.subject()),
            common_name: dn::common_name(certificate.subject()),
            serial: hex::serial(certificate.raw_serial()),
            issuer: dn::rfc4514(certificate.issuer()),
            dns: Vec::new(),
            email: Vec::new(),
            uri: Vec::new(),
            ip: Vec::new(),
            spiffe_id: None,
            fingerprint_sha256: hex::fingerprint(leaf),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
        };
        for name in general_names(&certificate) {
            match name {
                GeneralName::DNSName(name) => identity.dns.push((*name).to_owned()),
                GeneralName::RFC822Name(address) => identity.email.push((*address).to_owned()),
                GeneralName::URI(uri) => identity.uri.push((*uri).to_owned()),
                GeneralName::IPAddress(octets) => identity
                    .ip
                    .push(address(octets).ok_or(PeerIdentityError::AltName)?),
                GeneralName::Invalid(..) => return Err(PeerIdentityError::AltName),
                GeneralName::OtherName(..)
                | GeneralName::X400Address(_)
                | GeneralName::DirectoryName(_)
                | GeneralName::EDIPartyName(_)
                | GeneralName::RegisteredID(_) => {}
            }
        }
        identity.spiffe_id = match identity.uri.as_slice() {
            [only] if name::is_spiffe_id(only) => Some(only.clone()),
            _ => None,
        };
        Ok(identity)
    }
}
