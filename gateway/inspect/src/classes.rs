//! Which kinds of byte a value holds: the gate in front of every detector.

/// A set of byte kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Classes(u32);

impl Classes {
    pub(crate) const LETTER: Self = Self(1);
    pub(crate) const DIGIT: Self = Self(1 << 1);
    /// `-` and `_`, which identifiers and dates are full of.
    pub(crate) const JOINER: Self = Self(1 << 2);
    pub(crate) const HIGH: Self = Self(1 << 3);
    pub(crate) const SPACE: Self = Self(1 << 4);
    pub(crate) const CONTROL: Self = Self(1 << 5);
    pub(crate) const QUOTE: Self = Self(1 << 6);
    pub(crate) const DOUBLE_QUOTE: Self = Self(1 << 7);
    pub(crate) const BACKTICK: Self = Self(1 << 8);
    pub(crate) const ANGLE: Self = Self(1 << 9);
    pub(crate) const EQUALS: Self = Self(1 << 10);
    pub(crate) const PAREN: Self = Self(1 << 11);
    pub(crate) const SEMICOLON: Self = Self(1 << 12);
    pub(crate) const PIPE: Self = Self(1 << 13);
    pub(crate) const AMPERSAND: Self = Self(1 << 14);
    pub(crate) const DOLLAR: Self = Self(1 << 15);
    pub(crate) const SLASH: Self = Self(1 << 16);
    pub(crate) const BACKSLASH: Self = Self(1 << 17);
    pub(crate) const DOT: Self = Self(1 << 18);
    pub(crate) const PERCENT: Self = Self(1 << 19);
    pub(crate) const HASH: Self = Self(1 << 20);
    pub(crate) const BRACE: Self = Self(1 << 21);
    pub(crate) const COLON: Self = Self(1 << 22);
    pub(crate) const LINE: Self = Self(1 << 23);
    pub(crate) const NUL: Self = Self(1 << 24);
    pub(crate) const AT: Self = Self(1 << 25);
    pub(crate) const PLUS: Self = Self(1 << 26);
    pub(crate) const OTHER: Self = Self(1 << 27);

    /// Reads a value.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        crate::text::steps::count(bytes.len());
        let class = |b: u8| CLASSES.get(usize::from(b)).copied().unwrap_or(0);
        // Four at a time: each alone waits for the one before it.
        let (fours, tail) = bytes.as_chunks::<4>();
        let seen = fours.iter().fold([0; 4], |seen, four| {
            let [a, b, c, d] = four.map(class);
            let [e, f, g, h] = seen;
            [e | a, f | b, g | c, h | d]
        });
        let tail = tail.iter().fold(0, |seen, &b| seen | class(b));
        Self(seen.iter().fold(tail, |all, one| all | one))
    }

    /// Joins two sets.
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Says whether any of `others` is there.
    pub(crate) const fn any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// Says whether nothing but `others` is there.
    pub(crate) const fn only(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }
}

/// The class of every byte.
static CLASSES: [u32; 256] = {
    let mut classes = [0; 256];
    let mut b = 0_u8;
    let mut left: &mut [u32] = &mut classes;
    while let Some((first, others)) = left.split_first_mut() {
        *first = class(b).0;
        b = b.wrapping_add(1);
        left = others;
    }
    classes
};

const fn class(b: u8) -> Classes {
    match b {
        b'a'..=b'z' | b'A'..=b'Z' => Classes::LETTER,
        b'0'..=b'9' => Classes::DIGIT,
        b'-' | b'_' => Classes::JOINER,
        0x80.. => Classes::HIGH,
        b' ' | b'\t' => Classes::SPACE,
        b'\r' | b'\n' => Classes::LINE,
        0 => Classes::NUL,
        1..=31 | 127 => Classes::CONTROL,
        b'\'' => Classes::QUOTE,
        b'"' => Classes::DOUBLE_QUOTE,
        b'`' => Classes::BACKTICK,
        b'<' | b'>' => Classes::ANGLE,
        b'=' => Classes::EQUALS,
        b'(' | b')' => Classes::PAREN,
        b';' => Classes::SEMICOLON,
        b'|' => Classes::PIPE,
        b'&' => Classes::AMPERSAND,
        b'$' => Classes::DOLLAR,
        b'/' => Classes::SLASH,
        b'\\' => Classes::BACKSLASH,
        b'.' => Classes::DOT,
        b'%' => Classes::PERCENT,
        b'#' => Classes::HASH,
        b'{' | b'}' => Classes::BRACE,
        b':' => Classes::COLON,
        b'@' => Classes::AT,
        b'+' => Classes::PLUS,
        b'!' | b'*' | b',' | b'?' | b'[' | b']' | b'^' | b'~' => Classes::OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_any_script_holds_nothing_but_letters() {
        let plain = Classes::LETTER
            .with(Classes::HIGH)
            .with(Classes::DIGIT)
            .with(Classes::JOINER);
        assert!(Classes::of("张三_zhang-3".as_bytes()).only(plain));
        assert!(!Classes::of(b"o'neil").only(plain));
        assert!(Classes::of(b"o'neil").any(Classes::QUOTE));
    }
}
