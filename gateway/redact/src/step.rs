//! What a place that the pass stops at is about: a mark behind a label, an escape, a run of characters.

use crate::cluster::{self, Cluster};
use crate::copy::Copy;
use crate::run::run_start;
use crate::scan::{Scan, Step};
use crate::syntax::Syntax;
use crate::unit::{Unit, unit};

impl Scan {
    /// Decides about a place at once where that needs no look around: most places do not.
    #[inline(always)]
    pub(crate) fn step_fast(
        &mut self,
        floor: usize,
        place: usize,
        word: impl FnOnce() -> Option<(usize, usize)>,
        copy: &mut Copy<'_>,
    ) -> Option<Step> {
        let buffer = copy.buffer;
        match buffer.get(place)? {
            b':' if matches!(self.syntax, Syntax::Json | Syntax::Text) => {
                let quote = place.checked_sub(1)?;
                if buffer.get(quote) != Some(&b'"') || buffer.get(place + 1)? == &b':' {
                    return None;
                }
                let expect = self.member_at(quote, place, buffer)?;
                self.expect = expect;
                if expect.is_none() {
                    return Some(Step::Stay);
                }
                Some(Step::To {
                    at: place + 1,
                    glued: false,
                })
            }
            b'0'..=b'9' => {
                let (start, end) = word()?;
                self.step_word(floor, start, end, copy)
            }
            _ => None,
        }
    }

    pub(crate) fn step(
        &mut self,
        floor: usize,
        place: usize,
        last: bool,
        copy: &mut Copy<'_>,
    ) -> Step {
        let buffer = copy.buffer;
        let escapes = self.syntax.escapes();
        let byte = buffer.get(place).copied().unwrap_or(0);
        match byte {
            b':' => {
                let member = self.syntax == Syntax::Json && !self.sink.in_string;
                if (member || self.may_expect(place, buffer)) && self.expects_after(place, buffer) {
                    return Step::To {
                        at: place + 1,
                        glued: false,
                    };
                }
                return self.step_network(floor, place, last, copy);
            }
            b'=' | b'>' => {
                return if self.may_expect(place, buffer) && self.expects_after(place, buffer) {
                    Step::To {
                        at: place + 1,
                        glued: false,
                    }
                } else {
                    Step::Stay
                };
            }
            b'<' => return self.step_document(floor, place, last, copy),
            b'-' => {
                // The pass may stop before the fifth dash, or behind it.
                let (start, _) = cluster::start(buffer, floor, place, escapes);
                let run = buffer.get(start..).unwrap_or_default().iter().take(6);
                let dashes = run.take_while(|&&byte| byte == b'-').count();
                if dashes == 5 {
                    return self.step_key(start, last, copy);
                }
                if dashes > 0 && dashes < 5 && start + dashes == buffer.len() && !last {
                    return Step::Wait { from: start };
                }
            }
            _ => {}
        }
        if byte == escapes.byte() || byte == 0xEF {
            if escapes.is_plain_break(buffer, place) {
                if matches!(buffer.get(place + 1..place + 3), Some([0xBC, 0x9A]))
                    && self.may_expect(place, buffer)
                    && self.expects_after(place, buffer)
                {
                    return Step::To {
                        at: place + 3,
                        glued: false,
                    };
                }
                return Step::To {
                    at: place + 1,
                    glued: false,
                };
            }
            match unit(buffer, place, escapes, last) {
                // No place in the run before it could matter, or the pass would have stopped there.
                Unit::Break { len } => {
                    return Step::To {
                        at: place + len.max(1),
                        glued: false,
                    };
                }
                Unit::Short | Unit::WideX { .. } | Unit::Char { .. } => {}
            }
        }
        let (start, seen) = cluster::start(buffer, floor, place, escapes);
        let glued = self.is_glued(buffer, floor, start);
        match cluster::cut(buffer, start, place, seen, escapes, last) {
            // A run with colons may go on beyond the cluster, to both sides.
            Cluster::Open => Step::Wait {
                from: run_start(buffer, floor, start),
            },
            Cluster::Plain { end, more, seen } => {
                if !more {
                    let step = self.neighbours(floor, start, end, last, copy);
                    if !matches!(step, Step::Stay) {
                        return step;
                    }
                }
                let text = buffer.get(start..end).unwrap_or_default();
                match self.mask(text, start, seen, glued, more, |at| start + at, copy) {
                    Some((at, glued)) => Step::To {
                        at: start + at,
                        glued,
                    },
                    None => Step::To {
                        at: end,
                        glued: false,
                    },
                }
            }
            Cluster::Escaped => self.step_escaped(floor, start, glued, last, copy),
        }
    }

    /// Looks at runs that go beyond a cluster: addresses with colons, lines of travel documents.
    #[inline]
    pub(crate) fn neighbours(
        &mut self,
        floor: usize,
        start: usize,
        end: usize,
        last: bool,
        copy: &mut Copy<'_>,
    ) -> Step {
        let buffer = copy.buffer;
        let short = end - start <= 4;
        let step = match (
            buffer.get(end),
            start.checked_sub(1).and_then(|before| buffer.get(before)),
        ) {
            (Some(b':'), _) if short => self.step_network(floor, end, last, copy),
            (Some(b'<'), _) if end - start >= 6 => self.step_document(floor, end, last, copy),
            (_, Some(b':')) if short => self.step_network(floor, start - 1, last, copy),
            _ => Step::Stay,
        };
        if let Step::Wait { from } = step {
            // The cluster may begin before the run does.
            let from = from.min(start);
            return Step::Wait { from };
        }
        step
    }

    /// Tells whether a label could end at a mark; wrong at most in saying yes. Most marks end here.
    #[inline]
    fn may_expect(&self, place: usize, buffer: &[u8]) -> bool {
        if matches!(self.syntax, Syntax::Markup | Syntax::Form) {
            return true;
        }
        let Some(before) = place
            .checked_sub(8)
            .and_then(|from| buffer.get(from..place))
        else {
            return true;
        };
        let labels = self.rules.labels();
        match before {
            // What stands between a label and its quote: a key in JSON that stands in a string, and the like.
            [.., b' ' | b'"' | b'\'' | b'\\' | b'*' | b'.' | 0x91, b'"'] => true,
            [head @ .., b'"'] => labels.may_end_unshaped(head),
            [
                ..,
                b' ' | b'\t' | b'\n' | b'\'' | b'\\' | b'*' | b'.' | b'>' | 0x91,
            ] => true,
            [.., b'%', _, _] => true,
            _ => labels.may_end_unshaped(before),
        }
    }
}
