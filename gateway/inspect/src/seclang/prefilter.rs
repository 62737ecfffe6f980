//! Which tests a text could possibly pass: one search for all strings that tests require, then conditions on bytes.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::byteset::ByteSet;
use super::required::Required;

/// A set of tests, by their numbers.
pub(super) type Bits = [u64];

/// Says whether a test is in a set.
#[inline]
pub(super) fn has(bits: &Bits, test: usize) -> bool {
    bits.get(test / 64)
        .is_some_and(|word| word >> (test % 64) & 1 == 1)
}

/// Adds a test to a set.
#[inline]
pub(super) fn set(bits: &mut Bits, test: usize) {
    if let Some(word) = bits.get_mut(test / 64) {
        *word |= 1 << (test % 64);
    }
}

/// The search for the strings of all tests.
#[derive(Debug, Default)]
pub(super) struct Prefilter {
    search: Option<AhoCorasick>,
    /// For each string, the tests that require it or a like one.
    tests: Vec<Vec<u32>>,
    /// Conditions on bytes of each test.
    bytes: Vec<Vec<ByteSet>>,
    /// Tests that require no string.
    without: Vec<u32>,
}

impl Prefilter {
    /// Builds the search; the tests are numbered in order.
    ///
    /// # Errors
    /// More strings than an automaton takes.
    pub(super) fn new(required: &[Required]) -> Result<Self, aho_corasick::BuildError> {
        let mut by_string: std::collections::BTreeMap<&[u8], Vec<u32>> = Default::default();
        let mut without = Vec::new();
        for (test, required) in (0u32..).zip(required) {
            if required.strings.is_empty() {
                without.push(test);
            }
            for string in &required.strings {
                by_string.entry(string).or_default().push(test);
            }
        }
        let search = if by_string.is_empty() {
            None
        } else {
            Some(
                AhoCorasick::builder()
                    .ascii_case_insensitive(true)
                    .match_kind(MatchKind::Standard)
                    .kind(Some(AhoCorasickKind::ContiguousNFA))
                    .build(by_string.keys())?,
            )
        };
        Ok(Self {
            search,
            tests: by_string.into_values().collect(),
            bytes: required.iter().map(|r| r.bytes.clone()).collect(),
            without,
        })
    }

    /// Returns how many words a set of tests takes.
    pub(super) fn words(&self) -> usize {
        self.bytes.len().div_ceil(64)
    }

    /// Adds to `out` every test that the text could pass.
    pub(super) fn scan(&self, text: &[u8], there: &ByteSet, out: &mut Bits) {
        for &test in &self.without {
            let test = test as usize;
            if self.plausible(test, there) {
                set(out, test);
            }
        }
        let Some(search) = &self.search else { return };
        for found in search.find_overlapping_iter(text) {
            for &test in self
                .tests
                .get(found.pattern().as_usize())
                .into_iter()
                .flatten()
            {
                let test = test as usize;
                if !has(out, test) && self.plausible(test, there) {
                    set(out, test);
                }
            }
        }
    }

    #[inline]
    fn plausible(&self, test: usize, there: &ByteSet) -> bool {
        self.bytes
            .get(test)
            .is_none_or(|sets| sets.iter().all(|set| set.meets(there)))
    }
}
