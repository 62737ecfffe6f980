//! What is in a cluster, decided: its values are found and handed to the sink.

use smallvec::SmallVec;

use crate::action::Action;
use crate::cluster::{self, Unescaped};
use crate::context::{Behind, Tags, WINDOW, label_before};
use crate::contextual::contextual;
use crate::copy::Copy;
use crate::find::{After, Hit, find, is_something_else};
use crate::kind::Kind;
use crate::label::{Labels, Rule};
use crate::number::number;
use crate::run::run_start;
use crate::scan::{Scan, Step};
use crate::secret::{self, Rest};
use crate::sink::is_number;
use crate::unit::{ALNUM, Escapes, MARK, SIGN, is_cluster};

impl Scan {
    /// Decides about the word `start..end` where nothing around it can belong to it.
    #[inline]
    pub(crate) fn step_word(
        &mut self,
        floor: usize,
        start: usize,
        end: usize,
        copy: &mut Copy<'_>,
    ) -> Option<Step> {
        let buffer = copy.buffer;
        let text = buffer.get(start..end)?;
        if start <= floor
            || !self.stands_alone(buffer, start, end)
            || !self.sink.in_string && !text.iter().all(u8::is_ascii_digit)
        {
            return None;
        }
        let before = Ahead {
            behind: &self.behind,
            buffer,
            said: self.said,
            labels: self.rules.labels(),
            tags: self.syntax.tags(),
        };
        let label = &mut |_| before.label(start);
        let hit = number(text, 0, text.len())
            .filter(|hit| !is_something_else(hit.kind, start, label))
            .or_else(|| contextual(text, 0, text.len(), label));
        if let Some(hit) = hit {
            self.sink.write(&hit, text, &|at| start + at, copy);
        }
        Some(Step::To {
            at: end,
            glued: false,
        })
    }

    /// Tells whether a word is a cluster by itself, and no part of what goes beyond a cluster.
    #[inline(always)]
    fn stands_alone(&self, buffer: &[u8], start: usize, end: usize) -> bool {
        let escapes = self.syntax.escapes();
        let digit = |at: usize| buffer.get(at).is_some_and(u8::is_ascii_digit);
        let (Some(before), Some(&next)) = (start.checked_sub(1), buffer.get(end)) else {
            return false;
        };
        let begins = match buffer.get(before) {
            // Groups of digits are one number.
            Some(b' ') => !digit(start) || !before.checked_sub(1).is_some_and(digit),
            Some(b':') => end - start > 4,
            Some(&byte) => !is_cluster(byte),
            None => false,
        };
        let ends = match next {
            b' ' => {
                !digit(end - 1)
                    || buffer.get(end + 1).is_some_and(|&byte| {
                        !byte.is_ascii_digit() && byte != escapes.byte() && byte != 0xEF
                    })
            }
            b':' | b'<' => false,
            0xEF => escapes.is_plain_break(buffer, end),
            _ => !is_cluster(next) && next != escapes.byte(),
        };
        begins && ends && escapes != Escapes::Percent
    }

