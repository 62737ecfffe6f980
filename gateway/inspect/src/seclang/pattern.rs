//! Expressions, compiled: linear wherever they can be.

use regex::bytes::RegexBuilder;
use regex_automata::meta;
use regex_automata::util::syntax;

use super::names::GROUPS;
use super::required::Required;
use super::translate::{Fault, translate};

/// Memory of one compiled expression. Chosen; the largest of the Core Rule Set takes some 10 MB.
const SIZE: usize = 64 << 20;

/// Where `^` and `$` match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchors {
    /// At the beginning and end of every line, as libmodsecurity has it.
    Lines,
    /// At the beginning and end of the text only.
    Text,
}

/// An expression of `@rx`.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    engine: meta::Regex,
}

/// What a match captured: the whole first, then the groups; what did not take part is empty.
pub(super) type Groups = smallvec::SmallVec<[(usize, usize); GROUPS]>;

impl Pattern {
    /// Compiles an expression, and says what a text must hold to match it.
    ///
    /// # Errors
    /// What is not supported, by its offset.
    pub(super) fn new(expression: &str, anchors: Anchors) -> Result<(Self, Required), Fault> {
        let translated = translate(expression)?;
        if translated.backtracks {
            return Err((
                0,
                "lookaround, atomic groups, possessive repeats and backreferences are not supported".to_owned(),
            ));
        }
        let lines = anchors == Anchors::Lines;
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .dot_matches_new_line(true)
            .multi_line(lines)
            .nest_limit(250);
        let hir = syntax::parse_with(&translated.text, &syntax)
            .map_err(|error| (0, first_line(&error.to_string())))?;
        // The rules' own search has found the strings that an expression needs before it is asked. To look for them
        // again would save nothing where they are there, and an attacker sees to it that they are.
        let config = meta::Config::new()
            .utf8_empty(false)
            .auto_prefilter(false)
            .nfa_size_limit(Some(SIZE))
            .onepass_size_limit(Some(1 << 20))
            .hybrid_cache_capacity(2 << 20);
        let engine = meta::Builder::new()
            .configure(config)
            .build_from_hir(&hir)
            .map_err(|error| (0, first_line(&error.to_string())))?;
        Ok((Self { engine }, Required::of(&hir)))
    }

    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.engine.is_match(text)
    }

    /// Says whether any match passes a check of its own.
    pub(super) fn any(&self, text: &[u8], check: fn(&[u8]) -> bool) -> bool {
        self.engine
            .find_iter(text)
            .any(|found| check(crate::text::span(text, found.start(), found.end())))
    }

    /// Returns the groups of the first match.
    pub(super) fn groups(&self, text: &[u8]) -> Option<Groups> {
        // Most expressions have no group, and finding the whole match takes less than keeping track of groups.
        if self.engine.captures_len() == 1 {
            let found = self.engine.find(text)?;
            return Some(Groups::from_iter([(found.start(), found.end())]));
        }
        let mut captures = self.engine.create_captures();
        self.engine.captures(text, &mut captures);
        captures.is_match().then(|| {
            (0..captures.group_len().min(GROUPS))
                .map(|n| {
                    captures
                        .get_group(n)
                        .map_or((0, 0), |span| (span.start, span.end))
                })
                .collect()
        })
    }
}

/// Compiles an expression over names, in any case.
pub(super) fn selector(expression: &str) -> Result<regex::bytes::Regex, Fault> {
    let translated = translate(expression)?;
    RegexBuilder::new(&translated.text)
        .unicode(false)
        .dot_matches_new_line(true)
        .case_insensitive(true)
        .build()
        .map_err(|error| (0, first_line(&error.to_string())))
}

fn first_line(message: &str) -> String {
    let line = message
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty());
    format!(
        "the expression cannot be read: {}",
        line.unwrap_or_default()
    )
}
