//! The pass over a body: 64 bytes at a time, stopping only where a value could be.

use crate::bits::{Bits, Wanted};
use crate::cluster::{self, Cluster, Scratch, Unescaped};
use crate::find::{After, Hit, find};
use crate::kind::{Counts, Kind};
use crate::mask::{Action, Actions};
use crate::media::Media;
use crate::number::number;
use crate::unit::{ALNUM, Escapes, MARK, SIGN, Unit, is_alnum, unit};

/// What the pass knows between two buffers.
#[derive(Debug)]
pub(crate) struct Scan {
    actions: Actions,
    escapes: Escapes,
    wanted: Wanted,
    /// Within a JSON string, where stars may stand; outside, a number must stay a number.
    in_string: bool,
    /// The byte before the buffer belongs to a word that goes on.
    glued: bool,
    scratch: Scratch,
    pub(crate) found: Counts,
    pub(crate) masked: Counts,
}

/// What became of a place that could matter.
enum Step {
    /// Decided up to here.
    To { at: usize, glued: bool },
    /// Undecided from here on until more is known.
    Wait { from: usize },
}

/// The output, and how much of the buffer is in it.
struct Copy<'a> {
    buffer: &'a [u8],
    done: usize,
    out: &'a mut Vec<u8>,
}

impl Copy<'_> {
    fn upto(&mut self, at: usize) {
        self.out
            .extend_from_slice(self.buffer.get(self.done..at).unwrap_or_default());
        self.done = self.done.max(at);
    }

    fn replace(&mut self, from: usize, to: usize, byte: u8, times: usize) {
        self.upto(from);
        self.out.resize(self.out.len() + times, byte);
        self.done = self.done.max(to);
    }
}

impl Scan {
    pub(crate) fn new(actions: Actions, media: Media) -> Self {
        let (escapes, wanted) = match media {
            Media::Json => (Escapes::Backslash, Wanted::Quotes),
            Media::Ndjson => (Escapes::Backslash, Wanted::QuotesAndLines),
            Media::Text | Media::EventStream => (Escapes::Backslash, Wanted::Neither),
            Media::Form => (Escapes::Percent, Wanted::Neither),
        };
        Self {
            actions,
            escapes,
            wanted,
            in_string: wanted == Wanted::Neither,
            glued: false,
            scratch: Scratch::default(),
            found: Counts::default(),
            masked: Counts::default(),
        }
    }

    /// Writes all of the buffer that is decided and returns where the undecided rest begins. The next buffer must
    /// begin with that rest; `last` says that there is none.
    pub(crate) fn run(&mut self, buffer: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
        out.reserve(buffer.len());
        let mut copy = Copy {
            buffer,
            done: 0,
            out,
        };
        let mut at = 0;
        let mut base = 0;
        let mut digits_before = 0;
        while base < buffer.len() {
            let bits = Bits::read(buffer, base, self.escapes.byte(), self.wanted);
            let (mut quotes, mut lines) = (bits.quote, bits.line);
            let mut events = bits.special | bits.fourth_digits(digits_before);
            let mut next = base + 64;
            digits_before = bits.digit;
            while events != 0 {
                let offset = events.trailing_zeros();
                events &= events - 1;
                let below = (1_u64 << offset) - 1;
                self.pass_quotes(quotes & below, lines & below);
                quotes &= !below;
                lines &= !below;
                match self.step(at, base + offset as usize, last, &mut copy) {
                    Step::Wait { from } => {
                        copy.upto(from);
                        self.glue(buffer, at, from);
                        return from;
                    }
                    Step::To { at: to, glued } => {
                        at = to;
                        self.glued = glued;
                        // Quotes that the step went past were escaped.
                        let above = if to < base + 64 {
                            u64::MAX << (to.saturating_sub(base))
                        } else {
                            0
                        };
                        events &= above;
                        quotes &= above;
                        lines &= above;
                        if to >= base + 64 {
                            next = to;
                            digits_before = 0;
                        }
                    }
                }
            }
            self.pass_quotes(quotes, lines);
            base = next;
        }
        let from = if last {
            buffer.len()
        } else {
            cluster::start(buffer, at, buffer.len(), self.escapes).0
        };
        copy.upto(from);
        self.glue(buffer, at, from);
        from
    }

    fn pass_quotes(&mut self, quotes: u64, lines: u64) {
        let counted = match lines.checked_ilog2() {
            // A document ends with its line, whatever is wrong with it.
            Some(line) => {
                self.in_string = false;
                quotes & !(u64::MAX >> (63 - line))
            }
            None => quotes,
        };
        self.in_string ^= counted.count_ones() % 2 == 1;
    }

    /// Keeps what must be known about the byte before `to`, after everything up to `from` is decided.
    fn glue(&mut self, buffer: &[u8], from: usize, to: usize) {
        self.glued = self.is_glued(buffer, from, to);
    }

    fn is_glued(&self, buffer: &[u8], from: usize, to: usize) -> bool {
        if to > from {
            buffer.get(to - 1).is_some_and(|&byte| is_alnum(byte))
        } else {
            self.glued
        }
    }

