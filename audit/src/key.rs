//! The log's Ed25519 key, and its public half in the form of C2SP signed-note.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::merkle::sha256;

/// Signature type of a plain Ed25519 note signature (signed-note).
pub(crate) const NOTE: u8 = 1;
/// Signature type of a timestamped Ed25519 signature (tlog-cosignature).
pub(crate) const TIMED: u8 = 4;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot read or write key file `{path}`: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a PKCS#8 Ed25519 private key.
    #[error("not a PKCS#8 Ed25519 private key: expected `-----BEGIN PRIVATE KEY-----` or its DER")]
    NotPrivate,
    /// Not a verifier key.
    #[error("`{0}` is not a verifier key: expected `name+hash+base64`, one line")]
    NotPublic(String),
    /// A name that cannot stand in a signed note.
    #[error(
        "`{0}` cannot name a key: it must not be empty, and hold no space, plus sign or control character"
    )]
    Name(String),
}

/// The private key that signs checkpoints.
pub struct SigningKey {
    name: String,
    pair: Ed25519KeyPair,
    note_id: [u8; 4],
    timed_id: [u8; 4],
}

impl SigningKey {
    /// Makes a new key for the log called `name` (its origin).
    ///
    /// # Errors
    /// When `name` cannot stand in a signed note, or the system's random source fails.
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        Self::new(
            name,
            Ed25519KeyPair::generate().map_err(|_| KeyError::NotPrivate)?,
        )
    }

    /// Reads a PKCS#8 key, PEM or DER, for the log called `name`.
    ///
    /// # Errors
    /// When the file cannot be read or holds no such key.
    pub fn load(path: &Path, name: &str) -> Result<Self, KeyError> {
        let bytes = fs::read(path).map_err(|source| file_error(path, source))?;
        let der = pem_body(&bytes).unwrap_or(bytes);
        // The unchecked form also takes PKCS#8 version 1, which is what OpenSSL writes.
        let pair =
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| KeyError::NotPrivate)?;
        Self::new(name, pair)
    }

    /// Writes the key as PKCS#8 PEM to a new file only its owner may read.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let der = self.pair.to_pkcs8().map_err(|_| KeyError::NotPrivate)?;
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            wrapped(&BASE64_STANDARD.encode(der.as_ref()))
        );
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| file_error(path, source))?;
        file.write_all(pem.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|source| file_error(path, source))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        VerifyingKey {
            name: self.name.clone(),
            key: self.public_bytes(),
        }
    }

    /// The name under which the key signs: the log's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn note_id(&self) -> [u8; 4] {
        self.note_id
    }

    pub(crate) fn timed_id(&self) -> [u8; 4] {
        self.timed_id
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    fn new(name: &str, pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        check_name(name)?;
        let mut public = [0; 32];
        let bytes = pair.public_key().as_ref();
        if bytes.len() != public.len() {
            return Err(KeyError::NotPrivate);
        }
        public.copy_from_slice(bytes);
        Ok(Self {
            name: name.to_owned(),
            note_id: key_id(name, NOTE, &public),
            timed_id: key_id(name, TIMED, &public),
            pair,
        })
    }

    fn public_bytes(&self) -> [u8; 32] {
        let mut public = [0; 32];
        // `new` has checked the length.
        for (to, from) in public.iter_mut().zip(self.pair.public_key().as_ref()) {
            *to = *from;
        }
        public
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The public key that checks a log; written as one verifier-key line, `name+hash+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key: [u8; 32],
}

impl VerifyingKey {
    /// Reads a verifier key from the first line of a file.
    ///
    /// # Errors
    /// When the file cannot be read or its first line is no verifier key.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(path).map_err(|source| file_error(path, source))?;
        text.lines().next().unwrap_or_default().parse()
    }

    /// Writes the key as one line.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        fs::write(path, format!("{self}\n")).map_err(|source| file_error(path, source))
    }

    /// The name of the key: the log's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The raw Ed25519 public key.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    pub(crate) fn id(&self, kind: u8) -> [u8; 4] {
        key_id(&self.name, kind, &self.key)
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.key)
            .verify(message, signature)
            .is_ok()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id(NOTE));
        let mut material = vec![NOTE];
        material.extend_from_slice(&self.key);
        write!(
            f,
            "{}+{id:08x}+{}",
            self.name,
            BASE64_STANDARD.encode(material)
        )
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(line: &str) -> Result<Self, KeyError> {
        let line = line.trim();
        let bad = || KeyError::NotPublic(line.to_owned());
        let mut parts = line.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(bad());
        };
        check_name(name)?;
        let material = BASE64_STANDARD.decode(material).map_err(|_| bad())?;
        let Some((&NOTE, key)) = material.split_first() else {
            return Err(bad());
        };
        let key: [u8; 32] = key.try_into().map_err(|_| bad())?;
        let parsed = Self {
            name: name.to_owned(),
            key,
        };
        if format!("{:08x}", u32::from_be_bytes(parsed.id(NOTE))) != id {
            return Err(bad());
        }
        Ok(parsed)
    }
}

fn key_id(name: &str, kind: u8, key: &[u8; 32]) -> [u8; 4] {
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend_from_slice(&[b'\n', kind]);
    bytes.extend_from_slice(key);
    let [a, b, c, d, ..] = sha256(&bytes);
    [a, b, c, d]
}

fn check_name(name: &str) -> Result<(), KeyError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.len() > 255 || name.contains(bad) {
        return Err(KeyError::Name(name.to_owned()));
    }
    Ok(())
}

fn pem_body(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let compact: String = body.split_whitespace().collect();
    BASE64_STANDARD.decode(compact).ok()
}

fn wrapped(base64: &str) -> String {
    let mut out = String::with_capacity(base64.len() + 8);
    for (i, c) in base64.chars().enumerate() {
        if i > 0 && i % 64 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out
}

fn file_error(path: &Path, source: std::io::Error) -> KeyError {
    KeyError::File {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_verifier_key_of_the_signed_note_specification_is_read_and_written_alike() {
        // From golang.org/x/mod/sumdb/note, also used as the example of signed-note.
        let line = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifyingKey = line.parse().unwrap();
        assert_eq!(key.name(), "PeterNeumann");
        assert_eq!(key.to_string(), line);
        assert!(
            line.replace("c74f20a3", "c74f20a4")
                .parse::<VerifyingKey>()
                .is_err()
        );
        assert!("PeterNeumann+c74f20a3".parse::<VerifyingKey>().is_err());
        assert!("".parse::<VerifyingKey>().is_err());
    }

    #[test]
    fn a_saved_key_is_private_and_is_the_same_key_when_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        let key = SigningKey::generate("hangu.example/log").unwrap();
        key.save(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let again = SigningKey::load(&path, "hangu.example/log").unwrap();
        assert_eq!(again.public(), key.public());
        assert!(key.public().verifies(b"text", &again.sign(b"text")));
        assert!(!key.public().verifies(b"texu", &again.sign(b"text")));
        assert!(matches!(key.save(&path), Err(KeyError::File { .. })));
    }

    #[test]
    fn names_that_would_break_a_note_are_refused() {
        for name in ["", "a b", "a+b", "a\nb"] {
            assert!(
                matches!(SigningKey::generate(name), Err(KeyError::Name(_))),
                "{name:?}"
            );
        }
    }
}
