//! One path, one verdict, one reason.
//!
//! [`validate`] builds a path from the leaf to an anchor with webpki (signatures, times, constraints, revocation)
//! and then holds every certificate on it against the strict profile ([`profile`]). A path that the profile
//! refuses is no path: the search goes on, and another one may be accepted.

mod anchor;
mod crl;
pub mod profile;
mod public_key;
mod reason;

use std::cell::RefCell;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use serde::{Deserialize, Serialize};
use webpki::{
    EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder,
    UnknownStatusPolicy, VerifiedPath,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

pub use anchor::{Anchor, Anchors};
pub use crl::{CrlError, CrlInfo, Crls};
pub use profile::Rule;
pub use public_key::KeyFault;
pub(crate) use public_key::check as key_fault;
pub use reason::Reason;

use crate::name::AltName;
use crate::trust::provider;

/// What a certificate is presented for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    /// It authenticates a TLS client.
    Client,
    /// It authenticates a TLS server.
    Server,
}

/// How much is asked of certificates beyond what webpki asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// RFC 5280 and the CA/Browser rules that guard against confusion, as [`Rule`] lists them.
    #[default]
    Strict,
    /// webpki alone, and anchors must not have expired: for authorities that cannot be brought to follow the rules.
    Interoperable,
}

/// One question to [`validate`].
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The certificate that speaks for the peer.
    pub leaf: &'a CertificateDer<'a>,
    /// Certificates that may stand between leaf and anchor, in any order.
    pub intermediates: &'a [CertificateDer<'a>],
    /// What the leaf is presented for.
    pub usage: Usage,
    /// Names that the leaf must carry, all of them.
    pub names: &'a [AltName],
    /// The most intermediates on the path; self-issued ones do not count. Absent: webpki's own bound of six.
    pub max_intermediates: Option<usize>,
    /// The moment the verdict is for.
    pub at: Timestamp,
}

/// A path that was accepted, from the leaf to the anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    certificates: Vec<CertificateDer<'static>>,
}

impl Path {
    /// The certificates, leaf first, anchor last.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }
}

/// Finds a path from the leaf to one of `anchors` that holds at the time asked for.
///
/// With CRLs, every certificate below the anchor must be covered by one that is current: an unknown status, like an
/// expired list, is a refusal.
///
/// # Errors
/// The [`Reason`] why there is none.
pub fn validate(
    anchors: &Anchors,
    crls: &Crls,
    profile: Profile,
    question: &Question<'_>,
) -> Result<Path, Reason> {
    search(anchors, crls, profile, question, |path, anchor| {
        let below = path
            .intermediate_certificates()
            .map(|certificate| certificate.der().into_owned());
        let certificates = std::iter::once(question.leaf.clone().into_owned()).chain(below);
        Path {
            certificates: certificates
                .chain(std::iter::once(anchor.certificate().clone()))
                .collect(),
        }
    })
}

/// [`validate`] for a handshake: instead of the path, the seconds during which its verdict stands.
pub(crate) fn accept(
    anchors: &Anchors,
    crls: &Crls,
    profile: Profile,
    question: &Question<'_>,
) -> Result<RangeInclusive<i64>, Reason> {
    let window: Result<_, Reason> = search(anchors, crls, profile, question, |path, anchor| {
        let (mut from, mut until) = anchor.validity();
        let mut narrow = |der: &CertificateDer<'_>| {
            let certificate = parse(der)?;
            from = from.max(certificate.validity().not_before.timestamp());
            until = until.min(certificate.validity().not_after.timestamp());
            Ok::<_, Reason>(())
        };
        narrow(question.leaf)?;
        for certificate in path.intermediate_certificates() {
            narrow(&certificate.der())?;
        }
        Ok((from, until))
    })?;
    let (from, until) = window?;
    Ok(from..=crls.last_second().map_or(until, |last| until.min(last)))
}

fn search<T>(
    anchors: &Anchors,
    crls: &Crls,
    profile: Profile,
    question: &Question<'_>,
    found: impl FnOnce(&VerifiedPath<'_>, &Anchor) -> T,
) -> Result<T, Reason> {
    let leaf = EndEntityCert::try_from(question.leaf).map_err(Reason::from)?;
    let seconds = u64::try_from(floor_seconds(question.at)).map_err(|_| Reason::NotYetValid)?;
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let usage = match question.usage {
        Usage::Client => KeyUsage::client_auth(),
        Usage::Server => KeyUsage::server_auth(),
    };
    let lists = crls.lists();
    let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
        options
            .with_depth(RevocationCheckDepth::Chain)
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build()
    });

    // webpki's callback can only answer in webpki's words; ours are kept here.
    let objection = RefCell::new(None);
    let examine = |path: &VerifiedPath<'_>| {
        let verdict = anchors
            .of(path)
            .ok_or(Reason::UnknownIssuer)
            .and_then(|anchor| examine(path, anchor, crls, profile, question));
        verdict.map_err(|reason| {
            objection.borrow_mut().get_or_insert(reason);
            webpki::Error::UnknownIssuer
        })
    };
    let algorithms = provider().signature_verification_algorithms.all;
    let verified = leaf.verify_for_usage(
        algorithms,
        anchors.trust_anchors(),
        question.intermediates,
        time,
        usage,
        revocation,
        Some(&examine),
    );
    let path = verified.map_err(|error| objection.take().unwrap_or_else(|| Reason::from(error)))?;
    names_match(&leaf, question)?;
    let anchor = anchors.of(&path).ok_or(Reason::UnknownIssuer)?;
    Ok(found(&path, anchor))
}

/// Holds a path that webpki has verified against what webpki does not ask.
fn examine(
    path: &VerifiedPath<'_>,
    anchor: &Anchor,
    crls: &Crls,
    profile: Profile,
    question: &Question<'_>,
) -> Result<(), Reason> {
    anchor.valid_at(floor_seconds(question.at))?;
    if let Some(most) = question.max_intermediates {
        let counted = path
            .intermediate_certificates()
            .filter(|certificate| certificate.issuer() != certificate.subject())
            .count();
        if counted > most {
            return Err(Reason::PathTooLong {
                intermediates: counted,
                most,
            });
        }
    }
    match profile {
        Profile::Interoperable => Ok(()),
        Profile::Strict => {
            anchor.profile()?;
            crls.signable_by(anchor.certificate())?;
            profile::leaf(&parse(question.leaf)?, question.usage)?;
            for certificate in path.intermediate_certificates() {
                let der = certificate.der();
                profile::intermediate(&parse(&der)?)?;
                crls.signable_by(&der)?;
            }
            Ok(())
        }
    }
}

/// The whole second that `at` lies in. Rounding up would accept a certificate before its time.
pub(crate) fn floor_seconds(at: Timestamp) -> i64 {
    at.as_nanosecond()
        .div_euclid(1_000_000_000)
        .try_into()
        .unwrap_or(i64::MIN)
}

fn names_match(leaf: &EndEntityCert<'_>, question: &Question<'_>) -> Result<(), Reason> {
    let certificate = parse(question.leaf)?;
    question.names.iter().try_for_each(|name| {
        if profile::carries(&certificate, leaf, name) {
            Ok(())
        } else {
            Err(Reason::WrongName(name.clone()))
        }
    })
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Reason> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Reason::Malformed("certificate".to_owned())),
    }
}
