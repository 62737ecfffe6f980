//! Certificate revocation lists: read once, checked once, newest first.

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use serde::Serialize;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::OID_X509_EXT_CRL_NUMBER;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::profile::{self, Rule};
use super::{Reason, parse};
use crate::{dn, hex};

/// The revocation lists that are in force.
#[derive(Debug, Default)]
pub struct Crls {
    lists: Vec<CertRevocationList<'static>>,
    infos: Vec<CrlInfo>,
}

/// What a revocation list says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CrlInfo {
    /// The issuer as an RFC 4514 string.
    pub issuer: String,
    /// Its number, in hexadecimal; a later list of the same issuer has a higher one.
    pub number: String,
    /// When it was made, in Unix seconds.
    pub this_update: i64,
    /// When the next one is due, in Unix seconds; from then on it is refused.
    pub next_update: i64,
    /// How many certificates it revokes.
    pub revoked: usize,
    /// The scope that its issuing distribution point names, as DER in hexadecimal; empty for everything.
    pub scope: String,
    #[serde(skip)]
    issuer_der: Vec<u8>,
}

/// Why a revocation list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// Not PEM.
    #[error("revocation lists: broken PEM ({0})")]
    Pem(String),
    /// PEM without a list in it.
    #[error("revocation lists: no `X509 CRL` block in the PEM given")]
    Empty,
    /// Not a list that can be read: version 1, no next update, a delta, or an encoding error.
    #[error("revocation list of `{issuer}` cannot be read ({fault})")]
    Unreadable {
        /// The issuer, or `?`.
        issuer: String,
        /// What webpki said.
        fault: String,
    },
    /// No number, or a critical one.
    #[error("revocation list of `{0}` has no number or a critical one (RFC 5280 section 5.2.3)")]
    Number(String),
    /// No authority key identifier.
    #[error("revocation list of `{0}` has no authority key identifier (RFC 5280 section 5.2.1)")]
    AuthorityKey(String),
    /// An older list than the one in force.
    #[error("revocation list of `{issuer}` goes back from number {from} to {to}")]
    GoesBack {
        /// The issuer.
        issuer: String,
        /// The number in force.
        from: String,
        /// The number offered.
        to: String,
    },
}

impl Crls {
    /// No lists: revocation is not checked.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads every list in `pem`, which may be empty.
    ///
    /// # Errors
    /// A list is broken or breaks RFC 5280, or there is text but no list in it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CrlError> {
        let lists = CertificateRevocationListDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| CrlError::Pem(error.to_string()))?;
        if lists.is_empty() && !pem.trim_ascii().is_empty() {
            return Err(CrlError::Empty);
        }
        Self::from_der(lists.iter().map(|list| list.as_ref()))
    }

    /// Takes lists as DER.
    ///
    /// # Errors
    /// A list is broken or breaks RFC 5280.
    pub fn from_der<'a>(lists: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, CrlError> {
        let mut read = lists.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        // webpki takes the first list that covers a certificate: an old one must not hide a newer one of its issuer.
        read.sort_by(|(left, _), (right, _)| newer(right).cmp(&newer(left)));
        let (infos, lists) = read.into_iter().unzip();
        Ok(Self { lists, infos })
    }

    /// What the lists say about themselves, newest first.
    #[must_use]
    pub fn infos(&self) -> &[CrlInfo] {
        &self.infos
    }

    /// Checks that no issuer's list is older than in `before`, or has gone.
    ///
    /// Whoever can put an old list in place of a new one can bring a revoked certificate back.
    ///
    /// # Errors
    /// The first list that goes back.
    pub fn follows(&self, before: &Self) -> Result<(), CrlError> {
        for old in &before.infos {
            let same =
                |info: &&CrlInfo| info.issuer_der == old.issuer_der && info.scope == old.scope;
            let to = self.infos.iter().find(same);
            if to.is_none_or(|new| newer(new) < newer(old)) {
                return Err(CrlError::GoesBack {
                    issuer: old.issuer.clone(),
                    from: old.number.clone(),
                    to: to.map_or_else(|| "none".to_owned(), |new| new.number.clone()),
                });
            }
        }
        Ok(())
    }

    /// The last second in which all lists are in force; absent without lists.
    pub(super) fn last_second(&self) -> Option<i64> {
        self.infos.iter().map(|info| info.next_update - 1).min()
    }

    pub(super) fn lists(&self) -> Vec<&CertRevocationList<'static>> {
        self.lists.iter().collect()
    }

    /// Checks that `issuer`, if one of the lists is in its name, may sign lists.
    pub(super) fn signable_by(&self, issuer: &CertificateDer<'_>) -> Result<(), Reason> {
        if self.lists.is_empty() {
            return Ok(());
        }
        let issuer = parse(issuer)?;
        let issued = self
            .infos
            .iter()
            .any(|info| info.issuer_der == issuer.subject().as_raw());
        if issued && !profile::may_sign_crls(&issuer) {
            return Err(Rule::CrlIssuerWithoutCrlSign.into());
        }
        Ok(())
    }
}

/// Orders lists of one issuer: by number as a number, then by time.
fn newer(info: &CrlInfo) -> (usize, &str, i64) {
    (info.number.len(), &info.number, info.this_update)
}

fn read(der: &[u8]) -> Result<(CrlInfo, CertRevocationList<'static>), CrlError> {
    let unreadable = |issuer: &str, fault: String| CrlError::Unreadable {
        issuer: issuer.to_owned(),
        fault,
    };
    let Ok(([], parsed)) = CertificateRevocationList::from_der(der) else {
        return Err(unreadable("?", "not a version 2 list in DER".to_owned()));
    };
    let issuer = dn::rfc4514(parsed.issuer());
    let list = OwnedCertRevocationList::from_der(der)
        .map_err(|error| unreadable(&issuer, error.to_string()))?;
    let next_update = parsed
        .next_update()
        .ok_or_else(|| unreadable(&issuer, "no next update".to_owned()))?;
    let number = number(&parsed).ok_or_else(|| CrlError::Number(issuer.clone()))?;
    if !parsed.extensions().iter().any(|extension| {
        matches!(
            extension.parsed_extension(),
            ParsedExtension::AuthorityKeyIdentifier(_)
        )
    }) {
        return Err(CrlError::AuthorityKey(issuer));
    }
    let list = CertRevocationList::from(list);
    let info = CrlInfo {
        number,
        this_update: parsed.last_update().timestamp(),
        next_update: next_update.timestamp(),
        revoked: parsed.iter_revoked_certificates().count(),
        scope: list
            .issuing_distribution_point()
            .map(hex::encode)
            .unwrap_or_default(),
        issuer_der: parsed.issuer().as_raw().to_vec(),
        issuer,
    };
    Ok((info, list))
}

/// The list's number in hexadecimal, if it has exactly one, not critical and not negative.
fn number(list: &CertificateRevocationList<'_>) -> Option<String> {
    let mut numbers = list
        .extensions()
        .iter()
        .filter(|extension| extension.oid == OID_X509_EXT_CRL_NUMBER);
    let extension = numbers.next().filter(|extension| !extension.critical)?;
    match (numbers.next(), extension.parsed_extension()) {
        (None, ParsedExtension::CRLNumber(number)) => Some(hex::serial(&number.to_bytes_be())),
        _ => None,
    }
}
