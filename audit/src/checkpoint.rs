//! Signed checkpoints: C2SP tlog-checkpoint in a signed note, with a timestamped line of tlog-cosignature beside it.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::Timestamp;
use crate::key::{NOTE, SigningKey, TIMED, VerifyingKey};
use crate::merkle::Hash;

/// What the log promised at one moment: so many records, with this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Number of records covered.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// When it was signed, to the second; the timestamped line says so.
    pub time: Timestamp,
    note: String,
}

impl Checkpoint {
    /// Signs a checkpoint.
    pub(crate) fn sign(key: &SigningKey, size: u64, root: Hash, time: Timestamp) -> Self {
        let name = key.name();
        let body = body(name, size, &root);
        let plain = line(name, key.note_id(), &[], &key.sign(body.as_bytes()));
        let seconds = u64::try_from(time.0 / 1000).unwrap_or(0);
        let signature = key.sign(timed_message(seconds, &body).as_bytes());
        let timed = line(name, key.timed_id(), &seconds.to_be_bytes(), &signature);
        Self {
            origin: name.to_owned(),
            size,
            root,
            time: from_seconds(seconds),
            note: format!("{body}\n{plain}{timed}"),
        }
    }

    /// Reads a checkpoint and checks that `key` signed it.
    ///
    /// It must be signed twice, plainly and with a time. Lines of other signers (witnesses) are left alone.
    ///
    /// # Errors
    /// Says what is wrong with the note.
    pub fn verify(note: &str, key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let (text, signatures) = note.split_once("\n\n").ok_or(CheckpointError::Malformed)?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Malformed);
        };
        if origin != key.name() {
            return Err(CheckpointError::Origin {
                found: origin.to_owned(),
                expected: key.name().to_owned(),
            });
        }
        let size = decimal(size).ok_or(CheckpointError::Malformed)?;
        let root: Hash = BASE64_STANDARD
            .decode(root)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(CheckpointError::Malformed)?;
        // Without the final newline the last signature line may have been cut.
        let signatures = signatures
            .strip_suffix('\n')
            .ok_or(CheckpointError::Malformed)?;
        let body = format!("{text}\n");
        let (mut signed, mut time) = (false, None);
        for line in signatures.split('\n') {
            let (name, bytes) = parse_line(line).ok_or(CheckpointError::Malformed)?;
            let Some((id, signature)) = bytes.split_first_chunk::<4>() else {
                return Err(CheckpointError::Malformed);
            };
            if name != key.name() {
                continue;
            }
            if *id == key.id(NOTE) {
                if !key.verifies(body.as_bytes(), signature) {
                    return Err(CheckpointError::Signature);
                }
                signed = true;
            } else if *id == key.id(TIMED) {
                let (seconds, signature) = signature
                    .split_first_chunk::<8>()
                    .ok_or(CheckpointError::Malformed)?;
                let seconds = u64::from_be_bytes(*seconds);
                if !key.verifies(timed_message(seconds, &body).as_bytes(), signature) {
                    return Err(CheckpointError::Signature);
                }
                time = Some(from_seconds(seconds));
            }
        }
        let (true, Some(time)) = (signed, time) else {
            return Err(CheckpointError::Unsigned);
        };
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            time,
            note: note.to_owned(),
        })
    }

    /// The signed note, as stored and as handed to witnesses.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// What is wrong with a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a checkpoint in a signed note.
    #[error("not a checkpoint: expected origin, size and root, an empty line, and signature lines")]
    Malformed,
    /// Of another log.
    #[error("the checkpoint is of log `{found}`; the key is of `{expected}`")]
    Origin {
        /// The origin in the note.
        found: String,
        /// The name of the key.
        expected: String,
    },
    /// A signature of the log's key does not fit.
    #[error("the checkpoint's signature is wrong")]
    Signature,
    /// The log's key has not signed, or not with a time.
    #[error("the checkpoint is not signed by the log's key, plainly and with a time")]
    Unsigned,
}

fn from_seconds(seconds: u64) -> Timestamp {
    Timestamp(
        i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000),
    )
}

fn body(origin: &str, size: u64, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", BASE64_STANDARD.encode(root))
}

fn timed_message(seconds: u64, body: &str) -> String {
    format!("cosignature/v1\ntime {seconds}\n{body}")
}

fn line(name: &str, id: [u8; 4], prefix: &[u8], signature: &[u8]) -> String {
    let bytes = [&id, prefix, signature].concat();
    format!("\u{2014} {name} {}\n", BASE64_STANDARD.encode(bytes))
}

fn parse_line(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, base64) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    Some((name, BASE64_STANDARD.decode(base64).ok()?))
}

/// A decimal number as checkpoints write it: digits only, no leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    (digits && !leading_zero)
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_back_with_its_time_and_any_changed_byte_is_found() {
        let key = SigningKey::generate("hangu.example/log").unwrap();
        let signed = Checkpoint::sign(&key, 42, [7; 32], Timestamp(1_700_000_000_123));
        let read = Checkpoint::verify(signed.note(), &key.public()).unwrap();
        assert_eq!(read, signed);
        assert_eq!(read.time, Timestamp(1_700_000_000_000));
        for i in 0..signed.note().len() {
            let mut bytes = signed.note().as_bytes().to_vec();
            bytes[i] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            assert!(
                Checkpoint::verify(&text, &key.public()).is_err(),
                "byte {i}"
            );
        }
        for end in 0..signed.note().len() {
            if let Some(cut) = signed.note().get(..end) {
                assert!(
                    Checkpoint::verify(cut, &key.public()).is_err(),
                    "cut at {end}"
                );
            }
        }
        let witnessed = format!("{}\u{2014} witness.example AAAAAAAA\n", signed.note());
        assert_eq!(
            Checkpoint::verify(&witnessed, &key.public()).unwrap().size,
            42
        );
    }

    #[test]
    fn a_checkpoint_of_another_key_or_log_is_refused() {
        let key = SigningKey::generate("a.example/log").unwrap();
        let same_name = SigningKey::generate("a.example/log").unwrap();
        let other = SigningKey::generate("b.example/log").unwrap();
        let note = Checkpoint::sign(&key, 1, [0; 32], Timestamp(0))
            .note()
            .to_owned();
        assert_eq!(
            Checkpoint::verify(&note, &same_name.public()),
            Err(CheckpointError::Unsigned)
        );
        assert!(matches!(
            Checkpoint::verify(&note, &other.public()),
            Err(CheckpointError::Origin { .. })
        ));
        assert_eq!(decimal("007"), None);
        assert_eq!(decimal("+7"), None);
        assert_eq!(decimal(""), None);
        assert_eq!(decimal("0"), Some(0));
    }
}
