//! Where in 64 bytes something could matter, as bits: sixteen bytes at a time, without a branch per byte.

use wide::u8x16;

/// The classes of 64 bytes; bit n stands for byte n.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bits {
    /// `0` to `9`.
    pub(crate) digit: u64,
    /// `0` to `9`, `A` to `Z`, `a` to `z`.
    pub(crate) word: u64,
    /// `.`.
    pub(crate) dot: u64,
    /// `-`.
    pub(crate) dash: u64,
    /// `@`, `:`, the escape character, the first byte of full-width forms, and the marks of the format.
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

/// The bytes of one format that the pass stops at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stops {
    /// The byte that starts an escape.
    pub(crate) escape: u8,
    /// Two bytes behind which a value may stand, beside the colon.
    pub(crate) marks: [u8; 2],
    /// What is kept apart.
    pub(crate) wanted: Wanted,
}

impl Bits {
    /// Classifies the bytes from `base` on; what lies beyond the end counts as zero bytes.
    ///
    /// Inlined so that the sixteen-fold constants are made once a buffer, which is worth a twentieth on dense bodies.
    #[inline(always)]
    pub(crate) fn read(buffer: &[u8], base: usize, stops: Stops) -> Self {
        let rest = buffer.get(base..).unwrap_or_default();
        if let Some(block) = rest.first_chunk::<64>() {
            return Self::of(block, stops);
        }
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(rest) {
            *to = *from;
        }
        Self::of(&block, stops)
    }

    #[inline(always)]
    fn of(block: &[u8; 64], stops: Stops) -> Self {
        let mut bits = Self::default();
        let (zero, nine) = (u8x16::splat(b'0'), u8x16::splat(9));
        let (case, letter_a, letters) = (u8x16::splat(0x20), u8x16::splat(b'a'), u8x16::splat(25));
        let (at, escape, wide) = (
            u8x16::splat(b'@'),
            u8x16::splat(stops.escape),
            u8x16::splat(0xEF),
        );
        let (one, two) = (u8x16::splat(stops.marks[0]), u8x16::splat(stops.marks[1]));
        let (colon, dot, dash) = (u8x16::splat(b':'), u8x16::splat(b'.'), u8x16::splat(b'-'));
        let (quote, line) = (u8x16::splat(b'"'), u8x16::splat(b'\n'));
        // `-`, `.`, `/` and the digits stand in a row: most blocks of text have none of them.
        let span = u8x16::splat(b'9' - b'-');
        let mut numeric = u8x16::splat(0);
        let (lanes, _) = block.as_chunks::<16>();
        for (lane, shift) in lanes.iter().zip([0, 16, 32, 48]) {
            let bytes = u8x16::new(*lane);
            let offset = bytes - dash;
            numeric |= offset.min(span).simd_eq(offset);
            let offset = bytes - zero;
            let digit = offset.min(nine).simd_eq(offset);
            let offset = (bytes | case) - letter_a;
            let word = offset.min(letters).simd_eq(offset) | digit;
            bits.word |= u64::from(word.to_bitmask()) << shift;
            let special = bytes.simd_eq(at)
                | bytes.simd_eq(escape)
                | bytes.simd_eq(wide)
                | bytes.simd_eq(colon)
                | bytes.simd_eq(one)
                | bytes.simd_eq(two);
            bits.special |= u64::from(special.to_bitmask()) << shift;
            if stops.wanted != Wanted::Neither {
                bits.quote |= u64::from(bytes.simd_eq(quote).to_bitmask()) << shift;
            }
            if stops.wanted == Wanted::QuotesAndLines {
                bits.line |= u64::from(bytes.simd_eq(line).to_bitmask()) << shift;
            }
        }
        if numeric.to_bitmask() != 0 {
            for (lane, shift) in lanes.iter().zip([0, 16, 32, 48]) {
                let bytes = u8x16::new(*lane);
                let offset = bytes - zero;
                let digit = offset.min(nine).simd_eq(offset);
                bits.digit |= u64::from(digit.to_bitmask()) << shift;
                bits.dot |= u64::from(bytes.simd_eq(dot).to_bitmask()) << shift;
                bits.dash |= u64::from(bytes.simd_eq(dash).to_bitmask()) << shift;
            }
        }
        bits
    }

