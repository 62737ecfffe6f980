//! What is in a cluster, decided: its values are found and handed to the sink.

use crate::action::Action;
use crate::cluster::{self, Unescaped};
use crate::context::{WINDOW, label_before};
use crate::copy::Copy;
use crate::find::{After, Hit, find};
use crate::kind::Kind;
use crate::number::number;
use crate::scan::{Scan, Step};
use crate::secret::{self, Rest};
use crate::sink::is_number;
use crate::unit::{ALNUM, MARK, SIGN};

impl Scan {
    pub(crate) fn step_escaped(
        &mut self,
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
            Unescaped::Open => Step::Wait { from: start },
            Unescaped::Text { next, more } => {
                let place_of = |at: usize| scratch.places.get(at).copied().unwrap_or(next);
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
            if let Some(kind) = scaled_kind(text) {
                self.sink
                    .write(&Hit::word(kind, 0, text.len()), text, &place_of, copy);
            }
            return None;
        }
        let buffer = copy.buffer;
        let (rules, behind, tags, sink) = (
            &self.rules,
            &self.behind,
            self.syntax.tags(),
            &mut self.sink,
        );
        let label = |at: usize| {
            let mut room = [0; WINDOW];
            if at == 0 {
                return label_before(
                    behind.window(buffer, start, &mut room),
                    rules.labels(),
                    tags,
                );
            }
            // Within the cluster: what stands before the word, and before the cluster.
            let mut joined: Vec<u8> = behind.window(buffer, start, &mut room).to_vec();
            joined.extend_from_slice(text.get(..at).unwrap_or_default());
            let from = joined.len().saturating_sub(WINDOW);
            label_before(joined.get(from..).unwrap_or_default(), rules.labels(), tags)
        };
        let mut skip = 0;
        if seen & SIGN != 0 && !glued {
            let mut room = [0; WINDOW];
            if let Some(sign) =
                memchr::memchr(b'@', text).filter(|&sign| sign > 0 && !text.starts_with(b"***"))
                && secret::is_connection(behind.window(buffer, start, &mut room))
            {
                sink.write(&Hit::word(Kind::Secret, 0, sign), text, &place_of, copy);
                skip = sign;
            }
        }
        let mut open = false;
        let decided = find(
            text.get(skip..).unwrap_or_default(),
            seen,
            glued,
            more,
            after,
            &mut |at| label(skip + at),
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
                open |= hit.kind == Kind::Secret && hit.end == text.len();
                sink.write(&hit, text, &place_of, copy);
            },
        );
        if open && more {
            self.rest = Some(Rest::Token);
        }
        more.then_some((decided.at + skip, decided.glued))
    }
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
