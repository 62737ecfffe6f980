//! The strict profile: what RFC 5280 and the CA/Browser baseline ask of a certificate and webpki does not.
//!
//! Every rule closes a way for two programs to read one certificate differently. `tests/limbo.rs` holds the rules
//! against x509-limbo; the deviations that remain are listed beside it with their reasons.

use std::collections::HashSet;
use std::net::IpAddr;

use rustls_pki_types::{DnsName, ServerName};
use webpki::EndEntityCert;
use x509_parser::error::X509Error;
use x509_parser::extensions::{
    AccessDescription, AuthorityKeyIdentifier, ExtendedKeyUsage, GeneralName, NameConstraints,
    ParsedExtension, X509Extension,
};
use x509_parser::prelude::X509Certificate;
use x509_parser::x509::X509Version;

use super::Usage;
use super::public_key::{self, KeyFault};
use crate::dn;
use crate::name::{self, AltName, Wildcard};

/// A rule of the strict profile, named by the way it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rule {
    /// Not a version 3 certificate.
    #[error("a certificate is not of version 3")]
    Version,
    /// Serial zero, negative or over 20 octets.
    #[error("a serial number is zero, negative or longer than 20 octets")]
    Serial,
    /// No issuer name.
    #[error("a certificate has no issuer name")]
    EmptyIssuer,
    /// A CA without a subject.
    #[error("a CA certificate has no subject name")]
    EmptySubject,
    /// An extension that occurs twice.
    #[error("an extension occurs twice")]
    DuplicateExtension,
    /// An extension that cannot be read.
    #[error("an extension cannot be read")]
    MalformedExtension,
    /// An extension whose critical flag is wrong.
    #[error("an extension is critical that must not be, or is not critical that must be")]
    Criticality,
    /// A critical extension of an anchor that is not understood.
    #[error("a trust anchor has a critical extension that is not understood")]
    UnknownCriticalExtension,
    /// No authority key identifier, or one that does not identify a key.
    #[error("the authority key identifier is missing or does not identify the issuer's key")]
    AuthorityKey,
    /// A CA without a subject key identifier.
    #[error("a CA certificate has no subject key identifier")]
    SubjectKey,
    /// Basic constraints of a CA that are missing or say that it is none.
    #[error("a CA certificate does not say that it is one")]
    BasicConstraints,
    /// A CA whose key usage does not cover certificates, or a leaf whose key usage does, or does not cover signing.
    #[error("the key usage does not fit the certificate's place on the path")]
    KeyUsage,
    /// A leaf without the extended key usage that is asked for, or with one that covers everything.
    #[error("the extended key usage is missing, `any`, critical or not for this place on the path")]
    ExtendedKeyUsage,
    /// A key that is weak or of an unknown kind.
    #[error("a public key is not accepted ({0})")]
    PublicKey(#[from] KeyFault),
    /// Name constraints in a leaf, empty ones, or ones with malformed names.
    #[error("name constraints are empty, malformed or in a leaf")]
    NameConstraints,
    /// No subject alternative name where one is needed.
    #[error("there is no subject alternative name")]
    NoAltName,
    /// A subject alternative name that nobody should carry.
    #[error("a subject alternative name is malformed, or a wildcard that is too wide")]
    AltName,
    /// A common name that looks like a host or an address and is at odds with the alternative names.
    #[error(
        "the common name is a host name or an address at odds with the subject alternative names"
    )]
    CommonName,
    /// A CA that signs CRLs without the right to.
    #[error("the issuer of a CRL may not sign CRLs")]
    CrlIssuerWithoutCrlSign,
}

