//! A small generator (SplitMix64): the same on every machine and in every release, which is all that is asked of it.

/// Numbers drawn from a seed.
#[derive(Debug, Clone)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// The numbers of one record.
    pub(super) fn of(seed: u64, kind: &str, number: u64) -> Self {
        let kind = kind.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = Self { state: seed ^ kind };
        random.state = random.next() ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        random.next();
        random
    }

    /// The next number.
    pub(super) const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below the bound; 0 where the bound is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// Digits.
    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count)
            .filter_map(|_| char::from_digit(u32::try_from(self.below(10)).unwrap_or(0), 10))
            .collect()
    }

    /// One of them, all alike.
    pub(super) fn one_of<T: Copy + Default>(&mut self, of: &[T]) -> T {
        let index = usize::try_from(self.below(u64::try_from(of.len()).unwrap_or(0))).unwrap_or(0);
        of.get(index).copied().unwrap_or_default()
    }

    /// One of them, by weight.
    pub(super) fn weighted<'a, T>(&mut self, of: &'a [(T, u32)]) -> Option<&'a T> {
        let total = of.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        of.iter().find_map(
            |(value, weight)| match left.checked_sub(u64::from(*weight)) {
                Some(rest) => {
                    left = rest;
                    None
                }
                None => Some(value),
            },
        )
    }

    /// One character of a text.
    pub(super) fn character(&mut self, text: &str) -> char {
        let count = u64::try_from(text.chars().count()).unwrap_or(0);
        text.chars()
            .nth(usize::try_from(self.below(count)).unwrap_or(0))
            .unwrap_or('文')
    }
}
