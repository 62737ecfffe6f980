//! Values whose field says what they are, taken whole.

use smallvec::SmallVec;

use crate::action::Action;
use crate::copy::Copy;
use crate::expect::{Expect, Place};
use crate::extent::{self, Extent};
use crate::kind::Kind;
use crate::label::Rule;
use crate::mask::{self, Edits, Put};
use crate::scan::{Scan, Step};
use crate::secret::{Reach, Rest};
use crate::shape;
use crate::value::{letters, narrow, plain};

/// The longest tag that may stand between a label and its value, in bytes.
const TAG_MAX: usize = 100;

impl Scan {
    /// Goes on with what is open: an endless secret, or a value that is expected.
    pub(crate) fn resume(&mut self, at: usize, last: bool, copy: &mut Copy<'_>) -> Step {
        if let Some(rest) = &mut self.rest {
            let ahead = copy.buffer.get(at..).unwrap_or_default();
            let reach = rest.reach(ahead, last);
            let to = match reach {
                Reach::Ends(length) | Reach::Open(length) => at + length,
                Reach::All => copy.buffer.len(),
            };
            copy.upto(at);
            copy.skip(to);
            if let Reach::Open(_) = reach {
                return Step::Wait { from: to };
            }
            if let Reach::Ends(_) = reach {
                self.rest = None;
            }
            return Step::To {
                at: to,
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
        let written = copy.buffer.get(from..to).unwrap_or_default();
        if let Some(text) = plain(written, self.syntax.escapes()) {
            let value = shape::trim(text);
            let fits = !value.is_empty() && shape::fits(rule, value);
            if fits {
                let start = if value.len() == text.len() {
                    from
                } else {
                    from + text.len() - text.trim_start().len()
                };
                self.mask_plain(rule.kind, value, start, quoted.then_some((from, to)), copy);
            }
            return fits;
        }
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

    /// Masks a value whose characters are the bytes from `start` on; `quoted` is what stands between its quotes.
    fn mask_plain(
        &mut self,
        kind: Kind,
        value: &str,
        start: usize,
        quoted: Option<(usize, usize)>,
        copy: &mut Copy<'_>,
    ) {
        let action = self.sink.add(kind);
        if let (Action::Null, Some((from, to))) = (action, quoted) {
            copy.put(from - 1, to + 1, &Put::Text("null".to_owned()));
            return;
        }
        let chars: SmallVec<[char; 64]> = value.chars().collect();
        let edits = self.edits(action, kind, &chars);
        copy.edit(&chars, start, &edits);
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