    pub(crate) fn step_escaped(
        &mut self,
        floor: usize,
        start: usize,
        glued: bool,
        last: bool,
        copy: &mut Copy<'_>,
    ) -> Step {
        let mut scratch = std::mem::take(&mut self.scratch);
        let step = match cluster::unescape(
            copy.buffer,
            start,
            self.syntax.escapes(),
            last,
            &mut scratch,
        ) {
            Unescaped::Open => Step::Wait {
                from: run_start(copy.buffer, floor, start),
            },
            Unescaped::Text { next, more } => {
                let place_of = |at: usize| scratch.places.get(at).copied().unwrap_or(next);
                let end = start + scratch.text.len();
                let plain = copy.buffer.get(start..end) == Some(&scratch.text);
                let step = if plain && !more && end > start {
                    self.neighbours(floor, start, end, last, copy)
                } else {
                    Step::Stay
                };
                if !matches!(step, Step::Stay) {
                    self.scratch = scratch;
                    return step;
                }
                match self.mask(
                    &scratch.text,
                    start,
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
    #[expect(
        clippy::too_many_arguments,
        reason = "a cluster is these facts, and only this function wants them all"
    )]
    pub(crate) fn mask(
        &mut self,
        text: &[u8],
        start: usize,
        seen: u8,
        glued: bool,
        more: bool,
        place_of: impl Fn(usize) -> usize,
        copy: &mut Copy<'_>,
    ) -> Option<(usize, bool)> {
        let email = self.sink.actions.get(Kind::Email);
        let after = if matches!(email, Action::Pass | Action::Local { .. }) {
            After::Sign
        } else {
            After::Domain
        };
        if !self.sink.in_string && !more && !glued && is_scaled_number(text) {
            let before = Ahead {
                behind: &self.behind,
                buffer: copy.buffer,
                said: self.said,
                labels: self.rules.labels(),
                tags: self.syntax.tags(),
            };
            let kind = scaled_kind(text)
                .filter(|&kind| !is_something_else(kind, start, &mut |at| before.label(at)));
            if let Some(kind) = kind {
                self.sink
                    .write(&Hit::word(kind, 0, text.len()), text, &place_of, copy);
            }
            return None;
        }
        let buffer = copy.buffer;
        let sink = &mut self.sink;
        let before = Ahead {
            behind: &self.behind,
            buffer,
            said: self.said,
            labels: self.rules.labels(),
            tags: self.syntax.tags(),
        };
        let mut skip = 0;
        if seen & SIGN != 0 && !glued {
            let mut room = [0; WINDOW];
            if let Some(sign) =
                memchr::memchr(b'@', text).filter(|&sign| sign > 0 && !text.starts_with(b"***"))
                && secret::is_connection(before.behind.window(buffer, start, &mut room))
            {
                sink.write(&Hit::word(Kind::Secret, 0, sign), text, &place_of, copy);
                skip = sign;
            }
        }
        let (mut open, mut covered) = (false, 0);
        let decided = find(
            text.get(skip..).unwrap_or_default(),
            seen,
            glued,
            more,
            after,
            &mut |at| before.label_within(start, text, skip + at),
            &mut |hit| {
                // A version in a number's place is no address.
                if hit.kind == Kind::Ip && !sink.in_string {
                    return;
                }
                let hit = Hit {
                    start: hit.start + skip,
                    first: hit.first + skip,
                    last: hit.last + skip,
                    end: hit.end + skip,
                    ..*hit
                };
                // A number that was masked stands ahead of another.
                let value = text.get(hit.start..hit.end).unwrap_or_default();
                if !sink.in_string && value.starts_with(b"0 ") {
                    return;
                }
                open |= hit.kind == Kind::Secret && hit.end == text.len();
                covered = covered.max(hit.end);
                sink.write(&hit, text, &place_of, copy);
            },
        );
        if open && more {
            self.rest = Some(Rest::Token);
        }
        if !more && let Some(at) = before_colon(text, &place_of, buffer).filter(|&at| at >= covered)
        {
            return Some((at, false));
        }
        more.then_some((decided.at + skip, decided.glued))
    }
}

/// The last word of a cluster, where it is not the first and a colon follows: an address may begin with it, which is
/// no part of what stands ahead of it.
fn before_colon(text: &[u8], place_of: &impl Fn(usize) -> usize, buffer: &[u8]) -> Option<usize> {
    let end = place_of(text.len());
    if buffer.get(end) != Some(&b':') {
        return None;
    }
    let word = text
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric());
    let at = text.len() - word.count();
    let word = text.get(at..)?;
    let hex = word.iter().all(u8::is_ascii_hexdigit);
    // What was decoded stands nowhere in the buffer.
    let plain = buffer.get(place_of(at)..end) == Some(word);
    (at > 0 && hex && (1..=4).contains(&word.len()) && plain).then_some(at)
}

/// What stands ahead of a cluster, where its label is.
struct Ahead<'a> {
    behind: &'a Behind,
    buffer: &'a [u8],
    said: Option<(usize, Option<Rule>)>,
    labels: &'a Labels,
    tags: Tags,
}

impl Ahead<'_> {
    /// Reads the label before a place in the buffer.
    fn label(&self, place: usize) -> Option<Rule> {
        if let Some((from, label)) = self.said
            && matches!(
                self.buffer.get(from..place),
                Some([] | [b'"'] | [b' '] | [b' ', b'"'])
            )
        {
            return label;
        }
        let mut room = [0; WINDOW];
        let before = self.behind.window(self.buffer, place, &mut room);
        label_before(before, self.labels, self.tags)
    }

    /// Reads the label before a place in a cluster: what stands before that in it, and before the cluster.
    fn label_within(&self, start: usize, cluster: &[u8], at: usize) -> Option<Rule> {
        let within = cluster.get(..at).unwrap_or_default();
        if self.buffer.get(start..start + at) == Some(within) {
            return self.label(start + at);
        }
        let mut room = [0; WINDOW];
        let mut all: SmallVec<[u8; 2 * WINDOW]> =
            SmallVec::from_slice(self.behind.window(self.buffer, start, &mut room));
        all.extend_from_slice(within.get(at.saturating_sub(WINDOW)..).unwrap_or_default());
        let from = all.len().saturating_sub(WINDOW);
        label_before(all.get(from..).unwrap_or_default(), self.labels, self.tags)
    }
}

/// Tells whether a cluster outside strings is a number with a fraction or an exponent.
fn is_scaled_number(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) && is_number(text)
}

/// The kind of the whole number that `13800138000.0` or `1.3800138e10` stands for.
pub(crate) fn scaled_kind(text: &[u8]) -> Option<Kind> {
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
