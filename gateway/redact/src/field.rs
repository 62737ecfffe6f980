//! Values whose field says what they are, taken whole.

use smallvec::SmallVec;

use crate::action::Action;
use crate::copy::Copy;
use crate::expect::{Expect, Place, TAGS_MAX};
use crate::extent::{self, Extent};
use crate::kind::Kind;
use crate::label::Rule;
use crate::mask::{self, Edits, Put};
use crate::named;
use crate::scan::{Scan, Step};
use crate::secret::{Reach, Rest};
use crate::shape;
use crate::syntax::Syntax;
use crate::unit::Escapes;
use crate::value::{IDEOGRAPHS_MAX, ideographs, letters, narrow, plain};

/// The longest tag that may stand between a label and its value, in bytes.
const TAG_MAX: usize = 100;

/// How a whole value stands in its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    /// Between the quotes of a JSON string, which go with it if nothing stays.
    Json,
    /// As the format writes characters.
    No,
    /// Percent-encoded, whatever the format.
    Coded,
}

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
        if expect.place == Place::Text
            && let Some(step) = self.before_text(expect, at, last, copy)
        {
            return step;
        }
        let extent = match expect.place {
            Place::Member | Place::Elements | Place::Array => extent::json(buffer, at, last),
            Place::Text => extent::text(
                buffer,
                at,
                self.syntax.escapes(),
                self.charset,
                expect.rule.kind,
                last,
                &mut self.letters,
            ),
            Place::Form => {
                // A secret may have anything in it but what separates parameters.
                let secret = expect.rule.kind == Kind::Secret;
                let ends = |byte| {
                    matches!(byte, b'&' | b'\n' | b' ')
                        || !secret && matches!(byte, b'#' | b';' | b'>' | b'"')
                };
                extent::upto(extent::until(buffer, at, ends), buffer, last)
            }
            Place::Attribute | Place::Called | Place::Value => extent::attribute(buffer, at),
            Place::Element => extent::element(buffer, at),
            Place::Cells(_) => extent::cell(buffer, at, TAG_MAX, false),
            Place::Within(_) => extent::cell(buffer, at, TAG_MAX, true),
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
            (Extent::Tag { to }, Place::Within(left)) if left > 0 => {
                self.expect = Some(Expect {
                    place: Place::Within(left - 1),
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
            (Extent::Whole { from, to, end }, Place::Value) => {
                let rest = buffer.get(end..).unwrap_or_default();
                let tag = rest.get(..rest.len().min(TAG_MAX)).unwrap_or_default();
                let close = memchr::memchr(b'>', tag);
                if close.is_none() && tag.len() < TAG_MAX && !last {
                    return Step::Wait { from: at };
                }
                self.expect = None;
                let tag = tag.get(..close.unwrap_or(tag.len())).unwrap_or_default();
                let rule = named::label(tag, self.rules.labels(), true);
                match rule.filter(|rule| rule.is_taken_whole()) {
                    Some(rule) if self.whole(rule, (from, to), Quotes::No, copy) => Step::To {
                        at: end,
                        glued: false,
                    },
                    _ => Step::Stay,
                }
            }
            (Extent::Whole { from, to, .. }, Place::Called)
                if buffer.get(from..to).is_some_and(<[u8]>::is_ascii) =>
            {
                Step::Stay
            }
            (Extent::Whole { from, .. }, Place::Elements)
                if !(expect.rule.is_telephone()
                    && matches!(buffer.get(from), Some(b'(' | 0xEF))) =>
            {
                Step::Stay
            }
            (Extent::Whole { from, to, end }, place) => {
                if place != Place::Array {
                    self.expect = None;
                }
                let json = matches!(place, Place::Member | Place::Array | Place::Elements);
                let quotes = if json { Quotes::Json } else { Quotes::No };
                if self.whole(expect.rule, (from, to), quotes, copy) {
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

    /// Looks at what a value in running text begins with; `None` where it is to be read as such.
    fn before_text(
        &mut self,
        expect: Expect,
        at: usize,
        last: bool,
        copy: &mut Copy<'_>,
    ) -> Option<Step> {
        let buffer = copy.buffer;
        let rest = buffer.get(at..).unwrap_or_default();
        let blanks = rest
            .iter()
            .take(8)
            .take_while(|&&byte| byte == b' ')
            .count();
        let from = at + blanks;
        let head = buffer.get(from..(from + 3).min(buffer.len()))?;
        let known = last || head.len() == 3;
        match *head {
            [] if !known => Some(Step::Wait { from: at }),
            // The string ends that the label stands in.
            [b'"', ..] if self.syntax == Syntax::Json => Some(Step::Stay),
            [b'<', ..] if self.syntax == Syntax::Markup => {
                if !expect.rule.is_taken_whole() || self.grid.is_known() {
                    return Some(Step::Stay);
                }
                self.expect = Some(Expect {
                    place: Place::Cells(TAGS_MAX),
                    ..expect
                });
                Some(Step::To {
                    at: from,
                    glued: false,
                })
            }
            [b'%', ..] if !known => Some(Step::Wait { from: at }),
            [b'%', b'8'..=b'9' | b'A'..=b'F' | b'a'..=b'f', low] if low.is_ascii_hexdigit() => {
                // In an address, as a query.
                let ends = |byte: u8| {
                    !(byte.is_ascii_alphanumeric()
                        || matches!(byte, b'%' | b'+' | b'-' | b'.' | b'_' | b'~' | b'*'))
                };
                let extent = extent::upto(extent::until(buffer, from, ends), buffer, last);
                let Extent::Whole { to, .. } = extent else {
                    return Some(Step::Wait { from: at });
                };
                self.expect = None;
                let coded = Quotes::Coded;
                Some(if self.whole(expect.rule, (from, to), coded, copy) {
                    Step::To {
                        at: to,
                        glued: false,
                    }
                } else {
                    Step::Stay
                })
            }
            [b'(', ..] => None,
            [0xEF, ..] if !known => Some(Step::Wait { from: at }),
            [0xEF, 0xBC, 0x88] => None,
            _ if expect.rule.is_telephone() => Some(Step::Stay),
            _ => None,
        }
    }

    /// Masks a whole value if it is what its label says.
    fn whole(
        &mut self,
        rule: Rule,
        (from, to): (usize, usize),
        quotes: Quotes,
        copy: &mut Copy<'_>,
    ) -> bool {
        let written = copy.buffer.get(from..to).unwrap_or_default();
        let mut room = ['\0'; IDEOGRAPHS_MAX];
        if let Some(chars) = ideographs(written, &mut room)
            && let Some(kind) = shape::kind_of_ideographs(rule, chars.len())
        {
            let kind = kind.filter(|_| !self.rules.labels().is_label(written));
            if let Some(kind) = kind {
                let action = self.sink.add(kind);
                self.sink.note(kind, written);
                if action == Action::Null && quotes == Quotes::Json {
                    copy.put(from - 1, to + 1, &Put::Text("null".to_owned()));
                } else {
                    for edit in self.edits(action, kind, chars) {
                        let start = from + 3 * edit.at;
                        copy.put(start, start + 3 * edit.over, &edit.put);
                    }
                }
            }
            return kind.is_some();
        }
        let escapes = if quotes == Quotes::Coded {
            Escapes::Percent
        } else {
            self.syntax.escapes()
        };
        if let Some(text) = plain(written, escapes) {
            let value = shape::trim(text);
            let Some(kind) = self.kind(rule, value) else {
                return false;
            };
            let start = if value.len() == text.len() {
                from
            } else {
                from + text.len() - text.trim_start().len()
            };
            let quoted = (quotes == Quotes::Json).then_some((from, to));
            self.mask_plain(kind, value, start, quoted, copy);
            return true;
        }
        let mut all = std::mem::take(&mut self.letters);
        letters(copy.buffer, from, to, escapes, self.charset, &mut all);
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
        let kind = self.kind(rule, &text);
        if let Some(kind) = kind {
            let action = self.sink.add(kind);
            self.sink.note(kind, text.as_bytes());
            if action == Action::Null && quotes == Quotes::Json {
                copy.put(from - 1, to + 1, &Put::Text("null".to_owned()));
            } else {
                let chars: SmallVec<[char; 32]> = text.chars().collect();
                for edit in self.edits(action, kind, &chars) {
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
        kind.is_some()
    }

    /// The kind of a value; a label is none.
    fn kind(&self, rule: Rule, text: &str) -> Option<Kind> {
        let kind = (!text.is_empty()).then(|| shape::kind(rule, text))??;
        let is_label = matches!(kind, Kind::Name | Kind::Address)
            && self.rules.labels().is_label(text.as_bytes());
        (!is_label).then_some(kind)
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
        self.sink.note(kind, value.as_bytes());
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
        let Some(kind) = shape::kind(rule, text) else {
            self.expect = None;
            return Step::To {
                at: from,
                glued: false,
            };
        };
        let action = self.sink.add(kind);
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
