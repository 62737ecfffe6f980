//! The Merkle tree of RFC 6962 over SHA-256, in the compact form a writer needs.

use aws_lc_rs::digest::{SHA256, digest};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// First byte of what a leaf hash covers (RFC 6962, section 2.1).
pub(crate) const LEAF: u8 = 0;
const NODE: u8 = 1;

/// Most hashes a [`Frontier`] or a proof can hold: a tree has fewer than 2^64 leaves.
pub(crate) const MAX_DEPTH: usize = 64;

/// Hashes bytes with SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// Hashes one leaf: SHA-256 over a zero byte and the leaf's bytes.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut bytes = Vec::with_capacity(leaf.len() + 1);
    bytes.push(LEAF);
    bytes.extend_from_slice(leaf);
    sha256(&bytes)
}

/// Hashes an inner node from its two children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [NODE; 65];
    let (_, children) = bytes.split_at_mut(1);
    let (l, r) = children.split_at_mut(32);
    l.copy_from_slice(left);
    r.copy_from_slice(right);
    sha256(&bytes)
}

/// The right edge of a tree: the roots of its complete subtrees, largest first.
///
/// Appending and taking the root need nothing else, so a log of any size is continued from at most 64 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Restores a frontier; there is none when the number of hashes does not fit the size.
    pub(crate) fn new(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// Number of leaves.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, largest first.
    pub(crate) fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf and hands every hash that became final to `stored`, in the order of [`crate::tree`].
    pub(crate) fn push(&mut self, leaf: Hash, mut stored: impl FnMut(&Hash)) {
        stored(&leaf);
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            // There are as many peaks as ones in the size, so the loop never finds the stack empty.
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            stored(&hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the tree; of the empty tree the hash of nothing.
    pub(crate) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(smallest) = peaks.next() else {
            return sha256(&[]);
        };
        peaks.fold(*smallest, |right, left| node_hash(left, &right))
    }
}

/// The subtrees whose roots prove leaf `index` in a tree of `size`, sibling of the leaf first, as half-open ranges.
pub(crate) fn path_ranges(index: u64, size: u64) -> Vec<(u64, u64)> {
    let (mut low, mut high) = (0, size);
    let mut ranges = Vec::new();
    while high - low > 1 {
        let middle = low + largest_power_below(high - low);
        if index < middle {
            ranges.push((middle, high));
            high = middle;
        } else {
            ranges.push((low, middle));
            low = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The largest power of two smaller than `n`, for `n` of at least 2.
pub(crate) fn largest_power_below(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// The root that a proof leads to, or nothing when its length does not fit (RFC 9162, section 2.1.3.2).
pub(crate) fn root_from_proof(index: u64, size: u64, leaf: Hash, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6962, section 2.1, word for word.
    pub(crate) fn naive_root(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => sha256(&[]),
            [one] => leaf_hash(one),
            many => {
                let k = many.len().next_power_of_two() / 2;
                node_hash(&naive_root(&many[..k]), &naive_root(&many[k..]))
            }
        }
    }

    fn naive_path(index: usize, leaves: &[Vec<u8>]) -> Vec<Hash> {
        if leaves.len() <= 1 {
            return Vec::new();
        }
        let k = leaves.len().next_power_of_two() / 2;
        if index < k {
            let mut path = naive_path(index, &leaves[..k]);
            path.push(naive_root(&leaves[k..]));
            path
        } else {
            let mut path = naive_path(index - k, &leaves[k..]);
            path.push(naive_root(&leaves[..k]));
            path
        }
    }

    #[test]
    fn the_roots_are_those_of_the_certificate_transparency_test_vectors() {
        // The eight inputs and roots of certificate-transparency-go's merkle tests.
        let leaves: Vec<Vec<u8>> = vec![
            vec![],
            vec![0],
            vec![0x10],
            vec![0x20, 0x21],
            vec![0x30, 0x31],
            vec![0x40, 0x41, 0x42, 0x43],
            vec![0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            (0x60..0x70).collect(),
        ];
        let mut frontier = Frontier::default();
        assert_eq!(
            hex(&frontier.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        let mut roots = Vec::new();
        for leaf in &leaves {
            frontier.push(leaf_hash(leaf), |_| ());
            roots.push(hex(&frontier.root()));
        }
        assert_eq!(
            roots[0],
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            roots[1],
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        );
        assert_eq!(
            roots[7],
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }

    #[test]
    fn the_frontier_agrees_with_the_definition_at_every_size() {
        let leaves: Vec<Vec<u8>> = (0..130u32).map(|i| i.to_le_bytes().to_vec()).collect();
        let mut frontier = Frontier::default();
        for n in 0..leaves.len() {
            assert_eq!(frontier.root(), naive_root(&leaves[..n]), "size {n}");
            let again = Frontier::new(n as u64, frontier.peaks().to_vec()).unwrap();
            assert_eq!(again, frontier);
            frontier.push(leaf_hash(&leaves[n]), |_| ());
        }
        assert!(Frontier::new(3, vec![[0; 32]]).is_none());
    }

    proptest! {
        #[test]
        fn a_proof_leads_to_the_root_and_no_other_proof_does(n in 1usize..70, at in any::<prop::sample::Index>(), flip in any::<(usize, u8)>()) {
            let leaves: Vec<Vec<u8>> = (0..n).map(|i| i.to_le_bytes().to_vec()).collect();
            let index = at.index(n);
            let path = naive_path(index, &leaves);
            let root = naive_root(&leaves);
            let leaf = leaf_hash(&leaves[index]);
            prop_assert_eq!(root_from_proof(index as u64, n as u64, leaf, &path), Some(root));
            let ranges = path_ranges(index as u64, n as u64);
            let at = |n: u64| usize::try_from(n).unwrap();
            let by_range: Vec<Hash> = ranges.iter().map(|&(a, b)| naive_root(&leaves[at(a)..at(b)])).collect();
            prop_assert_eq!(&by_range, &path);
            let mut bad = path.clone();
            if !bad.is_empty() {
                let i = flip.0 % bad.len();
                bad[i][0] ^= flip.1 | 1;
                prop_assert_ne!(root_from_proof(index as u64, n as u64, leaf, &bad), Some(root));
                bad.pop();
                prop_assert_ne!(root_from_proof(index as u64, n as u64, leaf, &bad), Some(root));
            }
            let mut longer = path;
            longer.push([0; 32]);
            prop_assert_eq!(root_from_proof(index as u64, n as u64, leaf, &longer), None);
            prop_assert_eq!(root_from_proof(n as u64, n as u64, leaf, &[]), None);
        }
    }

    pub(crate) fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }
}