    /// Places that need a closer look, `before` being the 64 bytes ahead of these.
    ///
    /// Every number that is recognised contains four digits in a row, an IPv4 address a second point behind a group of
    /// digits, a dashed hardware address three dashes three apart, a key in PEM five dashes, a token sixteen letters and
    /// digits; the rest is special.
    #[inline(always)]
    pub(crate) fn events(&self, before: &Before) -> u64 {
        let ahead = |now: u64, then: u64, by: u32| now << by | then >> (64 - by);
        let long = self.long_words(before);
        let rare = self.special | long & !ahead(long, before.long, 1);
        if self.digit | self.dot | self.dash == 0 {
            return rare;
        }
        let digit = |by| ahead(self.digit, before.digit, by);
        let dot = |by| ahead(self.dot, before.dot, by);
        let dash = |by| ahead(self.dash, before.dash, by);
        let (one, two, three) = (digit(1), digit(2), digit(3));
        let fourth_digit = self.digit & one & two & three;
        let second_dot = self.dot & one & (dot(2) | two & (dot(3) | three & dot(4)));
        let dashes = self.dash & (dash(3) & dash(6) | dash(1) & dash(2) & dash(3) & dash(4));
        rare | fourth_digit | second_dot | dashes
    }

    /// The letters and digits in a row around `offset`, as places counted from 64 bytes before these: where they go on
    /// beyond these bytes the second is 128; `None` where they may begin before those.
    #[inline(always)]
    pub(crate) fn word_around(&self, before: &Before, offset: u32) -> Option<(usize, usize)> {
        let other = !(u128::from(self.word) << 64 | u128::from(before.word));
        let place = offset + 64;
        let end = (place + (other >> place).trailing_zeros()).min(128);
        let length = (other << (127 - place)).leading_zeros();
        (length <= place).then(|| ((place + 1 - length) as usize, end as usize))
    }

    /// Bits of letters and digits with fifteen before them.
    #[inline(always)]
    fn long_words(&self, before: &Before) -> u64 {
        let wide = u128::from(self.word) << 64 | u128::from(before.word);
        let two = wide & wide << 1;
        let four = two & two << 2;
        let eight = four & four << 4;
        ((eight & eight << 8) >> 64) as u64
    }

    /// What the next 64 bytes must know of these.
    #[inline(always)]
    pub(crate) fn before(&self, before: &Before) -> Before {
        Before {
            digit: self.digit,
            word: self.word,
            dot: self.dot,
            dash: self.dash,
            long: self.long_words(before),
        }
    }
}

/// The classes of the 64 bytes before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Before {
    digit: u64,
    word: u64,
    dot: u64,
    dash: u64,
    long: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STOPS: Stops = Stops {
        escape: b'\\',
        marks: *b"=>",
        wanted: Wanted::QuotesAndLines,
    };

    static ENDS: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(
            r"(?::|[0-9]{4}|\.[0-9]{1,3}\.|-----|-..-..-|(?:^|[^0-9a-z])[0-9a-z]{16})$",
        )
        .unwrap()
    });

    proptest! {
        #[test]
        fn bits_agree_with_a_look_at_each_byte(bytes in proptest::collection::vec(any::<u8>(), 0..130), base in 0_usize..140) {
            let bits = Bits::read(&bytes, base, STOPS);
            for at in 0..64 {
                let byte = bytes.get(base + at).copied().unwrap_or(0);
                let bit = |bits: u64| bits >> at & 1 == 1;
                prop_assert_eq!(bit(bits.digit), byte.is_ascii_digit());
                prop_assert_eq!(bit(bits.word), byte.is_ascii_alphanumeric());
                prop_assert_eq!(bit(bits.special), b"@\\\xEF:=>".contains(&byte));
                prop_assert_eq!(bit(bits.quote), byte == b'"');
                prop_assert_eq!(bit(bits.line), byte == b'\n');
            }
        }

        #[test]
        fn events_are_where_the_patterns_end(text in "[0-9a.:\\-]{0,40}(1234|1\\.23\\.|-----|aa-bb-cc-|[a-z]{16,20})[0-9a.\\-]{0,60}") {
            let bytes = text.as_bytes();
            let mut before = Before::default();
            let mut found = Vec::new();
            for base in (0..bytes.len()).step_by(64) {
                let bits = Bits::read(bytes, base, STOPS);
                let events = bits.events(&before);
                found.extend((0..64).filter(|at| events >> at & 1 == 1).map(|at| base + at));
                before = bits.before(&before);
            }
            let expected: Vec<_> = (0..bytes.len()).filter(|&at| ENDS.is_match(&text[..=at])).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
