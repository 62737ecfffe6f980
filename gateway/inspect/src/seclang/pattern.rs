//! Expressions, compiled: linear wherever they can be.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use regex::bytes::RegexBuilder;
use regex_automata::meta;
use regex_automata::util::syntax;

use super::expand::Text;
use super::names::GROUPS;
use super::required::Required;
use super::translate::{Fault, translate};
use crate::text::span;

/// Memory of one compiled expression. Chosen; the largest of the Core Rule Set takes some 10 MB.
const SIZE: usize = 64 << 20;

/// Steps of an expression that goes back and tries again, on one text. Chosen: a text of some thousand bytes takes
/// fewer. For one that takes more the condition counts as met, so that nobody passes by tiring the engine.
const STEPS: usize = 100_000;

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
    engine: Engine,
}

#[derive(Debug, Clone)]
enum Engine {
    /// One step a byte.
    Linear(meta::Regex),
    /// For lookaround, atomic groups, possessive repeats and backreferences: steps are counted.
    Backtracking(Box<fancy_regex::Regex>),
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
        let lines = anchors == Anchors::Lines;
        if translated.backtracks {
            let engine = fancy_regex::RegexBuilder::new(&translated.text)
                .bytes_mode(fancy_regex::BytesMode::Ascii)
                .unicode_mode(false)
                .dot_matches_new_line(true)
                .multi_line(lines)
                .backtrack_limit(STEPS)
                .delegate_size_limit(SIZE)
                .build()
                .map_err(|error| (0, first_line(&error.to_string())))?;
            let engine = Engine::Backtracking(Box::new(engine));
            return Ok((Self { engine }, Required::default()));
        }
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
        let engine = Engine::Linear(engine);
        Ok((Self { engine }, Required::of(&hir)))
    }

    /// Says whether the expression matches; `tired` is the answer where that cannot be found out.
    pub(super) fn is_match(&self, text: &[u8], tired: bool) -> bool {
        match &self.engine {
            Engine::Linear(engine) => engine.is_match(text),
            Engine::Backtracking(engine) => engine.is_match(text).unwrap_or(tired),
        }
    }

    /// Says whether any match passes a check of its own.
    pub(super) fn any(&self, text: &[u8], check: fn(&[u8]) -> bool) -> bool {
        match &self.engine {
            Engine::Linear(engine) => engine
                .find_iter(text)
                .any(|found| check(span(text, found.start(), found.end()))),
            Engine::Backtracking(engine) => engine.find_iter(text).any(|found| {
                found.map_or(true, |found| check(span(text, found.start(), found.end())))
            }),
        }
    }

    /// Returns the groups of the first match; the whole text where that cannot be found out.
    pub(super) fn groups(&self, text: &[u8]) -> Option<Groups> {
        let engine = match &self.engine {
            Engine::Linear(engine) => engine,
            Engine::Backtracking(engine) => {
                let Ok(captures) = engine.captures(text) else {
                    return Some(Groups::from_iter([(0, text.len())]));
                };
                let captures = captures?;
                let place = |n| captures.get(n).map_or((0, 0), |m| (m.start(), m.end()));
                return Some((0..captures.len().min(GROUPS)).map(place).collect());
            }
        };
        // Most expressions have no group, and finding the whole match takes less than keeping track of groups.
        if engine.captures_len() == 1 {
            let found = engine.find(text)?;
            return Some(Groups::from_iter([(found.start(), found.end())]));
        }
        let mut captures = engine.create_captures();
        engine.captures(text, &mut captures);
        let place = |n| {
            captures
                .get_group(n)
                .map_or((0, 0), |span| (span.start, span.end))
        };
        captures
            .is_match()
            .then(|| (0..captures.group_len().min(GROUPS)).map(place).collect())
    }
}

/// An expression that holds `%{…}`: it is compiled when the variables are known.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    pub(super) text: Text,
    anchors: Anchors,
    /// Guards what was compiled lately, for as long as it is looked through: values of variables seldom change.
    lately: Arc<Mutex<VecDeque<Known>>>,
}

/// What was compiled, and what came of it.
type Known = (Vec<u8>, Option<Arc<Pattern>>);

/// Compiled expressions that are kept. Chosen.
const KEPT: usize = 16;
/// Bytes of an expression with its variables filled in. Chosen.
const LONGEST: usize = 4096;

impl Filled {
    pub(super) fn new(text: Text, anchors: Anchors) -> Self {
        Self {
            text,
            anchors,
            lately: Arc::default(),
        }
    }

    /// Says whether the expression matches; `tired` is the answer where it is none once it is filled in.
    pub(super) fn is_match(&self, expression: &[u8], text: &[u8], tired: bool) -> bool {
        self.compiled(expression)
            .map_or(tired, |pattern| pattern.is_match(text, tired))
    }

    /// Returns the groups of the first match; the whole text where it is no expression once it is filled in.
    pub(super) fn groups(&self, expression: &[u8], text: &[u8]) -> Option<Groups> {
        match self.compiled(expression) {
            Some(pattern) => pattern.groups(text),
            None => Some(Groups::from_iter([(0, text.len())])),
        }
    }

    fn compiled(&self, expression: &[u8]) -> Option<Arc<Pattern>> {
        let mut lately = self
            .lately
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, known)) = lately.iter().find(|(known, _)| known == expression) {
            return known.clone();
        }
        let compiled = std::str::from_utf8(expression)
            .ok()
            .filter(|expression| expression.len() <= LONGEST)
            .and_then(|expression| Pattern::new(expression, self.anchors).ok())
            .map(|(pattern, _)| Arc::new(pattern));
        if lately.len() >= KEPT {
            lately.pop_front();
        }
        lately.push_back((expression.to_vec(), compiled.clone()));
        compiled
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
