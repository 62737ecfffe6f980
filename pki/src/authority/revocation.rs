//! Revocation lists, one of the issuing CA for leaves and one of the root for the issuing CA.
//!
//! Both are needed: a verifier that checks whole chains refuses an issuing CA that no list covers.

use std::collections::HashSet;

use jiff::Timestamp;
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, RevokedCertParams, SerialNumber,
    SigningKey,
};
use serde::{Deserialize, Serialize};

use super::inventory::{Entry, Purpose};
use super::settings::State;
use super::{AuthorityError, template};
use crate::hex;

/// Why a certificate is revoked (RFC 5280 section 5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationReason {
    /// No reason is given.
    #[default]
    Unspecified,
    /// The key is, or may be, in other hands.
    KeyCompromise,
    /// The authority's key is, or may be, in other hands.
    CaCompromise,
    /// The holder moved to another place or organization.
    AffiliationChanged,
    /// Another certificate takes its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
    /// The holder lost the right to it.
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("unspecified", Self::Unspecified),
        ("key-compromise", Self::KeyCompromise),
        ("ca-compromise", Self::CaCompromise),
        ("affiliation-changed", Self::AffiliationChanged),
        ("superseded", Self::Superseded),
        ("cessation-of-operation", Self::CessationOfOperation),
        ("privilege-withdrawn", Self::PrivilegeWithdrawn),
    ];

    const fn code(self) -> rcgen::RevocationReason {
        match self {
            Self::Unspecified => rcgen::RevocationReason::Unspecified,
            Self::KeyCompromise => rcgen::RevocationReason::KeyCompromise,
            Self::CaCompromise => rcgen::RevocationReason::CaCompromise,
            Self::AffiliationChanged => rcgen::RevocationReason::AffiliationChanged,
            Self::Superseded => rcgen::RevocationReason::Superseded,
            Self::CessationOfOperation => rcgen::RevocationReason::CessationOfOperation,
            Self::PrivilegeWithdrawn => rcgen::RevocationReason::PrivilegeWithdrawn,
        }
    }
}

impl std::str::FromStr for RevocationReason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, reason)| *reason);
        known.ok_or_else(|| {
            format!(
                "`{text}` is no reason: one of {}",
                Self::ALL.map(|(name, _)| format!("`{name}`")).join(", ")
            )
        })
    }
}

/// Who signs lists.
pub(super) struct Signers<'a, R: SigningKey, I: SigningKey> {
    /// Absent when the root's key is off the machine.
    pub(super) root: Option<&'a Issuer<'a, R>>,
    pub(super) issuing: &'a Issuer<'a, I>,
}

/// Makes both lists, in PEM, the issuing CA's first. Without the root's key, its list is taken from `before`.
pub(super) fn lists<R: SigningKey, I: SigningKey>(
    signers: &Signers<'_, R, I>,
    entries: &[Entry],
    before: Option<&str>,
    state: &State,
    now: Timestamp,
) -> Result<String, AuthorityError> {
    let names = &state.names;
    let leaves = entries
        .iter()
        .filter(|entry| entry.usage != Purpose::Authority);
    let authorities = entries
        .iter()
        .filter(|entry| entry.usage == Purpose::Authority);
    let issuing = list(leaves, state.crl_number, names.crl_validity, now)?
        .signed_by(signers.issuing)?
        .pem()?;
    let root = match signers.root {
        Some(root) => list(authorities, state.crl_number, names.root_crl_validity, now)?
            .signed_by(root)?
            .pem()?,
        None => second_block(before.unwrap_or_default()).to_owned(),
    };
    Ok(issuing + &root)
}

fn list<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    number: u64,
    validity: std::time::Duration,
    now: Timestamp,
) -> Result<CertificateRevocationListParams, AuthorityError> {
    // RFC 5280 section 3.3: an entry stays until it has been on a list beyond the certificate's end.
    let shown = entries.filter(|entry| {
        entry
            .not_after
            .saturating_add(validity)
            .is_ok_and(|until| until >= now)
    });
    let revoked = shown.filter_map(|entry| Some((entry, entry.revoked_at?)));
    Ok(CertificateRevocationListParams {
        this_update: template::time(now),
        next_update: template::time(now) + validity,
        crl_number: SerialNumber::from_slice(&number.to_be_bytes()),
        issuing_distribution_point: None,
        revoked_certs: revoked
            .map(|(entry, at)| {
                let serial = hex::decode(&entry.serial)
                    .ok_or_else(|| AuthorityError::Unreadable(entry.serial.clone()))?;
                Ok(RevokedCertParams {
                    serial_number: SerialNumber::from_slice(&serial),
                    revocation_time: template::time(at),
                    reason_code: entry.reason.map(RevocationReason::code),
                    invalidity_date: None,
                })
            })
            .collect::<Result<_, AuthorityError>>()?,
        key_identifier_method: KeyIdMethod::Sha256,
    })
}

fn second_block(pem: &str) -> &str {
    const BEGIN: &str = "-----BEGIN X509 CRL-----";
    pem.match_indices(BEGIN)
        .nth(1)
        .and_then(|(at, _)| pem.get(at..))
        .unwrap_or_default()
}

/// Whether half of a list's time has passed or a revocation is missing; of lists that can be made anew only.
pub(super) fn is_stale(
    pem: &str,
    entries: &[Entry],
    root_key_here: bool,
    now: Timestamp,
) -> Result<bool, String> {
    use rustls_pki_types::CertificateRevocationListDer;
    use rustls_pki_types::pem::PemObject as _;
    use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

    let ders = CertificateRevocationListDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    if ders.len() != 2 {
        return Err(format!("{} lists where there should be 2", ders.len()));
    }
    for (index, der) in ders.iter().enumerate() {
        let (_, list) =
            CertificateRevocationList::from_der(der).map_err(|error| error.to_string())?;
        let root = index == 1;
        if root && !root_key_here {
            continue;
        }
        let made = list.last_update().timestamp();
        let due = list.next_update().map_or(made, |due| due.timestamp());
        let listed: HashSet<_> = list
            .iter_revoked_certificates()
            .map(|revoked| hex::serial(revoked.raw_serial()))
            .collect();
        let missing = entries
            .iter()
            .filter(|entry| {
                (entry.usage == Purpose::Authority) == root
                    && entry.revoked_at.is_some()
                    && entry.not_after >= now
            })
            .any(|entry| !listed.contains(&entry.serial));
        if missing || now.as_second() >= made + (due - made) / 2 {
            return Ok(true);
        }
    }
    Ok(false)
}
