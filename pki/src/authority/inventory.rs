//! Every certificate ever issued: an append-only file of JSON lines, the last line of a serial number being the truth.

use std::collections::HashMap;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use super::store::{Folder, Lock};
use super::{AuthorityError, RevocationReason};
use crate::hex;
use crate::name::AltName;
use crate::trust::PeerIdentity;
use crate::verify::Usage;

const INVENTORY: &str = "inventory.jsonl";

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// It authenticates a TLS client.
    Client,
    /// It authenticates a TLS server.
    Server,
    /// It issues certificates: the issuing CA, below the root.
    Authority,
}

impl From<Usage> for Purpose {
    fn from(usage: Usage) -> Self {
        match usage {
            Usage::Client => Self::Client,
            Usage::Server => Self::Server,
        }
    }
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The serial number in lower-case hexadecimal.
    pub serial: String,
    /// The subject as an RFC 4514 string.
    pub subject: String,
    /// The subject alternative names.
    pub sans: Vec<AltName>,
    /// What it is for.
    pub usage: Purpose,
    /// First second of its validity.
    pub not_before: Timestamp,
    /// Last second of its validity.
    pub not_after: Timestamp,
    /// SHA-256 over the certificate, in lower-case hexadecimal.
    pub fingerprint: String,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked.
    pub reason: Option<RevocationReason>,
}

impl Entry {
    /// Reads a certificate that was just made: the inventory says what is in it, not what was asked for.
    pub(super) fn read(
        certificate: &CertificateDer<'_>,
        usage: Purpose,
    ) -> Result<Self, AuthorityError> {
        let unreadable = |error: String| AuthorityError::Unreadable(error);
        let identity =
            PeerIdentity::from_der(certificate).map_err(|error| unreadable(error.to_string()))?;
        let time =
            |second| Timestamp::from_second(second).map_err(|error| unreadable(error.to_string()));
        let dns = identity.dns.into_iter().map(AltName::Dns);
        let ip = identity.ip.into_iter().map(AltName::Ip);
        let email = identity.email.into_iter().map(AltName::Email);
        let uri = identity.uri.into_iter().map(AltName::Uri);
        Ok(Self {
            serial: identity.serial,
            subject: identity.subject,
            sans: dns.chain(ip).chain(email).chain(uri).collect(),
            usage,
            not_before: time(identity.not_before)?,
            not_after: time(identity.not_after)?,
            fingerprint: identity.fingerprint_sha256,
            revoked_at: None,
            reason: None,
        })
    }
}

/// The inventory in memory, as far as it has been read.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    entries: Vec<Entry>,
    /// Serial number or fingerprint to position in `entries`.
    index: HashMap<String, usize>,
    /// Bytes of the file up to the end of the last whole line that was read.
    read: u64,
}

impl Inventory {
    /// Starts the file anew with its first entry.
    pub(super) fn begin(folder: &Folder, lock: &Lock, first: &Entry) -> Result<(), AuthorityError> {
        folder.append(lock, INVENTORY, 0, &line(first)?)
    }

    pub(super) fn load(folder: &Folder) -> Result<Self, AuthorityError> {
        let mut inventory = Self::default();
        inventory.refresh(folder)?;
        Ok(inventory)
    }

    /// Reads what other processes have appended.
    pub(super) fn refresh(&mut self, folder: &Folder) -> Result<(), AuthorityError> {
        let bytes = folder.read_from(INVENTORY, self.read)?;
        // Without its line break, the last line was torn by a crash and its certificate never left us.
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |last| last + 1);
        for line in bytes
            .get(..whole)
            .unwrap_or_default()
            .split_inclusive(|byte| *byte == b'\n')
        {
            let entry = serde_json::from_slice(line).map_err(|error| {
                folder.damaged(
                    INVENTORY,
                    &format!("the line at byte {} cannot be read: {error}", self.read),
                )
            })?;
            self.put(entry);
            self.read += line.len() as u64;
        }
        Ok(())
    }

    /// Appends an entry, or what became of one.
    pub(super) fn append(
        &mut self,
        folder: &Folder,
        lock: &Lock,
        entry: &Entry,
    ) -> Result<(), AuthorityError> {
        self.refresh(folder)?;
        folder.append(lock, INVENTORY, self.read, &line(entry)?)?;
        self.refresh(folder)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry with this serial number or fingerprint, in any case, with or without colons.
    pub(super) fn find(&self, certificate: &str) -> Option<&Entry> {
        let octets = hex::decode(certificate.trim())?;
        let position = self
            .index
            .get(&hex::encode(&octets))
            .or_else(|| self.index.get(&hex::serial(&octets)))?;
        self.entries.get(*position)
    }

    fn put(&mut self, entry: Entry) {
        let known = self
            .index
            .get(&entry.serial)
            .and_then(|position| self.entries.get_mut(*position));
        match known {
            Some(known) => *known = entry,
            None => {
                let position = self.entries.len();
                self.index.insert(entry.serial.clone(), position);
                self.index.insert(entry.fingerprint.clone(), position);
                self.entries.push(entry);
            }
        }
    }
}

fn line(entry: &Entry) -> Result<Vec<u8>, AuthorityError> {
    let mut line =
        serde_json::to_vec(entry).map_err(|error| AuthorityError::Unreadable(error.to_string()))?;
    line.push(b'\n');
    Ok(line)
}
