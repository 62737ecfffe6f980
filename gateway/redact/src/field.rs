//! Values whose field says what they are: the label is read at the mark behind it, the value is taken whole.

use smallvec::SmallVec;

use crate::action::Action;
use crate::context::{WINDOW, phrase, tag_name};
use crate::copy::Copy;
use crate::extent::{self, Extent};
use crate::kind::Kind;
use crate::label::{Rule, has_shape};
use crate::mask::{self, Edits, Put};
use crate::scan::{Scan, Step};
use crate::secret::Rest;
use crate::shape;
use crate::syntax::Syntax;
use crate::unit::Escapes;
use crate::value::{letters, narrow};

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
    /// Up to the next tag.
    Element,
    /// Behind so many more tags at most.
    Cells(u8),
}

/// Tags that may stand between a label and its value.
const TAGS_MAX: u8 = 4;

/// The longest of them, in bytes.
const TAG_MAX: usize = 100;

impl Scan {
    /// Reads the label that ends at a mark; remembers and returns that a value is expected.
    pub(crate) fn expects_after(&mut self, place: usize, buffer: &[u8]) -> bool {
        let mark = buffer.get(place).copied().unwrap_or(0);
        // Most keys are told apart without composing what stands before them.
        let mut room = [0; WINDOW];
        let before = self.behind.window(buffer, place, &mut room);
        let expect = match (self.syntax, mark) {
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

    fn member(&self, before: &[u8], buffer: &[u8], place: usize) -> Option<Expect> {
        let end = before
            .iter()
            .rposition(|byte| !byte.is_ascii_whitespace())?;
        let (b'"', Some(key)) = (before.get(end)?, before.get(..end)) else {
            return None;
        };
        let labels = self.rules.labels();
        let elements = match buffer.get(place + 1) {
            Some(b' ') => buffer
                .get(place + 2)
                .is_none_or(|byte| matches!(byte, b'[' | b' ')),
            next => next.is_none_or(|byte| matches!(byte, b'[' | b'\n' | b'\r')),
        };
        let escaped = key.len() >= 6 && key.get(key.len() - 6..key.len() - 4) == Some(br"\u");
        let may_end = labels.may_end_unshaped(key) || (elements && labels.may_end(key));
        if !escaped && !may_end {
            return None;
        }
        let start = memchr::memrchr(b'"', key)? + 1;
        let name = key.get(start..)?;
        let rule = if name.contains(&b'\\') {
            self.decoded_rule(name, Escapes::Backslash)
        } else {
            // One borrow at a time: nothing in here reads names.
            match self.memo.try_borrow_mut() {
                Ok(mut memo) => memo.rule(labels, name),
                Err(_) => labels.rule(name),
            }
        }?;
        let place = if has_shape(rule.kind) {
            matches!(
                rule.kind,
                Kind::Passport
                    | Kind::Permit
                    | Kind::Landline
                    | Kind::TaxNumber
                    | Kind::Vin
                    | Kind::Qq
                    | Kind::SocialSecurity
                    | Kind::HousingFund
                    | Kind::Imei
            )
            .then_some(Place::Elements)?
        } else {
            Place::Member
        };
        Some(Expect { rule, place })
    }

    fn decoded_rule(&self, name: &[u8], escapes: Escapes) -> Option<Rule> {
        let mut out = Vec::new();
        letters(name, 0, name.len(), escapes, self.charset, &mut out);
        let text: String = out.iter().map(|letter| letter.ch).collect();
        self.rules.labels().rule(text.as_bytes())
    }

    fn parameter(&self, before: &[u8]) -> Option<Expect> {
        let escaped = before.len() >= 3 && before.get(before.len() - 3) == Some(&b'%');
        if !escaped && !self.rules.labels().may_end_unshaped(before) {
            return None;
        }
        let start = before
            .iter()
            .rposition(|byte| matches!(byte, b'&' | b'?' | b'\n' | b'='))
            .map_or(0, |at| at + 1);
        let rule = self.decoded_rule(before.get(start..)?, Escapes::Percent)?;
        (!has_shape(rule.kind)).then_some(Expect {
            rule,
            place: Place::Form,
        })
    }

    fn attribute(&self, before: &[u8]) -> Option<Expect> {
        let name = before.iter().rposition(|byte| {
            !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':'))
        });
        let start = name.map_or(0, |at| at + 1);
        let mut name = before.get(start..)?;
        if name == b"value" {
            let tag = before.get(memchr::memrchr(b'<', before)?..start)?;
            name = [&b"name=\""[..], b"name='", b"id=\"", b"id='"]
                .iter()
                .find_map(|head| {
                    let from = memchr::memmem::find(tag, head)? + head.len();
                    let rest = tag.get(from..)?;
                    rest.get(..rest.iter().position(|byte| matches!(byte, b'"' | b'\''))?)
                })?;
        } else if name == b"name" || name == b"id" {
            // Names things of the page.
            return None;
        }
        if !self.rules.labels().may_end_unshaped(name) {
            return None;
        }
        let rule = self.rules.labels().rule(tag_name(name))?;
        (!has_shape(rule.kind)).then_some(Expect {
            rule,
            place: Place::Attribute,
        })
    }

