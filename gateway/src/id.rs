//! Ids of requests, decisions and traces.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Makes ids that never repeat in a process and do not tell how many there were.
#[derive(Debug)]
pub struct Ids {
    boot: u64,
    step: u64,
    counter: AtomicU64,
}

/// A 128-bit id, written as 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id([u8; 32]);

const HEX: &[u8; 16] = b"0123456789abcdef";

impl Id {
    /// The id of two halves.
    pub fn of(high: u64, low: u64) -> Self {
        let mut text = [b'0'; 32];
        let value = (u128::from(high) << 64) | u128::from(low);
        for (i, digit) in text.iter_mut().enumerate() {
            let nibble = (value >> (124 - 4 * i)) & 0xf;
            *digit = HEX.get(nibble as usize).copied().unwrap_or(b'0');
        }
        Self(text)
    }

    /// The 32 hex digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The last 16 hex digits: a W3C span id.
    pub fn span(&self) -> &str {
        self.as_str().get(16..).unwrap_or_default()
    }
}

impl Ids {
    /// A source of ids, seeded by the operating system.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut seed = [0u8; 24];
        SystemRandom::new().fill(&mut seed)?;
        let word = |i: usize| {
            seed.get(i..i + 8)
                .and_then(|b| b.try_into().ok())
                .map_or(0, u64::from_le_bytes)
        };
        Ok(Self {
            boot: word(0),
            step: word(8) | 1,
            counter: AtomicU64::new(word(16)),
        })
    }

    /// The next id. An odd step walks through all 64-bit values before it repeats; the mixer hides the step.
    pub fn next(&self) -> Id {
        let mut x = self.counter.fetch_add(self.step, Ordering::Relaxed);
        x ^= x >> 31;
        x = x.wrapping_mul(0x7fb5_d329_728e_a185);
        x ^= x >> 27;
        x = x.wrapping_mul(0x81da_def4_bc2d_d44d);
        x ^= x >> 33;
        Id::of(self.boot, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_do_not_repeat() {
        let ids = Ids::new().unwrap();
        let seen: std::collections::HashSet<String> = (0..10_000)
            .map(|_| ids.next().as_str().to_owned())
            .collect();
        assert_eq!(seen.len(), 10_000);
    }

    #[test]
    fn an_id_is_its_halves_in_hex() {
        assert_eq!(
            Id::of(1, 0xabc).as_str(),
            "00000000000000010000000000000abc"
        );
        assert_eq!(Id::of(1, 0xabc).span(), "0000000000000abc");
    }
}
