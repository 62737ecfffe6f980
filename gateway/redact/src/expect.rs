//! Labels that a mark ends, and the values that they make the pass expect.

use crate::context::{WINDOW, label_of_text, phrase, tag_name};
use crate::kind::Kind;
use crate::label::{Rule, Strength};
use crate::named;
use crate::names::Said;
use crate::scan::Scan;
use crate::syntax::Syntax;
use crate::unit::Escapes;
use crate::value::letters;

/// A value that is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expect {
    pub(crate) rule: Rule,
    pub(crate) place: Place,
}

/// Where a value stands in its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the colon of a member.
    Member,
    /// The same, but only the elements of an array count: elsewhere the value is found by its shape.
    Elements,
    /// Within an array.
    Array,
    /// Behind a label in running text.
    Text,
    /// Up to the next `&`.
    Form,
    /// In quotes.
    Attribute,
    /// The same, in the attribute that calls something by its name: of a person, if it is in no Latin letters.
    Called,
    /// The same, where an attribute behind it says what it is.
    Value,
    /// Up to the next tag.
    Element,
    /// Behind so many more tags at most.
    Cells(u8),
    /// In the cell of a table, behind so many more tags at most that open.
    Within(u8),
}

/// Tags that may stand between a label and its value.
pub(crate) const TAGS_MAX: u8 = 4;

impl Scan {
    /// Reads the label that ends at a mark; remembers and returns that a value is expected.
    pub(crate) fn expects_after(&mut self, place: usize, buffer: &[u8]) -> bool {
        let mark = buffer.get(place).copied().unwrap_or(0);
        let mut room = [0; WINDOW];
        let before = self.behind.window(buffer, place, &mut room);
        let expect = match (self.syntax, mark) {
            (Syntax::Json, b'=') if !self.sink.in_string => None,
            (Syntax::Json, b':') if !self.sink.in_string => self.member(before, buffer, place),
            (Syntax::Form, b'=') => self.parameter(before),
            (Syntax::Form, _) => None,
            (Syntax::Markup, b'=') => self.attribute(before),
            (Syntax::Markup, b'>') => self.element(before),
            _ => self.text_label(before),
        };
        self.expect = expect;
        expect.is_some()
    }

    /// Reads the name that ends with the quote at `quote`, and remembers what it says as a label; `None` where that
    /// takes a longer look.
    #[inline(always)]
    pub(crate) fn member_at(
        &mut self,
        quote: usize,
        place: usize,
        buffer: &[u8],
    ) -> Option<Option<Expect>> {
        let labels = self.rules.labels();
        let said = self.names.said(buffer, quote, labels, self.charset)?;
        self.said = said.label.map(|label| (place + 1, label));
        if self.syntax == Syntax::Json && !self.sink.in_string {
            return Some(said.rule.and_then(|rule| expected(rule, buffer, place)));
        }
        Some(said.text?.and_then(expected_in_text))
    }

    fn member(&self, before: &[u8], buffer: &[u8], place: usize) -> Option<Expect> {
        let end = before
            .iter()
            .rposition(|byte| !byte.is_ascii_whitespace())?;
        let (b'"', Some(key)) = (before.get(end)?, before.get(..end)) else {
            return None;
        };
        let name = key.get(memchr::memrchr(b'"', key)?..)?;
        let said = Said::by(name, self.rules.labels(), self.charset);
        expected(said.rule?, buffer, place)
    }

    fn decoded_rule(&self, name: &[u8], escapes: Escapes) -> Option<Rule> {
        let mut out = Vec::new();
        letters(name, 0, name.len(), escapes, self.charset, &mut out);
        let text: String = out.iter().map(|letter| letter.ch).collect();
        self.rules.labels().rule(text.as_bytes())
    }

    fn parameter(&self, before: &[u8]) -> Option<Expect> {
        let escaped = before.len() >= 3 && before.get(before.len() - 3) == Some(&b'%');
        if !escaped && !self.rules.labels().may_end(before) {
            return None;
        }
        let start = before
            .iter()
            .rposition(|byte| matches!(byte, b'&' | b'?' | b'#' | b';' | b'<' | b'\n' | b'='))
            .map_or(0, |at| at + 1);
        let name = before.get(start..)?;
        let rule = if name.iter().any(|byte| matches!(byte, b'%' | b'+')) {
            self.decoded_rule(name, Escapes::Percent)?
        } else {
            self.rules.labels().rule(name)?
        };
        (!rule.is_other()).then_some(Expect {
            rule,
            place: Place::Form,
        })
    }

