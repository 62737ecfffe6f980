//! The second opinion: what the linear model says of a value that a detector saw something in.

use super::quotation::comment;
use crate::inspector::Sensitivity;
use crate::model::{self, WINDOW};
use crate::rules::{self, Rule};
use crate::text::{find, span};
use crate::verdict::Category;

/// Below this, what is weak by itself is taken for chance: of the values that attacks are made of one in two hundred
/// lies there, of ordinary ones ninety-nine in a hundred (on the half to look at; see the model card).
const VETO: f32 = -2.5;
/// Above this, a hint beside it becomes evidence.
const JOIN: f32 = 5.0;
/// The same at the strict setting.
const JOIN_STRICT: f32 = 1.0;
/// Above this, the strict setting needs no hint: one ordinary value in ten thousand lies there.
const ALONE: f32 = 3.5;
/// Bytes that a value must have to look like anything.
const SHORTEST: usize = 10;
/// Windows of one value that are weighed; a value with more evidence than this is judged by its first.
const LOOKS: u8 = 8;

/// What the model says of one value, asked only when there is something to weigh.
pub(super) struct Opinion<'a> {
    value: &'a [u8],
    sensitivity: Sensitivity,
    weak: bool,
    /// A hint of words in the order of a statement: what prose has too, and the model as well takes for SQL.
    worded: bool,
    sure: bool,
    looks: u8,
}

impl<'a> Opinion<'a> {
    pub(super) fn new(value: &'a [u8], sensitivity: Sensitivity) -> Self {
        Self {
            value,
            sensitivity,
            weak: false,
            worded: false,
            sure: false,
            looks: 0,
        }
    }

    /// Says whether evidence of a few characters stands in a value that looks like none.
    pub(super) fn vetoes(&mut self, rule: &Rule, from: usize, to: usize) -> bool {
        // A few signs in a row happen; what spells a word of a language does not.
        const BY_CHANCE: [&Rule; 10] = [
            &rules::CMD_INJECTION,
            &rules::CMD_SUBSTITUTION,
            &rules::CMD_PROGRAM,
            &rules::SQLI_OPERATOR,
            &rules::SQLI_COMMENT,
            &rules::SQLI_TAUTOLOGY,
            &rules::SQLI_STATEMENT,
            &rules::TEMPLATE_EXPRESSION,
            &rules::LDAP_FILTER,
            &rules::XSS_CODE,
        ];
        if self.sensitivity == Sensitivity::Strict
            || self.looks >= LOOKS
            || to.saturating_sub(from) > WINDOW / 2
            || !BY_CHANCE.iter().any(|known| known.id == rule.id)
            || rule.id == rules::CMD_INJECTION.id && self.is_enclosed(from, to)
            || rule.category == Category::Sql && self.is_laced()
        {
            return false;
        }
        self.looks += 1;
        let margin = WINDOW.saturating_sub(to - from) / 2;
        let start = from.saturating_sub(margin);
        let window = span(self.value, start, start + WINDOW);
        // What is commented out says nothing of what stands before it.
        let behind = to - start;
        let end = behind + comment(span(window, behind, window.len()));
        model::likeness(span(window, 0, end)) < VETO
    }

    /// `localhost;env;`: a command between separators ends the value, and is no name of a column in a list.
    fn is_enclosed(&self, from: usize, to: usize) -> bool {
        let separator = |b: &u8| matches!(b, b';' | b'|' | b'&' | b'\n');
        to + 1 == self.value.len()
            && self.value.last().is_some_and(separator)
            && span(self.value, 0, from).iter().all(|b| !separator(b))
            && !span(self.value, from, to).ends_with(b"id")
    }

    /// Says whether lines end in comments of one word, `or--kq\n1=1--zt\n`: what stands for blanks there hides a
    /// statement from whoever reads letters.
    fn is_laced(&self) -> bool {
        let laced = |line: &&[u8]| {
            find(line, 0, b"--").is_some_and(|dashes| {
                let word = span(line, dashes + 2, line.len());
                !word.is_empty() && word.iter().all(u8::is_ascii_alphanumeric)
            })
        };
        let lines = self.value.split(|b| *b == b'\n');
        lines.filter(laced).take(2).count() == 2
    }

    /// Remembers what was found and counts.
    pub(super) fn heard(&mut self, rule: &Rule) {
        if rule.score >= 5 {
            self.sure = true;
        } else if rule.id == rules::SQLI_HINT.id {
            self.worded = true;
        } else if rule.score > 1 {
            self.weak = true;
        }
    }

    /// Says whether the model adds to what was found: to a hint, or at the strict setting to anything that a detector
    /// was called for.
    pub(super) fn joins(&self, called: bool) -> bool {
        if self.sure || self.value.len() < SHORTEST {
            return false;
        }
        let limit = match self.sensitivity {
            Sensitivity::Default if self.weak => JOIN,
            Sensitivity::Strict if self.weak => JOIN_STRICT,
            _ if self.worded => JOIN,
            Sensitivity::Strict if called => ALONE,
            Sensitivity::Strict | Sensitivity::Default => return false,
        };
        model::likeness(self.value) > limit
    }
}
