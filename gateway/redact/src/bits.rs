//! Where in 64 bytes something could matter, as bits: sixteen bytes at a time, without a branch per byte.

use wide::u8x16;

/// The classes of 64 bytes; bit n stands for byte n.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bits {
    /// `0` to `9`.
    pub(crate) digit: u64,
    /// `@`, the escape character, and the first byte of full-width forms.
    pub(crate) special: u64,
    /// `"`.
    pub(crate) quote: u64,
    /// Line feed.
    pub(crate) line: u64,
}

/// Which classes are wanted beside digits and specials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Neither,
    Quotes,
    QuotesAndLines,
}

impl Bits {
    /// Classifies the bytes from `base` on; what lies beyond the end counts as zero bytes.
    ///
    /// Inlined so that the sixteen-fold constants are made once a buffer, which is worth a twentieth on dense bodies.
    #[inline(always)]
    pub(crate) fn read(buffer: &[u8], base: usize, escape: u8, wanted: Wanted) -> Self {
        let rest = buffer.get(base..).unwrap_or_default();
        if let Some(block) = rest.first_chunk::<64>() {
            return Self::of(block, escape, wanted);
        }
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(rest) {
            *to = *from;
        }
        Self::of(&block, escape, wanted)
    }

    #[inline(always)]
    fn of(block: &[u8; 64], escape: u8, wanted: Wanted) -> Self {
        let mut bits = Self::default();
        let (zero, nine) = (u8x16::splat(b'0'), u8x16::splat(9));
        let (at, escape, wide) = (u8x16::splat(b'@'), u8x16::splat(escape), u8x16::splat(0xEF));
        let (quote, line) = (u8x16::splat(b'"'), u8x16::splat(b'\n'));
        let (lanes, _) = block.as_chunks::<16>();
        for (lane, shift) in lanes.iter().zip([0, 16, 32, 48]) {
            let bytes = u8x16::new(*lane);
            let offset = bytes - zero;
            bits.digit |= u64::from(offset.min(nine).simd_eq(offset).to_bitmask()) << shift;
            let special = bytes.simd_eq(at) | bytes.simd_eq(escape) | bytes.simd_eq(wide);
            bits.special |= u64::from(special.to_bitmask()) << shift;
            if wanted != Wanted::Neither {
                bits.quote |= u64::from(bytes.simd_eq(quote).to_bitmask()) << shift;
            }
            if wanted == Wanted::QuotesAndLines {
                bits.line |= u64::from(bytes.simd_eq(line).to_bitmask()) << shift;
            }
        }
        bits
    }

    /// Bits of digits with three digits before them, `before` being the digits of the 64 bytes ahead of these.
    ///
    /// Every number that is recognised contains four digits in a row, so nothing else needs a closer look.
    pub(crate) fn fourth_digits(&self, before: u64) -> u64 {
        let digit = self.digit;
        let one = digit << 1 | before >> 63;
        let two = digit << 2 | before >> 62;
        let three = digit << 3 | before >> 61;
        digit & one & two & three
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_agree_with_a_look_at_each_byte(bytes in proptest::collection::vec(any::<u8>(), 0..130), base in 0_usize..140) {
            let bits = Bits::read(&bytes, base, b'\\', Wanted::QuotesAndLines);
            for at in 0..64 {
                let byte = bytes.get(base + at).copied().unwrap_or(0);
                let bit = |bits: u64| bits >> at & 1 == 1;
                prop_assert_eq!(bit(bits.digit), byte.is_ascii_digit());
                prop_assert_eq!(bit(bits.special), byte == b'@' || byte == b'\\' || byte == 0xEF);
                prop_assert_eq!(bit(bits.quote), byte == b'"');
                prop_assert_eq!(bit(bits.line), byte == b'\n');
            }
        }
    }

    #[test]
    fn a_run_of_four_is_seen_across_the_edge() {
        let bits = Bits {
            digit: 0b1,
            ..Bits::default()
        };
        assert_eq!(bits.fourth_digits(0b111 << 61), 0b1);
        assert_eq!(bits.fourth_digits(0b110 << 61), 0);
    }
}