    fn attribute(&self, before: &[u8]) -> Option<Expect> {
        let name = before.iter().rposition(|byte| {
            !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':'))
        });
        let start = name.map_or(0, |at| at + 1);
        let name = before.get(start..)?;
        let labels = self.rules.labels();
        let at = |rule, place| Some(Expect { rule, place });
        if named::VALUE
            .iter()
            .any(|value| name.eq_ignore_ascii_case(value))
        {
            let tag = before.get(memchr::memrchr(b'<', before)?..start)?;
            return match named::label(tag, labels, true) {
                Some(rule) if rule.is_taken_whole() => at(rule, Place::Attribute),
                Some(_) => None,
                None => at(PERSON, Place::Value),
            };
        }
        if name.eq_ignore_ascii_case(b"id") {
            return None;
        }
        if name.eq_ignore_ascii_case(b"name") {
            // Names things of the page, but in records people.
            return at(PERSON, Place::Called);
        }
        if !labels.may_end_unshaped(name) {
            return None;
        }
        let rule = labels.rule(tag_name(name))?;
        if rule.is_taken_whole() {
            return at(rule, Place::Attribute);
        }
        None
    }

    fn element(&mut self, before: &[u8]) -> Option<Expect> {
        let labels = self.rules.labels();
        let open = memchr::memrchr(b'<', before)?;
        let tag = before.get(open + 1..)?;
        if let Some((b'/', tag)) = tag.split_first() {
            let label = phrase(text_before(before.get(..open)?), labels);
            self.grid.close(tag_name(tag), label);
            let rule = label.filter(|rule| rule.is_taken_whole() && !self.grid.is_known())?;
            return Some(Expect {
                rule,
                place: Place::Cells(TAGS_MAX),
            });
        }
        let name = tag_name(tag);
        if let Some(rule) = self.grid.open(name) {
            return (!rule.is_other()).then_some(Expect {
                rule,
                place: Place::Within(TAGS_MAX),
            });
        }
        if tag.ends_with(b"/") {
            return None;
        }
        let rule = if labels.may_end_unshaped(name) {
            // Elements of pages that are no fields.
            let page = name.eq_ignore_ascii_case(b"address") && tag.len() > name.len();
            labels.rule(name).filter(|_| !page)
        } else {
            None
        };
        let rule = rule
            .or_else(|| named::of_element(name, tag, labels))
            .filter(|rule| rule.is_taken_whole())?;
        Some(Expect {
            rule,
            place: Place::Element,
        })
    }

    fn text_label(&self, before: &[u8]) -> Option<Expect> {
        if let [head @ .., b'%', high, low] = before
            && high.is_ascii_hexdigit()
            && low.is_ascii_hexdigit()
        {
            // A query in an address.
            let coded = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'%' | b'_');
            let length = head.iter().rev().take_while(|byte| coded(byte)).count();
            let name = before.get(head.len() - length..)?;
            return expected_in_text(self.decoded_rule(name, Escapes::Percent)?);
        }
        expected_in_text(label_of_text(before, self.rules.labels())?)
    }
}

/// What an attribute is if nothing says more.
const PERSON: Rule = Rule {
    kind: Kind::Name,
    strength: Strength::Weak,
};

/// The text that ends before a tag, without the tags that close in between and without its colon.
fn text_before(before: &[u8]) -> &[u8] {
    let mut text = before.trim_ascii_end();
    while text.last() == Some(&b'>')
        && let Some(open) = memchr::memrchr(b'<', text)
        && text.get(open + 1) == Some(&b'/')
        && let Some(rest) = text.get(..open)
    {
        text = rest.trim_ascii_end();
    }
    text.strip_suffix(b":")
        .or_else(|| text.strip_suffix("：".as_bytes()))
        .unwrap_or(text)
}

/// What a label in running text makes the pass expect.
fn expected_in_text(rule: Rule) -> Option<Expect> {
    (rule.is_taken_whole() || rule.is_telephone()).then_some(Expect {
        rule,
        place: Place::Text,
    })
}

/// What the name of a member makes the pass expect behind the colon at `place`.
#[inline]
fn expected(rule: Rule, buffer: &[u8], place: usize) -> Option<Expect> {
    if rule.is_other() {
        return None;
    }
    if rule.is_taken_whole() {
        let place = Place::Member;
        return Some(Expect { rule, place });
    }
    // A bracket before the digits of a telephone number belongs to no run of characters.
    let begins = |at: usize| match buffer.get(at..(at + 2).min(buffer.len())) {
        Some([b'[' | b' ' | b'\t' | b'\n' | b'\r', ..] | [] | [b'"']) | None => true,
        Some([b'"', b'(' | 0xEF]) => rule.is_telephone(),
        Some(_) => false,
    };
    let elements = match buffer.get(place + 1) {
        Some(b' ') => begins(place + 2),
        _ => begins(place + 1),
    };
    let by_label = matches!(
        rule.kind,
        Kind::Passport
            | Kind::Permit
            | Kind::Landline
            | Kind::Mobile
            | Kind::ResidentId
            | Kind::TaxNumber
            | Kind::Vin
            | Kind::Qq
            | Kind::SocialSecurity
            | Kind::HousingFund
            | Kind::Imei
    );
    let place = Place::Elements;
    (elements && by_label).then_some(Expect { rule, place })
}
