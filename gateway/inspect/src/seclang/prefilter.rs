//! Which tests a text could possibly pass: one search for all strings that tests require, then conditions on bytes.

use aho_corasick::automaton::Automaton as _;
use aho_corasick::automaton::StateID;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};

use super::byteset::ByteSet;
use super::required::Required;

/// 256 tests, each there or not.
pub(super) type Lane = [u64; 4];

/// A set of tests, by their numbers: one lane after the other.
pub(super) type Bits = [Lane];

/// Says whether a test is in a set.
#[inline]
pub(super) fn has(bits: &Bits, test: usize) -> bool {
    bits.get(test / 256)
        .and_then(|lane| lane.get(test / 64 % 4))
        .is_some_and(|word| word >> (test % 64) & 1 == 1)
}

/// Adds a test to a set.
#[inline]
pub(super) fn set(bits: &mut Bits, test: usize) {
    if let Some(word) = bits
        .get_mut(test / 256)
        .and_then(|lane| lane.get_mut(test / 64 % 4))
    {
        *word |= 1 << (test % 64);
    }
}

/// Adds the tests of one set to another.
#[inline]
pub(super) fn join(all: &mut Bits, more: &Bits) {
    for ([a, b, c, d], [e, f, g, h]) in all.iter_mut().zip(more) {
        *a |= e;
        *b |= f;
        *c |= g;
        *d |= h;
    }
}

/// The search for the strings of all tests.
#[derive(Debug, Default)]
pub(super) struct Prefilter {
    search: Option<DFA>,
    /// For each string, the tests that require it or a like one.
    tests: Vec<Vec<u32>>,
    /// What a text must hold for each test, one condition after the other.
    gates: Vec<Gate>,
    /// Tests that require no string.
    without: Vec<Lane>,
}

/// One condition of every test: a byte of a set is in the text.
#[derive(Debug)]
struct Gate {
    /// Tests whose set holds the byte, for each byte: one lane after the other.
    rows: Vec<[Lane; 256]>,
    /// Bytes that are in any set.
    bytes: ByteSet,
    /// Tests without a condition here.
    open: Vec<Lane>,
}

impl Gate {
    fn new(required: &[Required], n: usize) -> Self {
        let lanes = required.len().div_ceil(256);
        let mut gate = Self {
            rows: vec![[[0; 4]; 256]; lanes],
            bytes: ByteSet::default(),
            open: vec![[0; 4]; lanes],
        };
        for (test, required) in required.iter().enumerate() {
            let Some(condition) = required.bytes.get(n) else {
                set(&mut gate.open, test);
                continue;
            };
            for b in (0..=255u8).filter(|b| condition.holds_any_case(*b)) {
                gate.bytes.insert(b);
                let rows = gate.rows.get_mut(test / 256);
                if let Some(row) = rows.and_then(|rows| rows.get_mut(usize::from(b))) {
                    set(std::slice::from_mut(row), test % 256);
                }
            }
        }
        gate
    }

    /// Removes from `out` every test whose condition the bytes of a text do not meet.
    #[inline]
    fn narrow(&self, there: &ByteSet, out: &mut Bits) {
        let there = there.and(&self.bytes);
        for ((rows, open), out) in self.rows.iter().zip(&self.open).zip(out) {
            let mut met = *open;
            for b in there.iter() {
                if let Some(row) = rows.get(usize::from(b)) {
                    join(std::slice::from_mut(&mut met), std::slice::from_ref(row));
                }
            }
            for (out, met) in out.iter_mut().zip(met) {
                *out &= met;
            }
        }
    }
}

/// A set of tests that is made and thrown away.
type Wanted = smallvec::SmallVec<[Lane; 4]>;

impl Prefilter {
    /// Builds the search; the tests are numbered in order.
    ///
    /// # Errors
    /// More strings than an automaton takes.
    pub(super) fn new(required: &[Required]) -> Result<Self, aho_corasick::BuildError> {
        let mut by_string: std::collections::BTreeMap<&[u8], Vec<u32>> = Default::default();
        let mut without = vec![[0; 4]; required.len().div_ceil(256)];
        for (test, required) in (0u32..).zip(required) {
            if required.strings.is_empty() {
                set(&mut without, test as usize);
            }
            for string in &required.strings {
                by_string.entry(string).or_default().push(test);
            }
        }
        let search = if by_string.is_empty() {
            None
        } else {
            Some(
                DFA::builder()
                    .ascii_case_insensitive(true)
                    .match_kind(MatchKind::Standard)
                    .start_kind(StartKind::Unanchored)
                    .build(by_string.keys())?,
            )
        };
        Ok(Self {
            search,
            tests: by_string.into_values().collect(),
            gates: (0..)
                .take_while(|&n| required.iter().any(|r| r.bytes.len() > n))
                .map(|n| Gate::new(required, n))
                .collect(),
            without,
        })
    }

    /// Returns how many lanes a set of tests takes.
    pub(super) fn lanes(&self) -> usize {
        self.without.len()
    }

    /// Puts into `out`, which is empty, every test that the text could pass. The case of letters makes no difference.
    pub(super) fn scan(&self, text: &[u8], there: &ByteSet, out: &mut Bits) {
        // First all tests whose bytes are there, then of these only those whose strings are there too.
        out.fill([u64::MAX; 4]);
        for gate in &self.gates {
            gate.narrow(there, out);
        }
        let mut wanted = Wanted::from_slice(out);
        let mut open = 0;
        for ((out, wanted), without) in out.iter_mut().zip(&mut wanted).zip(&self.without) {
            for ((out, wanted), without) in out.iter_mut().zip(wanted).zip(without) {
                *wanted &= !without;
                open |= *wanted;
                *out &= without;
            }
        }
        if open != 0 {
            self.look_for(text, &wanted, out);
        }
    }

    /// Adds to `out` those tests of `wanted` whose strings are in the text.
    fn look_for(&self, text: &[u8], wanted: &Bits, out: &mut Bits) {
        let Some(search) = &self.search else { return };
        let Ok(mut state) = search.start_state(Anchored::No) else {
            // There is always such a state; without it nothing could be ruled out.
            join(out, wanted);
            return;
        };
        crate::text::steps::count(text.len());
        let mut lately = Lately([0; 64]);
        for &b in text {
            state = search.next_state(Anchored::No, state, b);
            if !search.is_special(state) || !search.is_match(state) || lately.saw(state) {
                continue;
            }
            for n in 0..search.match_len(state) {
                let tests = self.tests.get(search.match_pattern(state, n).as_usize());
                for &test in tests.into_iter().flatten() {
                    if has(wanted, test as usize) {
                        set(out, test as usize);
                    }
                }
            }
        }
    }
}

/// States of the search that were seen lately: in long texts the same strings come again and again.
struct Lately([u32; 64]);

impl Lately {
    /// Says whether a state was seen lately, and notes that it was.
    #[inline]
    fn saw(&mut self, state: StateID) -> bool {
        // States are numbered in steps of some power of two; the first is never one with a match.
        let number = state.as_u32();
        let place = number.wrapping_mul(0x9e37_79b9) >> 26;
        self.0
            .get_mut(place as usize)
            .is_some_and(|known| std::mem::replace(known, number) == number)
    }
}
