//! Reading bytes that an attacker chose, without indexing.

/// Returns the byte at `i`, or NUL beyond the end.
pub(crate) fn at(bytes: &[u8], i: usize) -> u8 {
    bytes.get(i).copied().unwrap_or(0)
}

/// Returns `bytes[from..to]`, cut to what exists.
pub(crate) fn span(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    let to = to.min(bytes.len());
    bytes.get(from.min(to)..to).unwrap_or_default()
}

/// Returns everything from `i` on.
pub(crate) fn rest(bytes: &[u8], i: usize) -> &[u8] {
    span(bytes, i, bytes.len())
}

/// Returns the first index at or after `i` whose byte does not satisfy `wanted`.
pub(crate) fn skip(bytes: &[u8], i: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let tail = rest(bytes, i);
    let length = tail.iter().position(|&b| !wanted(b)).unwrap_or(tail.len());
    steps::count(length + 1);
    i + length
}

/// Says whether a byte belongs to a word: letters of any script, digits, underscore.
pub(crate) fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80
}

/// Says whether a byte is white space to some parser or other.
pub(crate) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Returns the position of `needle` at or after `i`.
pub(crate) fn find(bytes: &[u8], i: usize, needle: &[u8]) -> Option<usize> {
    let found = memchr::memmem::find(rest(bytes, i), needle);
    steps::count(found.unwrap_or(rest(bytes, i).len()) + 1);
    found.map(|at| i + at)
}

/// Returns the position of a byte at or after `i`.
pub(crate) fn find_byte(bytes: &[u8], i: usize, needle: u8) -> Option<usize> {
    let found = memchr::memchr(needle, rest(bytes, i));
    steps::count(found.unwrap_or(rest(bytes, i).len()) + 1);
    found.map(|at| i + at)
}

/// Where a word stands next, remembered from one question to the next: asked for again and again from places further
/// on, a text is read once.
pub(crate) struct Ahead {
    needle: &'static [u8],
    known: Option<(usize, Option<usize>)>,
}

impl Ahead {
    pub(crate) const fn of(needle: &'static [u8]) -> Self {
        Self {
            needle,
            known: None,
        }
    }

    /// Returns the position of the word at or after `i`, in the same text each time.
    pub(crate) fn from(&mut self, bytes: &[u8], i: usize) -> Option<usize> {
        match self.known {
            Some((asked, found)) if asked <= i && found.is_none_or(|found| found >= i) => found,
            _ => {
                let found = find(bytes, i, self.needle);
                self.known = Some((i, found));
                found
            }
        }
    }
}

/// Bytes looked at, counted in tests: a clock says little on a busy machine, a count says the same everywhere.
pub(crate) mod steps {
    #[cfg(not(test))]
    #[inline(always)]
    pub(crate) const fn count(_bytes: usize) {}

    #[cfg(test)]
    pub(crate) fn count(bytes: usize) {
        COUNTED.with(|counted| counted.set(counted.get() + bytes));
    }

    #[cfg(test)]
    thread_local! {
        static COUNTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    /// Returns how many bytes were looked at since the last call.
    #[cfg(test)]
    pub(crate) fn take() -> usize {
        COUNTED.with(std::cell::Cell::take)
    }
}

/// Returns a number that differs for most texts that differ. Not against those who look for equal ones.
pub(crate) fn hash(text: &[u8]) -> u64 {
    let mix =
        |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (words, tail) = text.as_chunks::<8>();
    let hash = words.iter().fold(text.len() as u64, |hash, word| {
        mix(hash, u64::from_le_bytes(*word))
    });
    let last = tail.iter().fold(0, |word, b| word << 8 | u64::from(*b));
    let hash = mix(hash, last);
    hash ^ hash >> 32
}

/// Removes white space at both ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

/// Returns the value of a hexadecimal digit.
pub(crate) fn hex(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    }
}

/// Appends a code point as UTF-8; surrogates and what is no character become U+FFFD.
pub(crate) fn push_char(out: &mut Vec<u8>, code: u32) {
    let mut buffer = [0; 4];
    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
}