    fn element(&self, before: &[u8]) -> Option<Expect> {
        let labels = self.rules.labels();
        let open = memchr::memrchr(b'<', before)?;
        let tag = before.get(open + 1..)?;
        if let Some(b'/') = tag.first() {
            let text = before.get(..open)?.trim_ascii_end();
            let text = text
                .strip_suffix(b":")
                .or_else(|| text.strip_suffix("：".as_bytes()))
                .unwrap_or(text);
            if !labels.may_end_unshaped(text) {
                return None;
            }
            let rule = phrase(text, labels)?;
            return (!has_shape(rule.kind)).then_some(Expect {
                rule,
                place: Place::Cells(TAGS_MAX),
            });
        }
        if tag.ends_with(b"/") {
            return None;
        }
        let name = tag_name(tag);
        // Elements of pages that are no fields.
        if !labels.may_end_unshaped(name)
            || name.eq_ignore_ascii_case(b"address") && tag.len() > name.len()
        {
            return None;
        }
        let rule = labels.rule(name)?;
        (!has_shape(rule.kind)).then_some(Expect {
            rule,
            place: Place::Element,
        })
    }

    fn text_label(&self, before: &[u8]) -> Option<Expect> {
        let mut text = before;
        while let Some((b' ' | b'"' | b'\'' | b'\\' | b'*', rest)) = text.split_last() {
            text = rest;
        }
        let text = text.strip_suffix("】".as_bytes()).unwrap_or(text);
        if !self.rules.labels().may_end_unshaped(text) && !text.ends_with(b".") {
            return None;
        }
        let rule = phrase(text, self.rules.labels())?;
        (!has_shape(rule.kind)).then_some(Expect {
            rule,
            place: Place::Text,
        })
    }

    /// Goes on with what is open: an endless secret, or a value that is expected.
    pub(crate) fn resume(&mut self, at: usize, last: bool, copy: &mut Copy<'_>) -> Step {
        if let Some(rest) = &mut self.rest {
            let (length, ended) = rest.length(copy.buffer.get(at..).unwrap_or_default());
            copy.upto(at);
            copy.skip(at + length);
            if ended {
                self.rest = None;
            }
            return Step::To {
                at: at + length,
                glued: false,
            };
        }
        let mut from = at;
        while let Some(expect) = self.expect {
            match self.value(expect, from, last, copy) {
                Step::To { at: to, .. } => from = to,
                Step::Wait { from } => return Step::Wait { from },
                Step::Stay => self.expect = None,
            }
            if self.rest.is_some() {
                return self.resume(from, last, copy);
            }
        }
        if from == at {
            Step::Stay
        } else {
            Step::To {
                at: from,
                glued: false,
            }
        }
    }

