//! Chance with a seed, and the hash that says which half a text belongs to.

/// A small generator (xorshift64*): the same seed makes the same set.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Returns a number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        ((self.next() >> 33) as usize) % sides.max(1)
    }

    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.roll(high + 1 - low)
    }

    /// Says yes in so many of a hundred cases.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.roll(100) < chance
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len())]
    }

    pub fn one<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 24) as u8).collect()
    }

    pub fn hex(&mut self, digits: usize) -> String {
        (0..digits)
            .map(|_| char::from(b"0123456789abcdef"[self.roll(16)]))
            .collect()
    }

    pub fn token(&mut self, length: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..length)
            .map(|_| char::from(ALPHABET[self.roll(64)]))
            .collect()
    }

    pub fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'0' + self.roll(10) as u8))
            .collect()
    }
}

/// The two parts of the set: one to look at, one to leave alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    Tune,
    HoldOut,
}

impl Half {
    pub const BOTH: [Self; 2] = [Self::Tune, Self::HoldOut];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tune => "tune",
            Self::HoldOut => "holdout",
        }
    }

    /// Returns the half of a text by its content (FNV-1a), so that it never changes sides.
    pub fn of(text: &[u8]) -> Self {
        let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| {
            (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
        });
        if hash >> 40 & 1 == 1 {
            Self::HoldOut
        } else {
            Self::Tune
        }
    }
}