/// Checks a leaf that is presented for `usage`.
pub(super) fn leaf(certificate: &X509Certificate<'_>, usage: Usage) -> Result<(), Rule> {
    issued(certificate)?;
    if only(certificate.name_constraints())?.is_some() {
        return Err(Rule::NameConstraints);
    }
    if only(certificate.basic_constraints())?.is_some_and(|constraints| constraints.value.ca) {
        return Err(Rule::BasicConstraints);
    }
    if only(certificate.key_usage())?
        .is_some_and(|usage| usage.value.key_cert_sign() || !usage.value.digital_signature())
    {
        return Err(Rule::KeyUsage);
    }
    match only(certificate.extended_key_usage())? {
        Some(purposes) if !purposes.critical && permits(purposes.value, usage) => {}
        _ => return Err(Rule::ExtendedKeyUsage),
    }
    alt_names(certificate, usage)
}

/// Checks a CA between leaf and anchor.
pub(super) fn intermediate(certificate: &X509Certificate<'_>) -> Result<(), Rule> {
    issued(certificate)?;
    authority(certificate)
}

/// Checks a trust anchor, as far as its time does not matter.
///
/// Serial numbers are left alone: widely trusted roots have zero.
pub(super) fn anchor(certificate: &X509Certificate<'_>) -> Result<(), Rule> {
    common(certificate)?;
    authority(certificate)?;
    if only(certificate.extended_key_usage())?.is_some() {
        return Err(Rule::ExtendedKeyUsage);
    }
    if certificate
        .extensions()
        .iter()
        .any(|extension| extension.critical && extension.parsed_extension().unsupported())
    {
        return Err(Rule::UnknownCriticalExtension);
    }
    if let Some(key) = authority_key(certificate) {
        let bare = key.authority_cert_issuer.is_none() && key.authority_cert_serial.is_none();
        let self_issued = certificate.issuer().as_raw() == certificate.subject().as_raw();
        let identifier = key.key_identifier.as_ref().map(|key| key.0);
        if !bare || identifier.is_none() || (self_issued && identifier != subject_key(certificate))
        {
            return Err(Rule::AuthorityKey);
        }
    }
    Ok(())
}

/// Whether a CA may sign CRLs: its key usage says so, or it has none.
pub(super) fn may_sign_crls(certificate: &X509Certificate<'_>) -> bool {
    certificate
        .key_usage()
        .is_ok_and(|usage| usage.is_none_or(|usage| usage.value.crl_sign()))
}

/// Whether the leaf carries `wanted`. Hosts and addresses are compared by webpki's rules, the rest octet by octet.
pub(super) fn carries(
    certificate: &X509Certificate<'_>,
    leaf: &EndEntityCert<'_>,
    wanted: &AltName,
) -> bool {
    let literally = |name: &GeneralName<'_>| match (name, wanted) {
        (GeneralName::RFC822Name(have), AltName::Email(want)) => same_mailbox(have, want),
        (GeneralName::URI(have), AltName::Uri(want)) => have == want,
        _ => false,
    };
    match wanted {
        AltName::Dns(name) => DnsName::try_from(name.as_str()).is_ok_and(|name| {
            leaf.verify_is_valid_for_subject_name(&ServerName::DnsName(name))
                .is_ok()
        }),
        AltName::Ip(address) => leaf
            .verify_is_valid_for_subject_name(&ServerName::IpAddress((*address).into()))
            .is_ok(),
        AltName::Email(_) | AltName::Uri(_) => general_names(certificate).any(literally),
    }
}

/// The host part of a mailbox has no case; the part before it has.
fn same_mailbox(left: &str, right: &str) -> bool {
    match (left.rsplit_once('@'), right.rsplit_once('@')) {
        (Some((left, left_host)), Some((right, right_host))) => {
            left == right && left_host.eq_ignore_ascii_case(right_host)
        }
        _ => false,
    }
}

/// What holds for every certificate that somebody else issued.
fn issued(certificate: &X509Certificate<'_>) -> Result<(), Rule> {
    common(certificate)?;
    let serial = certificate.raw_serial();
    let negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    if negative || serial.len() > 20 || serial.iter().all(|octet| *octet == 0) {
        return Err(Rule::Serial);
    }
    let identified = authority_key(certificate).is_some_and(|key| key.key_identifier.is_some());
    if identified {
        Ok(())
    } else {
        Err(Rule::AuthorityKey)
    }
}

