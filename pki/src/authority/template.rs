//! What goes into which kind of certificate. Names come from the request, never from a CSR; a CSR brings a key.

use std::time::Duration;

use jiff::Timestamp;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CrlDistributionPoint,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
    SerialNumber, SubjectPublicKeyInfo,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509CertificationRequest};

use super::settings::Names;
use super::{AuthorityError, BACKDATE};
use crate::name::AltName;
use crate::verify::{Usage, key_fault};

/// What is asked of the authority.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the certificate is for.
    pub usage: Usage,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// Further subject parts.
    pub organizational_unit: Option<String>,
    /// The subject alternative names.
    pub sans: Vec<AltName>,
    /// How long it is valid from now.
    pub validity: Duration,
    /// Whose key it certifies.
    pub key: Key,
}

/// Whose key a certificate is for.
#[derive(Clone, Debug)]
pub enum Key {
    /// A new one, ECDSA P-256, handed out with the certificate.
    Generate,
    /// That of a PKCS#10 request in PEM. Names and extensions in the request are ignored.
    Csr(Vec<u8>),
}

/// The root: self-signed, at most one CA below it.
pub(super) fn root(
    names: &Names,
    serial: SerialNumber,
    now: Timestamp,
) -> Result<CertificateParams, AuthorityError> {
    authority(names, &names.root, serial, 1, names.root_validity, now)
}

