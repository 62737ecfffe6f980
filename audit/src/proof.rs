//! Receipts: one file that proves, offline, that a record is in the log (C2SP tlog-proof).

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::checkpoint::{Checkpoint, CheckpointError, decimal};
use crate::history;
use crate::key::VerifyingKey;
use crate::merkle::{Hash, MAX_DEPTH, leaf_hash, path_ranges, root_from_proof};
use crate::read::{ReadError, read};
use crate::tree::{NAME, TreeFile};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A receipt for one record; `Display` and `FromStr` write and read the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The record's place in the log.
    pub index: u64,
    /// Hashes from the leaf's sibling up to a child of the root.
    pub path: Vec<Hash>,
    /// The signed note of the checkpoint the path leads to.
    pub note: String,
}

/// Why there is no proof, or why one does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The system refused.
    #[error("cannot read `{0}`: {1}")]
    Io(String, std::io::Error),
    /// The record cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The checkpoint does not hold.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// There is no checkpoint.
    #[error("the log has no checkpoint")]
    NoCheckpoint,
    /// The record is not below the latest checkpoint.
    #[error("record {index} is not below the latest checkpoint, which signs {size} records")]
    NotSigned {
        /// The record asked for.
        index: u64,
        /// Size of the checkpoint.
        size: u64,
    },
    /// Not a receipt.
    #[error("not a receipt: expected `{FIRST_LINE}`, an index, hashes and a checkpoint")]
    Malformed,
    /// The record, the path and the root do not belong together.
    #[error(
        "the record is not in the log at this place: the path does not lead to the signed root"
    )]
    Wrong,
}

/// Makes the receipt for a record, and checks it before handing it out.
///
/// # Errors
/// When the record is not signed yet, or the log cannot be read or does not fit its checkpoint.
pub fn prove(dir: &Path, index: u64, key: &VerifyingKey) -> Result<Proof, ProofError> {
    let latest =
        history::latest(dir, key).map_err(|e| ProofError::Io(history::LATEST.to_owned(), e))?;
    let checkpoint = latest.ok_or(ProofError::NoCheckpoint)??;
    if index >= checkpoint.size {
        return Err(ProofError::NotSigned {
            index,
            size: checkpoint.size,
        });
    }
    let io = |e| ProofError::Io(NAME.to_owned(), e);
    let tree = TreeFile::open(dir).map_err(io)?;
    let mut path = Vec::new();
    for (low, high) in path_ranges(index, checkpoint.size) {
        path.push(tree.range(low, high).map_err(io)?);
    }
    let proof = Proof {
        index,
        path,
        note: checkpoint.note().to_owned(),
    };
    let record = read(dir, index, 1)?
        .pop()
        .filter(|record| record.index == index);
    verify_proof(&proof, &record.ok_or(ProofError::Wrong)?.event, key)?;
    Ok(proof)
}

/// Checks a receipt against the record's bytes and the log's public key, and returns the checkpoint that signs it.
///
/// # Errors
/// When the checkpoint is not the log's, or the path does not lead from the record to its root.
pub fn verify_proof(
    proof: &Proof,
    event: &[u8],
    key: &VerifyingKey,
) -> Result<Checkpoint, ProofError> {
    let checkpoint = Checkpoint::verify(&proof.note, key)?;
    match root_from_proof(proof.index, checkpoint.size, leaf_hash(event), &proof.path) {
        Some(root) if root == checkpoint.root => Ok(checkpoint),
        Some(_) | None => Err(ProofError::Wrong),
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}\nindex {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", BASE64_STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

impl FromStr for Proof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        let (head, note) = text.split_once("\n\n").ok_or(ProofError::Malformed)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err(ProofError::Malformed);
        }
        let mut line = lines.next().ok_or(ProofError::Malformed)?;
        if line.starts_with("extra ") {
            line = lines.next().ok_or(ProofError::Malformed)?;
        }
        let index = line
            .strip_prefix("index ")
            .and_then(decimal)
            .ok_or(ProofError::Malformed)?;
        let mut path = Vec::new();
        for line in lines {
            let hash = BASE64_STANDARD
                .decode(line)
                .ok()
                .and_then(|bytes| bytes.try_into().ok());
            path.push(hash.ok_or(ProofError::Malformed)?);
            if path.len() > MAX_DEPTH {
                return Err(ProofError::Malformed);
            }
        }
        Ok(Self {
            index,
            path,
            note: note.to_owned(),
        })
    }
}
