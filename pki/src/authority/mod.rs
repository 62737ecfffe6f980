//! The certificate authority: a root, an issuing CA below it, and a folder that survives a crash at any moment.
//!
//! ```text
//! DIR/                 0700
//!   lock               held while something changes; any number of processes may share the folder
//!   root.key           0600; may be taken off the machine once the authority exists
//!   root.pem           the trust anchor to hand out
//!   issuing.key        0600
//!   issuing.pem        below the root, path length 0
//!   inventory.jsonl    every certificate ever issued, appended before it is handed out
//!   crl.pem            the issuing CA's list and the root's, in this order, replaced as one
//!   authority.json     settings and the last CRL number; written last, so its presence means "complete"
//! ```

mod error;
mod inventory;
mod revocation;
mod settings;
mod store;
mod template;

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::rand;
use jiff::Timestamp;
use rcgen::{Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, SerialNumber};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

pub use error::AuthorityError;
pub use inventory::{Entry, Purpose};
pub use revocation::RevocationReason;
pub use settings::Names;
pub use template::{Key, Request};

use crate::hex;
use inventory::Inventory;
use settings::State;
use store::{Folder, Lock, Mode};

const ROOT_KEY: &str = "root.key";
const ROOT: &str = "root.pem";
const ISSUING_KEY: &str = "issuing.key";
const ISSUING: &str = "issuing.pem";
const CRLS: &str = "crl.pem";
const STATE: &str = "authority.json";

/// How far certificates are dated back, for peers whose clocks run behind. Chosen.
const BACKDATE: Duration = Duration::from_secs(300);

/// A certificate authority in a folder.
///
/// Several processes may have the same folder open; each operation takes the folder's lock and reads what the others
/// have appended.
#[derive(Debug)]
pub struct Authority {
    folder: Folder,
    root: CertificateDer<'static>,
    root_pem: String,
    issuing: CertificateDer<'static>,
    issuing_pem: String,
    inventory: Inventory,
}

/// A certificate that was just issued.
#[derive(Debug)]
pub struct Issued {
    /// The leaf and the issuing CA, in PEM.
    pub chain_pem: String,
    /// The private key in PKCS#8 PEM, unless it stayed with whoever made the request.
    pub key_pem: Option<Zeroizing<String>>,
    /// What the inventory says.
    pub entry: Entry,
}

/// What [`Authority::revoke`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The certificate is revoked as of now.
    Now(Entry),
    /// It had been revoked before; its time and reason stand. The list was written again.
    Before(Entry),
}

impl Authority {
    /// Makes a new authority in `dir`, which is created if need be.
    ///
    /// An attempt that was cut short is finished by the next one, with new keys: nothing was signed with the old.
    ///
    /// # Errors
    /// There is an authority already, `names` cannot be put into certificates, or the folder cannot be written.
    pub fn init(dir: &Path, names: Names, now: Timestamp) -> Result<Self, AuthorityError> {
        names.check()?;
        let folder = Folder::create(dir)?;
        let lock = folder.lock()?;
        if folder.contains(STATE) {
            return Err(AuthorityError::Exists(dir.to_owned()));
        }
        let root_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let issuing_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let root_params = template::root(&names, serial()?, now)?;
        let root = root_params.self_signed(&root_key)?;
        let issuing_params = template::issuing(&names, serial()?, now)?;
        let issuer = Issuer::new(root_params, &root_key);
        let issuing = issuing_params.signed_by(&issuing_key, &issuer)?;

        // A crash anywhere from here on leaves a folder without `authority.json`; the next `init` overwrites the rest.
        folder.write(
            &lock,
            ROOT_KEY,
            Zeroizing::new(root_key.serialize_pem()).as_bytes(),
            Mode::Secret,
        )?;
        folder.write(&lock, ROOT, root.pem().as_bytes(), Mode::Public)?;
        folder.write(
            &lock,
            ISSUING_KEY,
            Zeroizing::new(issuing_key.serialize_pem()).as_bytes(),
            Mode::Secret,
        )?;
        folder.write(&lock, ISSUING, issuing.pem().as_bytes(), Mode::Public)?;
        let entry = Entry::read(issuing.der(), Purpose::Authority)?;
        Inventory::begin(&folder, &lock, &entry)?;
        let state = State {
            names,
            crl_number: 1,
        };
        let crls = revocation::lists(
            &revocation::Signers {
                root: Some(&issuer),
                issuing: &Issuer::new(issuing_params, &issuing_key),
            },
            &[entry],
            None,
            &state,
            now,
        )?;
        folder.write(&lock, CRLS, crls.as_bytes(), Mode::Public)?;
        state.store(&folder, &lock)?;
        drop(lock);
        Self::open(dir)
    }