/// The issuing CA: no CA below it.
pub(super) fn issuing(
    names: &Names,
    serial: SerialNumber,
    now: Timestamp,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = authority(
        names,
        &names.issuing,
        serial,
        0,
        names.issuing_validity,
        now,
    )?;
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn authority(
    names: &Names,
    common_name: &str,
    serial: SerialNumber,
    below: u8,
    validity: Duration,
    now: Timestamp,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.serial_number = Some(serial);
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, names.organization.as_str());
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = time(now) - BACKDATE;
    params.not_after = time(now) + validity;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// A leaf, once the request has been found in order.
pub(super) fn leaf(
    request: &Request,
    names: &Names,
    serial: SerialNumber,
    issuing: &CertificateDer<'_>,
    now: Timestamp,
) -> Result<CertificateParams, AuthorityError> {
    check_names(request)?;
    let (_, issuer) = X509Certificate::from_der(issuing)
        .map_err(|error| AuthorityError::Unreadable(error.to_string()))?;
    let (begin, end) = (
        issuer.validity().not_before.timestamp(),
        issuer.validity().not_after.timestamp(),
    );
    let asked = i64::try_from(request.validity.as_secs()).unwrap_or(i64::MAX);
    let until = now.as_second().saturating_add(asked);
    if asked < 60 || request.validity > names.max_leaf_validity || until > end {
        return Err(AuthorityError::Validity {
            asked: spelled(request.validity),
            most: spelled(names.max_leaf_validity),
            end: Timestamp::from_second(end).unwrap_or(Timestamp::MAX),
        });
    }
    let mut params = CertificateParams::default();
    params.serial_number = Some(serial);
    params.distinguished_name = DistinguishedName::new();
    if request.common_name.is_some() || request.organizational_unit.is_some() {
        params
            .distinguished_name
            .push(DnType::OrganizationName, names.organization.as_str());
    }
    if let Some(unit) = &request.organizational_unit {
        params
            .distinguished_name
            .push(DnType::OrganizationalUnitName, unit.as_str());
    }
    if let Some(common_name) = &request.common_name {
        params
            .distinguished_name
            .push(DnType::CommonName, common_name.as_str());
    }
    let backdated = now
        .as_second()
        .saturating_sub(BACKDATE.as_secs().cast_signed())
        .max(begin);
    params.not_before = at(backdated);
    params.not_after = at(until);
    params.subject_alt_names = request.sans.iter().map(san).collect::<Result<_, _>>()?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![match request.usage {
        Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
        Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    params.use_authority_key_identifier_extension = true;
    params.crl_distribution_points = names
        .crl_url
        .iter()
        .map(|url| CrlDistributionPoint {
            uris: vec![url.clone()],
        })
        .collect();
    Ok(params)
}

fn check_names(request: &Request) -> Result<(), AuthorityError> {
    for text in [&request.common_name, &request.organizational_unit]
        .into_iter()
        .flatten()
    {
        // RFC 5280 appendix A: at most 64 characters.
        if !(1..=64).contains(&text.chars().count()) || text.chars().any(char::is_control) {
            return Err(AuthorityError::CommonName(text.clone()));
        }
    }
    match request.usage {
        Usage::Server => {
            if request.sans.is_empty() {
                return Err(AuthorityError::ServerWithoutHost);
            }
            if let Some(other) = request
                .sans
                .iter()
                .find(|name| !matches!(name, AltName::Dns(_) | AltName::Ip(_)))
            {
                return Err(AuthorityError::ServerName(other.to_string()));
            }
            if let Some(common) = &request.common_name
                && common.contains(['.', ':'])
                && !common.contains(char::is_whitespace)
                && !request.sans.iter().any(|name| match name {
                    AltName::Dns(name) => name == common,
                    AltName::Ip(address) => address.to_string() == *common,
                    AltName::Email(_) | AltName::Uri(_) => false,
                })
            {
                return Err(AuthorityError::CommonName(common.clone()));
            }
        }
        Usage::Client => {
            if request.sans.is_empty() && request.common_name.is_none() {
                return Err(AuthorityError::ClientWithoutName);
            }
            let uris: Vec<_> = request
                .sans
                .iter()
                .filter_map(|name| {
                    if let AltName::Uri(uri) = name {
                        Some(uri)
                    } else {
                        None
                    }
                })
                .collect();
            if uris.len() > 1 && uris.iter().any(|uri| uri.starts_with("spiffe:")) {
                return Err(AuthorityError::SeveralSpiffeIds);
            }
        }
    }
    Ok(())
}

fn san(name: &AltName) -> Result<SanType, AuthorityError> {
    let ia5 = |text: &str| Ia5String::try_from(text);
    Ok(match name {
        AltName::Dns(name) => SanType::DnsName(ia5(name)?),
        AltName::Ip(address) => SanType::IpAddress(*address),
        AltName::Email(address) => SanType::Rfc822Name(ia5(address)?),
        AltName::Uri(uri) => SanType::URI(ia5(uri)?),
    })
}

/// The public key of a PKCS#10 request whose signature proves that the requester holds the private half.
pub(super) fn requested_key(pem: &[u8]) -> Result<SubjectPublicKeyInfo, AuthorityError> {
    let unusable = |fault: String| AuthorityError::Csr(fault);
    let der = CertificateSigningRequestDer::from_pem_slice(pem)
        .map_err(|error| unusable(error.to_string()))?;
    if !is_framed(&der) {
        return Err(unusable("not in DER".to_owned()));
    }
    CertificateSigningRequestParams::from_der(&der).map_err(|error| unusable(error.to_string()))?;
    let (_, csr) =
        X509CertificationRequest::from_der(&der).map_err(|error| unusable(error.to_string()))?;
    let key = &csr.certification_request_info.subject_pki;
    key_fault(key)?;
    SubjectPublicKeyInfo::from_der(key.raw).map_err(|error| unusable(error.to_string()))
}

/// Whether a request is in DER where no signature covers it: a sequence of what is signed, an algorithm and a bit
/// string, every tag and length as it has to be. The parsers are content with less.
fn is_framed(der: &[u8]) -> bool {
    let framed = |mut der: &[u8]| {
        let mut whole = element(&mut der, 0x30)?;
        let _signed = element(&mut whole, 0x30)?;
        let mut algorithm = element(&mut whole, 0x30)?;
        let signature = element(&mut whole, 0x03)?;
        let _name = element(&mut algorithm, 0x06)?;
        (der.is_empty() && whole.is_empty() && signature.first() == Some(&0)).then_some(())
    };
    framed(der).is_some()
}

/// The content of the next element, if it has this tag and a definite length in the fewest bytes (X.690, 10.1).
fn element<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (&[found, first], mut rest) = bytes.split_first_chunk()?;
    let mut length = usize::from(first);
    if let Some(count @ 1..=4) = length.checked_sub(0x80) {
        let (digits, behind) = rest.split_at_checked(count)?;
        length = digits
            .iter()
            .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        rest = behind;
        if digits.first() == Some(&0) || length < 0x80 {
            return None;
        }
    } else if length >= 0x80 {
        return None;
    }
    let (content, behind) = rest.split_at_checked(length)?;
    *bytes = behind;
    (found == tag).then_some(content)
}

/// The second that `at` lies in, as rcgen takes it.
pub(super) fn time(instant: Timestamp) -> OffsetDateTime {
    at(instant.as_second())
}

/// A second of Unix time as rcgen takes it. Certificates cannot say more than the year 9999.
fn at(second: i64) -> OffsetDateTime {
    const LAST: i64 = 253_402_300_799;
    OffsetDateTime::from_unix_timestamp(second.clamp(0, LAST)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A duration in the largest unit that holds it evenly.
fn spelled(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        days if days != 0 && days % 86400 == 0 => format!("{} d", days / 86400),
        hours if hours != 0 && hours % 3600 == 0 => format!("{} h", hours / 3600),
        _ => format!("{seconds} s"),
    }
}