    fn step(&mut self, floor: usize, place: usize, last: bool, copy: &mut Copy<'_>) -> Step {
        let buffer = copy.buffer;
        let byte = buffer.get(place).copied().unwrap_or(0);
        if byte == self.escapes.byte() || byte == 0xEF {
            if self.escapes.is_plain_break(buffer, place) {
                return Step::To {
                    at: place + 1,
                    glued: false,
                };
            }
            match unit(buffer, place, self.escapes, last) {
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
        let (start, seen) = cluster::start(buffer, floor, place, self.escapes);
        let glued = self.is_glued(buffer, floor, start);
        match cluster::cut(buffer, start, place, seen, self.escapes, last) {
            Cluster::Open => Step::Wait { from: start },
            Cluster::Plain { end, more, seen } => {
                let text = buffer.get(start..end).unwrap_or_default();
                match self.mask(text, seen, glued, more, |at| start + at, copy) {
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
            Cluster::Escaped => self.step_escaped(start, glued, last, copy),
        }
    }

    fn step_escaped(&mut self, start: usize, glued: bool, last: bool, copy: &mut Copy<'_>) -> Step {
        let mut scratch = std::mem::take(&mut self.scratch);
        let step = match cluster::unescape(copy.buffer, start, self.escapes, last, &mut scratch) {
            Unescaped::Open => Step::Wait { from: start },
            Unescaped::Text { next, more } => {
                let place_of = |at: usize| scratch.places.get(at).copied().unwrap_or(next);
                match self.mask(
                    &scratch.text,
                    ALNUM | MARK | SIGN,
                    glued,
                    more,
                    place_of,
                    copy,
                ) {
                    Some((at, glued)) => Step::To {
                        at: place_of(at),
                        glued,
                    },
                    None => Step::To {
                        at: next,
                        glued: false,
                    },
                }
            }
        };
        self.scratch = scratch;
        step
    }

    /// Masks what is in a cluster; returns where to go on where the cluster does.
    fn mask(
        &mut self,
        text: &[u8],
        seen: u8,
        glued: bool,
        more: bool,
        place_of: impl Fn(usize) -> usize,
        copy: &mut Copy<'_>,
    ) -> Option<(usize, bool)> {
        let after = match self.actions.get(Kind::Email) {
            Action::Drop => After::Domain,
            Action::Pass | Action::Keep { .. } | Action::Local { .. } => After::Sign,
        };
        if !self.in_string && !more && !glued && is_scaled_number(text) {
            if let Some(kind) = scaled_kind(text) {
                self.write(&Hit::word(kind, 0, text.len()), text, &place_of, copy);
            }
            return None;
        }
        let decided = find(text, seen, glued, more, after, &mut |hit| {
            self.write(hit, text, &place_of, copy)
        });
        more.then_some((decided.at, decided.glued))
    }

    /// Counts a value and writes what its action leaves of it.
    fn write(
        &mut self,
        hit: &Hit,
        text: &[u8],
        place_of: &impl Fn(usize) -> usize,
        copy: &mut Copy<'_>,
    ) {
        let action = self.actions.get(hit.kind);
        self.found.add(hit.kind);
        if action != Action::Pass {
            self.masked.add(hit.kind);
        }
        match action {
            Action::Pass => {}
            _ if !self.in_string && text.get(hit.start..hit.end).is_some_and(is_number) => {
                // Stars would break the document, zeros in front are no JSON number, and `-0` is read as a fraction.
                let start = if text.get(..hit.start) == Some(b"-") {
                    0
                } else {
                    hit.start
                };
                copy.replace(place_of(start), place_of(hit.end), b'0', 1);
            }
            Action::Keep { head, tail } => {
                let from = (hit.start + usize::from(head)).min(hit.first);
                let to = hit
                    .end
                    .saturating_sub(usize::from(tail))
                    .max(hit.last)
                    .max(from);
                copy.replace(place_of(from), place_of(to), b'*', to - from);
            }
            Action::Local { head } => {
                let from = (hit.start + usize::from(head)).min(hit.first);
                copy.replace(place_of(from), place_of(hit.first), b'*', 3);
            }
            Action::Drop => copy.replace(place_of(hit.start), place_of(hit.end), b'*', 3),
        }
    }
}

/// Tells whether a cluster has only characters of JSON numbers.
fn is_number(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
}

/// Tells whether a cluster outside strings is a number with a fraction or an exponent.
fn is_scaled_number(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) && is_number(text)
}

/// The kind of the whole number that `13800138000.0` or `1.3800138e10` stands for.
fn scaled_kind(text: &[u8]) -> Option<Kind> {
    let text = std::str::from_utf8(text).ok()?.trim_start_matches('-');
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let places = usize::try_from(exponent)
        .ok()
        .filter(|&places| places <= 20)?;
    let kept = fraction.trim_end_matches('0');
    if kept.len() > places {
        return None;
    }
    let digits = format!("{whole}{kept}{:0<fill$}", "", fill = places - kept.len());
    let digits = digits.trim_start_matches('0');
    number(digits.as_bytes(), 0, digits.len()).map(|hit| hit.kind)
}
