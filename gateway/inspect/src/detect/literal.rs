//! All literals in one automaton: some are evidence by themselves, the others call a detector.

use aho_corasick::automaton::Automaton as _;
use aho_corasick::dfa::DFA;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, MatchKind, StartKind};

use super::Match;
use super::scanner::Scanners;
use crate::rules::{self, Rule};
use crate::text::{at, find, is_space, is_word, rest, skip, span, steps};
use crate::verdict::Spot;

mod table;

use table::{EVIDENCE, TOPICS};

/// Evidence that is reported of one text; more says nothing new.
const REPORTED: usize = 64;

/// Detectors that a literal calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Topics(u8);

impl Topics {
    pub(super) const SQL: Self = Self(1);
    pub(super) const SCRIPT: Self = Self(2);
    pub(super) const SHELL: Self = Self(4);
    pub(super) const DOTS: Self = Self(8);
    pub(super) const TEMPLATE: Self = Self(16);
    pub(super) const URL: Self = Self(32);

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn has(self, topic: Self) -> bool {
        self.0 & topic.0 != 0
    }
}

/// What must stand around a literal for it to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    Anything,
    /// No word character before.
    Start,
    /// A call: an opening parenthesis behind.
    Call,
    /// Nothing before.
    First,
}

#[derive(Clone, Copy)]
enum Use {
    Topic(Topics),
    /// The same, unless it is part of a longer word: `or` in `for`.
    Word(Topics),
    Evidence(&'static Rule, Around),
}

/// The automaton, built once.
pub(crate) struct Literals {
    automaton: DFA,
    /// What each pattern is for, and how long it is.
    uses: Vec<(Use, usize)>,
    pub(crate) scanners: Scanners,
}

impl Literals {
    /// Builds the automaton.
    pub(crate) fn new() -> Self {
        let mut patterns: Vec<&str> = Vec::new();
        let mut uses = Vec::new();
        for (topic, words) in TOPICS {
            for word in *words {
                patterns.push(word);
                let whole = *topic == Topics::SQL && word.bytes().all(|b| b.is_ascii_lowercase());
                let usage = if whole {
                    Use::Word(*topic)
                } else {
                    Use::Topic(*topic)
                };
                uses.push((usage, word.len()));
            }
        }
        for (rule, around, words) in EVIDENCE.into_iter().flatten() {
            for word in *words {
                patterns.push(word);
                uses.push((Use::Evidence(rule, *around), word.len()));
            }
        }
        Self {
            automaton: dfa(&patterns),
            scanners: Scanners::new(),
            uses,
        }
    }

    /// Reads a lower-case value: reports the literals that are evidence, and says which detectors to run.
    pub(super) fn search(
        &self,
        text: &[u8],
        spot: Spot<'_>,
        found: &mut impl FnMut(Match),
    ) -> Topics {
        let mut topics = Topics::default();
        let mut reported = 0;
        let mut upwards = None;
        let Ok(mut state) = self.automaton.start_state(Anchored::No) else {
            // There is always such a state; without it every detector looks for itself.
            return Topics(u8::MAX);
        };
        steps::count(text.len());
        for (i, &b) in text.iter().enumerate() {
            state = self.automaton.next_state(Anchored::No, state, b);
            if !self.automaton.is_special(state) || !self.automaton.is_match(state) {
                continue;
            }
            for n in 0..self.automaton.match_len(state) {
                let pattern = self.automaton.match_pattern(state, n);
                let Some(&(usage, length)) = self.uses.get(pattern.as_usize()) else {
                    continue;
                };
                let (from, to) = ((i + 1).saturating_sub(length), i + 1);
                match usage {
                    Use::Topic(topic) => topics.0 |= topic.0,
                    Use::Word(topic) => {
                        let inside = from > 0 && at(text, from - 1).is_ascii_lowercase()
                            || at(text, to).is_ascii_lowercase();
                        topics.0 |= if inside { 0 } else { topic.0 };
                    }
                    Use::Evidence(rule, around)
                        if reported < REPORTED
                            && around.holds(text, from, to)
                            && !excused(rule, spot, text, from, &mut upwards) =>
                    {
                        reported += 1;
                        found((rule, from, to));
                    }
                    Use::Evidence(..) => {}
                }
            }
        }
        topics
    }
}

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants that every test builds"
)]
fn dfa(patterns: &[&str]) -> DFA {
    DFA::builder()
        .match_kind(MatchKind::Standard)
        .start_kind(StartKind::Unanchored)
        .build(patterns)
        .expect("constant patterns make an automaton")
}

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants that every test builds"
)]
pub(super) fn automaton(patterns: &[impl AsRef<[u8]>]) -> AhoCorasick {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(true)
        .build(patterns)
        .expect("constant patterns make an automaton")
}

/// What is a file of the system in a parameter may be a page of the site in a path or a referrer.
/// `upwards` remembers whether a step upwards is in the text.
fn excused(
    rule: &Rule,
    spot: Spot<'_>,
    text: &[u8],
    from: usize,
    upwards: &mut Option<bool>,
) -> bool {
    let names_a_page = matches!(spot, Spot::Path | Spot::Header("referer"));
    let bare_name = at(text, from) != b'.'
        && !rest(text, from).starts_with(b"/etc")
        && !rest(text, from).starts_with(b"web-inf")
        && !rest(text, from).starts_with(b"/proc");
    rule.id == rules::PATH_FILE.id
        && names_a_page
        && bare_name
        && !*upwards.get_or_insert_with(|| find(text, 0, b"..").is_some())
}

impl Around {
    fn holds(self, text: &[u8], from: usize, to: usize) -> bool {
        let clear_before = from == 0 || !is_word(at(text, from - 1));
        match self {
            Self::Anything => true,
            Self::Start => clear_before,
            Self::Call => {
                clear_before
                    && at(text, skip(text, to, is_space)) == b'('
                    && matches!(
                        at(text, skip(text, skip(text, to, is_space) + 1, is_space)),
                        b'\'' | b'"' | b'$' | b'/' | b'b'
                    )
            }
            Self::First => span(text, 0, from).iter().all(|&b| is_space(b)),
        }
    }
}