/// What holds for every certificate.
fn common(certificate: &X509Certificate<'_>) -> Result<(), Rule> {
    if certificate.version() != X509Version::V3 {
        return Err(Rule::Version);
    }
    if certificate.issuer().iter_rdn().next().is_none() {
        return Err(Rule::EmptyIssuer);
    }
    public_key::check(certificate.public_key())?;
    let mut seen = HashSet::new();
    certificate.extensions().iter().try_for_each(|extension| {
        if seen.insert(&extension.oid) {
            readable(extension)
        } else {
            Err(Rule::DuplicateExtension)
        }
    })
}

/// An extension can be read, and is critical where it must be and only there.
fn readable(extension: &X509Extension<'_>) -> Result<(), Rule> {
    use ParsedExtension as E;
    let content = extension.parsed_extension();
    let broken =
        |access: &AccessDescription<'_>| matches!(access.access_location, GeneralName::Invalid(..));
    if content.error().is_some()
        || matches!(content, E::AuthorityInfoAccess(access) if access.iter().any(broken))
    {
        return Err(Rule::MalformedExtension);
    }
    let never = matches!(
        content,
        E::AuthorityKeyIdentifier(_)
            | E::SubjectKeyIdentifier(_)
            | E::SubjectInfoAccess(_)
            | E::AuthorityInfoAccess(_)
    );
    let always = matches!(
        content,
        E::NameConstraints(_) | E::PolicyConstraints(_) | E::InhibitAnyPolicy(_)
    );
    if (never && extension.critical) || (always && !extension.critical) {
        Err(Rule::Criticality)
    } else {
        Ok(())
    }
}

/// What holds for every CA, anchors included.
fn authority(certificate: &X509Certificate<'_>) -> Result<(), Rule> {
    if certificate.subject().iter_rdn().next().is_none() {
        return Err(Rule::EmptySubject);
    }
    if subject_key(certificate).is_none() {
        return Err(Rule::SubjectKey);
    }
    if !only(certificate.basic_constraints())?
        .is_some_and(|constraints| constraints.value.ca && constraints.critical)
    {
        return Err(Rule::BasicConstraints);
    }
    if only(certificate.key_usage())?.is_some_and(|usage| !usage.value.key_cert_sign()) {
        return Err(Rule::KeyUsage);
    }
    only(certificate.name_constraints())?
        .map_or(Ok(()), |constraints| name_constraints(constraints.value))
}

fn name_constraints(constraints: &NameConstraints<'_>) -> Result<(), Rule> {
    let permitted = constraints
        .permitted_subtrees
        .as_deref()
        .unwrap_or_default();
    let excluded = constraints.excluded_subtrees.as_deref().unwrap_or_default();
    if permitted.is_empty() && excluded.is_empty() {
        return Err(Rule::NameConstraints);
    }
    let well_formed = permitted
        .iter()
        .chain(excluded)
        .all(|subtree| match subtree.base {
            GeneralName::DNSName(base) => {
                base.is_empty() || name::is_dns_name(base, Wildcard::Refused)
            }
            GeneralName::RFC822Name(base) => {
                let host = base.strip_prefix('.').unwrap_or(base);
                name::is_dns_name(host, Wildcard::Refused) || name::is_mailbox(base)
            }
            GeneralName::IPAddress(base) => matches!(base.len(), 8 | 32),
            GeneralName::Invalid(..) => false,
            GeneralName::URI(_)
            | GeneralName::OtherName(..)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::RegisteredID(_) => true,
        });
    if well_formed {
        Ok(())
    } else {
        Err(Rule::NameConstraints)
    }
}

fn permits(purposes: &ExtendedKeyUsage<'_>, usage: Usage) -> bool {
    let asked = match usage {
        Usage::Client => purposes.client_auth,
        Usage::Server => purposes.server_auth,
    };
    asked && !purposes.any
}

