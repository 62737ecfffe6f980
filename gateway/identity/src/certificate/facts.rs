//! What a certificate says about its subject, as plain text.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::is_spiffe;

/// What a certificate says about its subject. Verified before it comes here, never after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The subject's distinguished name.
    pub subject: String,
    /// The subject's common name, if there is exactly one.
    pub common_name: Option<String>,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// Serial number, hexadecimal, lower case.
    pub serial: String,
    /// DNS alternative names.
    pub dns: Vec<String>,
    /// URI alternative names.
    pub uris: Vec<String>,
    /// E-mail alternative names.
    pub emails: Vec<String>,
    /// The SPIFFE id, if there is exactly one URI and it is one (SPIFFE X509-SVID section 2).
    pub spiffe_id: Option<String>,
    /// SHA-256 of the certificate, hexadecimal, lower case.
    pub fingerprint: String,
}

/// Why a certificate could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the client certificate cannot be read: {0}")]
pub struct FactsError(String);

impl CertificateFacts {
    /// Reads what a DER certificate says.
    ///
    /// # Errors
    ///
    /// When it is not one X.509 certificate, or its alternative names cannot be read.
    pub fn from_der(der: &[u8]) -> Result<Self, FactsError> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|error| FactsError(error.to_string()))?;
        if !rest.is_empty() {
            return Err(FactsError("something follows the certificate".to_owned()));
        }
        let mut facts = Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: hex(certificate.raw_serial()),
            fingerprint: hex(digest::digest(&digest::SHA256, der).as_ref()),
            ..Self::default()
        };
        let mut names = certificate.subject().iter_common_name();
        if let (Some(name), None) = (names.next(), names.next()) {
            facts.common_name = name.as_str().ok().map(str::to_owned);
        }
        let alternatives = certificate
            .subject_alternative_name()
            .map_err(|error| FactsError(error.to_string()))?;
        for name in alternatives
            .iter()
            .flat_map(|extension| &extension.value.general_names)
        {
            if let GeneralName::DNSName(dns) = name {
                facts.dns.push((*dns).to_owned());
            } else if let GeneralName::URI(uri) = name {
                facts.uris.push((*uri).to_owned());
            } else if let GeneralName::RFC822Name(email) = name {
                facts.emails.push((*email).to_owned());
            }
        }
        if let [uri] = facts.uris.as_slice()
            && is_spiffe(uri)
        {
            facts.spiffe_id = Some(uri.clone());
        }
        Ok(facts)
    }
}

/// Hexadecimal, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to a string does not fail");
    }
    text
}
