//! What a certificate says about its subject, as plain text.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use x509_parser::{
    oid_registry::{self, Oid},
    prelude::{
        AttributeTypeAndValue, FromDer as _, GeneralName, RelativeDistinguishedName,
        X509Certificate, X509Name,
    },
};

use super::is_spiffe;

/// What a certificate says about its subject. Verified before it comes here, never after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The subject's distinguished name as RFC 4514 text, most specific part first: `CN=tax-etl,O=税务局,C=CN`.
    pub subject: String,
    /// The subject's common name, if there is exactly one.
    pub common_name: Option<String>,
    /// The issuer's distinguished name, likewise.
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
            subject: distinguished_name(certificate.subject()),
            issuer: distinguished_name(certificate.issuer()),
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

/// RFC 4514 text of a name. Everything that could be taken for structure is escaped, so that a value like
/// `x,CN=Trusted CA` does not read as two parts.
fn distinguished_name(name: &X509Name<'_>) -> String {
    let part = |attribute: &AttributeTypeAndValue<'_>| {
        let oid = attribute.attr_type();
        let short = NAMES
            .iter()
            .find(|(known, _)| known == oid)
            .map(|(_, short)| *short);
        match (short, attribute.as_str()) {
            (Some(short), Ok(value)) => format!("{short}={}", escaped(value)),
            (short, _) => {
                let kind = short.map_or_else(|| oid.to_id_string(), str::to_owned);
                format!("{kind}=#{}", hex(attribute.attr_value().data))
            }
        }
    };
    let relative = |parts: &RelativeDistinguishedName<'_>| {
        parts.iter().map(part).collect::<Vec<_>>().join("+")
    };
    let mut parts: Vec<String> = name.iter().map(relative).collect();
    parts.reverse();
    parts.join(",")
}

/// The attribute types that have a short name (RFC 4514 section 3, and the two that certificates use besides).
const NAMES: [(Oid<'static>, &str); 10] = [
    (oid_registry::OID_X509_COMMON_NAME, "CN"),
    (oid_registry::OID_X509_LOCALITY_NAME, "L"),
    (oid_registry::OID_X509_STATE_OR_PROVINCE_NAME, "ST"),
    (oid_registry::OID_X509_ORGANIZATION_NAME, "O"),
    (oid_registry::OID_X509_ORGANIZATIONAL_UNIT, "OU"),
    (oid_registry::OID_X509_COUNTRY_NAME, "C"),
    (oid_registry::OID_X509_STREET_ADDRESS, "STREET"),
    (oid_registry::OID_DOMAIN_COMPONENT, "DC"),
    (oid_registry::OID_USERID, "UID"),
    (oid_registry::OID_X509_SERIALNUMBER, "serialNumber"),
];

fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (index, c) in value.chars().enumerate() {
        let at_the_edge = c == ' ' && (index == 0 || index == last) || c == '#' && index == 0;
        if c == '\0' {
            text.push_str("\\00");
        } else {
            if at_the_edge || matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '=' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
    }
    text
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