fn alt_names(certificate: &X509Certificate<'_>, usage: Usage) -> Result<(), Rule> {
    let nameless = certificate.subject().iter_rdn().next().is_none();
    let critical = only(certificate.subject_alternative_name())?.map(|names| names.critical);
    match (critical, usage) {
        // RFC 5280 section 4.2.1.6: critical if and only if the names stand in for the subject.
        (Some(critical), _) if critical != nameless => return Err(Rule::Criticality),
        (Some(_), _) => {}
        (None, Usage::Client) if !nameless => return Ok(()),
        (None, _) => return Err(Rule::NoAltName),
    }
    if general_names(certificate).next().is_none() {
        return Err(Rule::NoAltName);
    }
    if !general_names(certificate).all(is_well_formed) {
        return Err(Rule::AltName);
    }
    match usage {
        Usage::Client => Ok(()),
        Usage::Server => common_name(certificate),
    }
}

fn is_well_formed(name: &GeneralName<'_>) -> bool {
    match name {
        GeneralName::DNSName(name) => name::is_dns_name(name, Wildcard::Allowed),
        GeneralName::RFC822Name(address) => name::is_mailbox(address),
        GeneralName::URI(uri) => name::is_uri(uri),
        GeneralName::IPAddress(octets) => address(octets).is_some(),
        GeneralName::Invalid(..) => false,
        GeneralName::OtherName(..)
        | GeneralName::X400Address(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::RegisteredID(_) => true,
    }
}

/// A server's common name may be a label, but not another spelling or a sibling of its alternative names: programs that
/// still read it would see another server than we do.
///
/// An address must be listed to the letter. A host must be listed, or lie above a listed one (`example.com` with
/// `*.example.com` is common practice), or stand beside addresses only.
fn common_name(certificate: &X509Certificate<'_>) -> Result<(), Rule> {
    let Some(common) = dn::common_name(certificate.subject()) else {
        return Ok(());
    };
    if common.contains(char::is_whitespace) {
        return Ok(());
    }
    let looks_like_address = common.contains(':')
        || common.starts_with("0x")
        || common
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let fits = if looks_like_address {
        general_names(certificate)
            .any(|name| matches!(name, GeneralName::IPAddress(octets) if address(octets).is_some_and(|address| address.to_string() == common)))
    } else if common.contains('.') {
        let mut hosts = general_names(certificate)
            .filter_map(|name| {
                if let GeneralName::DNSName(host) = name {
                    Some(*host)
                } else {
                    None
                }
            })
            .peekable();
        let above = |host: &str| {
            host.strip_suffix(&common)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        hosts.peek().is_none() || hosts.any(above)
    } else {
        true
    };
    if fits { Ok(()) } else { Err(Rule::CommonName) }
}

/// The octets of an address name as an address.
pub(crate) fn address(octets: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(octets)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

/// The subject alternative names, in order.
pub(crate) fn general_names<'a>(
    certificate: &'a X509Certificate<'_>,
) -> impl Iterator<Item = &'a GeneralName<'a>> {
    let names = certificate.subject_alternative_name().ok().flatten();
    names
        .map_or(&[][..], |names| names.value.general_names.as_slice())
        .iter()
}

fn authority_key<'a>(
    certificate: &'a X509Certificate<'_>,
) -> Option<&'a AuthorityKeyIdentifier<'a>> {
    certificate.extensions().iter().find_map(|extension| {
        if let ParsedExtension::AuthorityKeyIdentifier(key) = extension.parsed_extension() {
            Some(key)
        } else {
            None
        }
    })
}

fn subject_key<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.extensions().iter().find_map(|extension| {
        if let ParsedExtension::SubjectKeyIdentifier(key) = extension.parsed_extension() {
            Some(key.0)
        } else {
            None
        }
    })
}

/// x509-parser refuses an extension that occurs twice; so do we.
fn only<T>(extension: Result<T, X509Error>) -> Result<T, Rule> {
    extension.map_err(|_| Rule::DuplicateExtension)
}
