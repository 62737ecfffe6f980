//! All literals in one automaton: some are evidence by themselves, the others call a detector.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::Match;
use super::scanner::Scanners;
use crate::rules::{self, Rule};
use crate::text::{at, is_space, is_word, rest, skip, span};
use crate::verdict::Spot;

mod table;

use table::{EVIDENCE, TOPICS};

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

enum Use {
    Topic(Topics),
    /// The same, unless it is part of a longer word: `or` in `for`.
    Word(Topics),
    Evidence(&'static Rule, Around),
}

/// The automaton, built once.
pub(crate) struct Literals {
    automaton: AhoCorasick,
    uses: Vec<Use>,
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
                let word = *topic == Topics::SQL && word.bytes().all(|b| b.is_ascii_lowercase());
                uses.push(if word {
                    Use::Word(*topic)
                } else {
                    Use::Topic(*topic)
                });
            }
        }
        for (rule, around, words) in EVIDENCE {
            for word in *words {
                patterns.push(word);
                uses.push(Use::Evidence(rule, *around));
            }
        }
        Self {
            automaton: automaton(&patterns),
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
        for hit in self.automaton.find_overlapping_iter(text) {
            match self.uses.get(hit.pattern().as_usize()) {
                Some(Use::Topic(topic)) => topics.0 |= topic.0,
                Some(Use::Word(topic)) => {
                    let inside = hit.start() > 0 && at(text, hit.start() - 1).is_ascii_lowercase()
                        || at(text, hit.end()).is_ascii_lowercase();
                    topics.0 |= if inside { 0 } else { topic.0 };
                }
                Some(Use::Evidence(rule, around))
                    if reported < 64
                        && around.holds(text, hit.start(), hit.end())
                        && !excused(rule, spot, text, hit.start()) =>
                {
                    reported += 1;
                    found((rule, hit.start(), hit.end()));
                }
                Some(Use::Evidence(..)) | None => {}
            }
        }
        topics
    }
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
fn excused(rule: &Rule, spot: Spot<'_>, text: &[u8], from: usize) -> bool {
    let names_a_page = matches!(spot, Spot::Path | Spot::Header("referer"));
    let bare_name = at(text, from) != b'.'
        && !rest(text, from).starts_with(b"/etc")
        && !rest(text, from).starts_with(b"web-inf")
        && !rest(text, from).starts_with(b"/proc");
    rule.id == rules::PATH_FILE.id
        && names_a_page
        && bare_name
        && !text.windows(2).any(|pair| pair == b"..")
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
