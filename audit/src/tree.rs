//! The file `tree`: every hash of the Merkle tree, so that a proof reads a few of them instead of the whole log.
//!
//! Hashes stand in the order in which they become final: each leaf, then the inner nodes it completes. A tree of `n`
//! leaves has `2n` hashes less the number of ones in `n`. The file is derived: it is never trusted, a proof made from it is
//! checked against the signed root before it is handed out, and it is made again when it is lost.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::merkle::{Hash, largest_power_below, node_hash};

pub(crate) const NAME: &str = "tree";

/// Number of hashes that a tree of `size` leaves has stored.
pub(crate) fn stored(size: u64) -> u64 {
    2 * size - u64::from(size.count_ones())
}

/// Place of the root of the `n`th complete subtree of `2^level` leaves.
fn place(level: u32, n: u64) -> u64 {
    // The subtree is complete as soon as its last leaf is stored; `level` hashes follow that leaf.
    let leaf = ((n + 1) << level) - 1;
    stored(leaf) + u64::from(level)
}

/// Reads hashes of the tree.
pub(crate) struct TreeFile {
    file: File,
}

impl TreeFile {
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(dir.join(NAME))?,
        })
    }

    /// The root of the complete subtree of `2^level` leaves that begins at leaf `n << level`.
    pub(crate) fn node(&self, level: u32, n: u64) -> io::Result<Hash> {
        let mut hash = [0; 32];
        self.file.read_exact_at(&mut hash, place(level, n) * 32)?;
        Ok(hash)
    }

    /// The root over the leaves from `low` up to `high`, a range that a split of RFC 6962 makes.
    pub(crate) fn range(&self, low: u64, high: u64) -> io::Result<Hash> {
        let width = high - low;
        if width.is_power_of_two() {
            let level = width.trailing_zeros();
            return self.node(level, low >> level);
        }
        let middle = low + largest_power_below(width);
        Ok(node_hash(
            &self.range(low, middle)?,
            &self.range(middle, high)?,
        ))
    }

    /// The roots of the complete subtrees of a tree of `size` leaves, largest first.
    pub(crate) fn peaks(&self, size: u64) -> io::Result<Vec<Hash>> {
        let mut low = 0;
        let mut peaks = Vec::new();
        for level in (0..u64::BITS).rev() {
            if size & (1 << level) != 0 {
                peaks.push(self.node(level, low >> level)?);
                low += 1 << level;
            }
        }
        Ok(peaks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{Frontier, leaf_hash, path_ranges, root_from_proof};

    #[test]
    fn every_proof_of_every_small_tree_is_read_from_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        let mut frontier = Frontier::default();
        for size in 1..=40u64 {
            frontier.push(leaf_hash(&size.to_le_bytes()), |hash| {
                bytes.extend_from_slice(hash)
            });
            assert_eq!(bytes.len() as u64, stored(size) * 32);
            std::fs::write(dir.path().join(NAME), &bytes).unwrap();
            let tree = TreeFile::open(dir.path()).unwrap();
            assert_eq!(tree.peaks(size).unwrap(), frontier.peaks());
            assert_eq!(tree.range(0, size).unwrap(), frontier.root());
            for index in 0..size {
                let proof: Vec<Hash> = path_ranges(index, size)
                    .iter()
                    .map(|&(a, b)| tree.range(a, b).unwrap())
                    .collect();
                let leaf = leaf_hash(&(index + 1).to_le_bytes());
                assert_eq!(
                    root_from_proof(index, size, leaf, &proof),
                    Some(frontier.root())
                );
            }
        }
    }
}