    /// Opens the authority in `dir`.
    ///
    /// # Errors
    /// There is none, its files are damaged, or others may read its keys.
    pub fn open(dir: &Path) -> Result<Self, AuthorityError> {
        let folder = Folder::open(dir)?;
        let _lock = folder.lock_shared()?;
        State::load(&folder)?;
        let certificate = |name: &'static str| {
            let pem = folder.read_text(name)?;
            let der = CertificateDer::from_pem_slice(pem.as_bytes())
                .map_err(|_| folder.damaged(name, "no certificate in PEM"))?;
            Ok::<_, AuthorityError>((der, pem))
        };
        let (root, root_pem) = certificate(ROOT)?;
        let (issuing, issuing_pem) = certificate(ISSUING)?;
        let inventory = Inventory::load(&folder)?;
        Ok(Self {
            folder,
            root,
            root_pem,
            issuing,
            issuing_pem,
            inventory,
        })
    }

    /// Issues a certificate.
    ///
    /// It is in the inventory, on disk, before this returns: no certificate is in the world that the authority does
    /// not know. After a crash the inventory may hold one that nobody received.
    ///
    /// # Errors
    /// The request asks for what the profile does not allow, or the folder cannot be written.
    pub fn issue(&mut self, request: &Request, now: Timestamp) -> Result<Issued, AuthorityError> {
        let lock = self.folder.lock()?;
        let state = State::load(&self.folder)?;
        let leaf = template::leaf(request, &state.names, serial()?, &self.issuing, now)?;
        let signer = self.issuing_signer()?;
        let (certificate, key_pem) = match &request.key {
            Key::Generate => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
                (
                    leaf.signed_by(&key, &signer)?,
                    Some(Zeroizing::new(key.serialize_pem())),
                )
            }
            Key::Csr(pem) => (
                leaf.signed_by(&template::requested_key(pem)?, &signer)?,
                None,
            ),
        };
        let entry = Entry::read(certificate.der(), request.usage.into())?;
        // A crash before this line: nothing has happened. After it: an entry for a certificate that nobody received.
        self.inventory.append(&self.folder, &lock, &entry)?;
        Ok(Issued {
            chain_pem: format!("{}{}", certificate.pem(), self.issuing_pem),
            key_pem,
            entry,
        })
    }

    /// Revokes the certificate with this serial number or SHA-256 fingerprint, and writes new lists.
    ///
    /// # Errors
    /// No such certificate, or the folder cannot be written. When the error came after the revocation was recorded,
    /// revoking again finishes the work.
    pub fn revoke(
        &mut self,
        certificate: &str,
        reason: RevocationReason,
        now: Timestamp,
    ) -> Result<Revoked, AuthorityError> {
        let lock = self.folder.lock()?;
        self.inventory.refresh(&self.folder)?;
        let mut entry = self
            .inventory
            .find(certificate)
            .cloned()
            .ok_or_else(|| AuthorityError::Unknown(certificate.to_owned()))?;
        let outcome = if entry.revoked_at.is_some() {
            Revoked::Before(entry)
        } else {
            if entry.usage == Purpose::Authority && !self.folder.contains(ROOT_KEY) {
                return Err(AuthorityError::RootKeyAway(self.folder.path(ROOT_KEY)));
            }
            entry.revoked_at = Some(now);
            entry.reason = Some(reason);
            // A crash between this line and the next: revoked, and not yet on the list. `crl` or another `revoke`
            // puts it there; until then `is_crl_stale` says so.
            self.inventory.append(&self.folder, &lock, &entry)?;
            Revoked::Now(entry)
        };
        self.write_crls(&lock, now)?;
        Ok(outcome)
    }

    /// Writes new revocation lists and returns them: the issuing CA's, then the root's, in PEM.
    ///
    /// If the root's key has been taken off the machine, its last list is kept.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub fn crl(&mut self, now: Timestamp) -> Result<String, AuthorityError> {
        let lock = self.folder.lock()?;
        self.inventory.refresh(&self.folder)?;
        self.write_crls(&lock, now)
    }

    /// Whether the lists on disk should be written again: half of their time has passed, or a revocation is missing.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn is_crl_stale(&mut self, now: Timestamp) -> Result<bool, AuthorityError> {
        let _lock = self.folder.lock_shared()?;
        self.inventory.refresh(&self.folder)?;
        let pem = self.folder.read_text(CRLS)?;
        revocation::is_stale(
            &pem,
            self.inventory.entries(),
            self.folder.contains(ROOT_KEY),
            now,
        )
        .map_err(|fault| self.folder.damaged(CRLS, &fault))
    }

    /// Every certificate ever issued, in order, as it stands now.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn inventory(&mut self) -> Result<&[Entry], AuthorityError> {
        let _lock = self.folder.lock_shared()?;
        self.inventory.refresh(&self.folder)?;
        Ok(self.inventory.entries())
    }

    /// The root certificate in PEM: the anchor to trust.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The issuing CA's certificate in PEM.
    #[must_use]
    pub fn issuing_pem(&self) -> &str {
        &self.issuing_pem
    }

    /// The revocation lists as they are on disk, in PEM.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn crls_pem(&self) -> Result<String, AuthorityError> {
        self.folder.read_text(CRLS)
    }

    fn issuing_signer(&self) -> Result<Issuer<'static, KeyPair>, AuthorityError> {
        self.signer(&self.issuing, ISSUING_KEY)
    }

    fn signer(
        &self,
        certificate: &CertificateDer<'_>,
        key: &'static str,
    ) -> Result<Issuer<'static, KeyPair>, AuthorityError> {
        let pem = self.folder.read_secret(key)?;
        let key = KeyPair::from_pem(&pem)
            .map_err(|_| self.folder.damaged(key, "no private key in PKCS#8 PEM"))?;
        Ok(Issuer::from_ca_cert_der(certificate, key)?)
    }

    fn write_crls(&self, lock: &Lock, now: Timestamp) -> Result<String, AuthorityError> {
        let mut state = State::load(&self.folder)?;
        let root = self
            .folder
            .contains(ROOT_KEY)
            .then(|| self.signer(&self.root, ROOT_KEY))
            .transpose()?;
        state.crl_number += 1;
        // The number is spent before it is used. A crash between the two writes leaves a gap in the numbers, which
        // RFC 5280 allows; two different lists of one number it does not.
        state.store(&self.folder, lock)?;
        let before = self.folder.read_text(CRLS)?;
        let signers = revocation::Signers {
            root: root.as_ref(),
            issuing: &self.issuing_signer()?,
        };
        let crls = revocation::lists(
            &signers,
            self.inventory.entries(),
            Some(&before),
            &state,
            now,
        )?;
        self.folder
            .write(lock, CRLS, crls.as_bytes(), Mode::Public)?;
        Ok(crls)
    }
}

/// 128 random bits, and never zero.
fn serial() -> Result<SerialNumber, AuthorityError> {
    let mut octets = [0_u8; 16];
    rand::fill(&mut octets).map_err(|_| AuthorityError::Random)?;
    if hex::serial(&octets) == "00" {
        return Err(AuthorityError::Random);
    }
    Ok(SerialNumber::from_slice(&octets))
}

#[cfg(test)]
mod tests;
