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

    /// Says whether a byte is there, as it is or as the other case of the letter it is.
    pub(super) fn holds_any_case(&self, b: u8) -> bool {
        self.contains(b)
            || self.contains(b.to_ascii_lowercase())
            || self.contains(b.to_ascii_uppercase())
    }

    /// Returns what is in both.
    #[inline]
    pub(super) fn and(&self, other: &Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a & e, b & f, c & g, d & h])
    }

    /// Returns the bytes, in order.
    #[inline]
    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        self.0
            .into_iter()
            .zip([0u8, 64, 128, 192])
            .flat_map(|(mut word, base)| {
                std::iter::from_fn(move || {
                    let bit = u8::try_from(word.trailing_zeros()).unwrap_or(64);
                    word &= word.checked_sub(1)?;
                    Some(base | bit)
                })
            })
    }

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
            let there: Vec<u8> = (0..=255).filter(|b| bytes.contains(b)).collect();
            proptest::prop_assert_eq!(set.iter().collect::<Vec<_>>(), there);
            proptest::prop_assert_eq!(set.and(&second).iter().count(), (0..=255).filter(|b| bytes.contains(b) && other.contains(b)).count());
            proptest::prop_assert_eq!(set.meets(&second), bytes.iter().any(|b| other.contains(b)));
            proptest::prop_assert_eq!(set.within(&second), bytes.iter().all(|b| other.contains(b)));
        }
    }
}
