//! Sets of bytes: which bytes a text holds, which ones a condition asks for.

/// A set of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) const ALL: Self = Self([u64::MAX; 4]);

    /// Returns the bytes of a text.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut set = Self::default();
        // A table pays only for long texts.
        if bytes.len() < 256 {
            bytes.iter().for_each(|&b| set.insert(b));
            return set;
        }
        let mut seen = [false; 256];
        for &b in bytes {
            if let Some(slot) = seen.get_mut(usize::from(b)) {
                *slot = true;
            }
        }
        for (word, chunk) in set.0.iter_mut().zip(seen.chunks_exact(64)) {
            for (bit, &there) in chunk.iter().enumerate() {
                *word |= u64::from(there) << bit;
            }
        }
        set
    }

    pub(super) fn insert(&mut self, b: u8) {
        if let Some(word) = self.0.get_mut(usize::from(b >> 6)) {
            *word |= 1 << (b & 63);
        }
    }

    /// Returns the set with a range added.
    pub(super) fn with(mut self, range: std::ops::RangeInclusive<u8>) -> Self {
        for b in range {
            self.insert(b);
        }
        self
    }

    #[cfg(test)]
    pub(super) fn contains(&self, b: u8) -> bool {
        self.0
            .get(usize::from(b >> 6))
            .is_some_and(|word| word >> (b & 63) & 1 == 1)
    }

    /// Says whether the sets have a byte in common.
    #[inline]
    pub(super) fn meets(&self, other: &Self) -> bool {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        (a & e) | (b & f) | (c & g) | (d & h) != 0
    }

    /// Says whether every byte here is also in `other`.
    #[inline]
    pub(super) fn within(&self, other: &Self) -> bool {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        (a & !e) | (b & !f) | (c & !g) | (d & !h) == 0
    }

    /// Returns the bytes of both.
    pub(super) fn union(&self, other: &Self) -> Self {
        let mut set = *self;
        for (a, b) in set.0.iter_mut().zip(&other.0) {
            *a |= b;
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_set_holds_what_went_in(bytes: Vec<u8>, other: Vec<u8>) {
            let (set, second) = (ByteSet::of(&bytes), ByteSet::of(&other));
            for b in 0..=255u8 {
                proptest::prop_assert_eq!(set.contains(b), bytes.contains(&b));
                proptest::prop_assert_eq!(set.union(&second).contains(b), bytes.contains(&b) || other.contains(&b));
            }
            proptest::prop_assert_eq!(set.meets(&second), bytes.iter().any(|b| other.contains(b)));
            proptest::prop_assert_eq!(set.within(&second), bytes.iter().all(|b| other.contains(b)));
        }
    }
}