    /// Takes the next step towards a value: past what stands before it, or past the value itself, which is masked then.
    fn value(&mut self, expect: Expect, at: usize, last: bool, copy: &mut Copy<'_>) -> Step {
        let buffer = copy.buffer;
        let extent = match expect.place {
            Place::Member | Place::Elements | Place::Array => extent::json(buffer, at, last),
            Place::Text => extent::text(
                buffer,
                at,
                self.syntax.escapes(),
                self.charset,
                expect.rule.kind,
                last,
            ),
            Place::Form => {
                let extent = extent::until(buffer, at, |byte| matches!(byte, b'&' | b'\n' | b' '));
                if let (Extent::Open { from }, true) = (extent, last) {
                    let to = buffer.len();
                    Extent::Whole { from, to, end: to }
                } else {
                    extent
                }
            }
            Place::Attribute => extent::attribute(buffer, at),
            Place::Element => extent::element(buffer, at),
            Place::Cells(_) => extent::cell(buffer, at, TAG_MAX),
        };
        match (extent, expect.place) {
            (Extent::Open { .. }, _) if !last => Step::Wait { from: at },
            (Extent::Open { from }, _)
                if expect.rule.kind == Kind::Secret && from < buffer.len() =>
            {
                // Cut off within: fail closed.
                self.sink.add(Kind::Secret);
                copy.replace(from, buffer.len(), b'*', 3);
                self.expect = None;
                Step::To {
                    at: buffer.len(),
                    glued: false,
                }
            }
            (Extent::Blank { to }, _) if to > at => Step::To {
                at: to,
                glued: false,
            },
            (Extent::Tag { to }, Place::Cells(left)) if left > 0 => {
                self.expect = Some(Expect {
                    place: Place::Cells(left - 1),
                    ..expect
                });
                Step::To {
                    at: to,
                    glued: false,
                }
            }
            (Extent::Bracket { to }, Place::Member | Place::Elements) => {
                self.expect = Some(Expect {
                    place: Place::Array,
                    ..expect
                });
                Step::To {
                    at: to,
                    glued: false,
                }
            }
            (Extent::Comma { to }, Place::Array) => Step::To {
                at: to,
                glued: false,
            },
            (Extent::Long { from }, Place::Member | Place::Array)
                if expect.rule.kind == Kind::Secret =>
            {
                self.sink.add(Kind::Secret);
                copy.replace(from, from, b'*', 3);
                self.sink.in_string = true;
                self.rest = Some(Rest::Text { escaped: false });
                self.expect = None;
                Step::To {
                    at: from,
                    glued: false,
                }
            }
            (Extent::Number { to }, Place::Member | Place::Array) => {
                if expect.place == Place::Member {
                    self.expect = None;
                }
                self.number(expect.rule, at, to, copy)
            }
            (Extent::Whole { from, to, end }, place) if place != Place::Elements => {
                if place != Place::Array {
                    self.expect = None;
                }
                let quoted = matches!(place, Place::Member | Place::Array);
                if self.whole(expect.rule, from, to, quoted, copy) {
                    Step::To {
                        at: end,
                        glued: false,
                    }
                } else {
                    self.expect = None;
                    Step::To { at, glued: false }
                }
            }
            _ => Step::Stay,
        }
    }

    /// Masks a whole value if it is what its label says.
    fn whole(
        &mut self,
        rule: Rule,
        from: usize,
        to: usize,
        quoted: bool,
        copy: &mut Copy<'_>,
    ) -> bool {
        let mut all = std::mem::take(&mut self.letters);
        letters(
            copy.buffer,
            from,
            to,
            self.syntax.escapes(),
            self.charset,
            &mut all,
        );
        let blank = |ch: char| ch.is_whitespace();
        let head = all.iter().take_while(|letter| blank(letter.ch)).count();
        let tail = all
            .iter()
            .rev()
            .take_while(|letter| blank(letter.ch))
            .count();
        let inner = all
            .get(head..all.len().saturating_sub(tail))
            .unwrap_or_default();
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        text.extend(inner.iter().map(|letter| narrow(letter.ch)));
        let fits = !text.is_empty() && shape::fits(rule, &text);
        if fits {
            let action = self.sink.add(rule.kind);
            if action == Action::Null && quoted {
                copy.put(from - 1, to + 1, &Put::Text("null".to_owned()));
            } else {
                let chars: SmallVec<[char; 32]> = text.chars().collect();
                for edit in self.edits(action, rule.kind, &chars) {
                    let start = inner.get(edit.at).map_or(to, |letter| letter.from);
                    let end = (edit.at + edit.over)
                        .checked_sub(1)
                        .and_then(|at| inner.get(at))
                        .map_or(start, |letter| letter.to);
                    copy.put(start, end.max(start), &edit.put);
                }
            }
        }
        self.letters = all;
        self.text = text;
        fits
    }

    fn edits(&self, action: Action, kind: Kind, chars: &[char]) -> Edits {
        self.rules
            .keyed(action, kind, chars)
            .unwrap_or_else(|| mask::apply(action, chars))
    }

    /// Masks a JSON number if it is what its label says; a number stays a number.
    fn number(&mut self, rule: Rule, from: usize, to: usize, copy: &mut Copy<'_>) -> Step {
        let text = copy
            .buffer
            .get(from..to)
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default();
        if !shape::fits(rule, text) {
            self.expect = None;
            return Step::To {
                at: from,
                glued: false,
            };
        }
        let action = self.sink.add(rule.kind);
        let chars: Vec<char> = text.chars().collect();
        if let Action::Round { .. } = action {
            for edit in mask::apply(action, &chars) {
                copy.put(from + edit.at, from + edit.at + edit.over, &edit.put);
            }
        } else if action != Action::Pass {
            let instead = match (action, text.parse::<u32>()) {
                (Action::Band, Ok(age)) => (age / 10 * 10).to_string(),
                (Action::Null, _) => "null".to_owned(),
                _ => "0".to_owned(),
            };
            copy.put(from, to, &Put::Text(instead));
        }
        Step::To {
            at: to,
            glued: false,
        }
    }
}
