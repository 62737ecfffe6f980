//! One request being read: values in, findings out.

use crate::classes::Classes;
use crate::decode::{Layer, Layers, ROUNDS, peel, percent};
use crate::detect::protocol::{Lines, controls};
use crate::detect::quotation::Surroundings;
use crate::detect::{Literals, PLAIN, look};
use crate::effort::Effort;
use crate::honeypot::Honeypots;
use crate::inspector::Inspector;
use crate::rules;
use crate::text::find;
use crate::verdict::{Manner, Spot, Verdict};

/// Says whether bytes are those of a digest or of ciphertext: many above ASCII, in no character set.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    let start = crate::text::span(bytes, 0, 256);
    let high = start.iter().filter(|b| **b >= 0x80).count();
    // Random bytes are above ASCII every second time; text of any language has blanks and letters between.
    high >= 3
        && high * 8 >= start.len()
        && start.len() >= 8
        && std::str::from_utf8(crate::text::span(start, 0, start.len().saturating_sub(3)))
            .is_err_and(|error| error.error_len().is_some())
        && encoding_rs::GB18030
            .decode_without_bom_handling_and_without_replacement(crate::text::span(
                start,
                0,
                start.len() & !1,
            ))
            .is_none_or(|text| {
                text.chars()
                    .filter(|c| c.is_control() && !matches!(c, '\r' | '\n' | '\t'))
                    .count()
                    * 16
                    > text.chars().count()
            })
}

/// The findings so far, and what they are found with.
pub(crate) struct Scan<'i> {
    pub(crate) literals: &'i Literals,
    pub(crate) honeypots: &'i Honeypots,
    pub(crate) verdict: Verdict,
    pub(crate) effort: Effort,
    /// Every form of every value, where somebody wants to learn from them.
    pub(crate) seen: Option<Vec<Vec<u8>>>,
}

impl<'i> Scan<'i> {
    /// Begins to read a request, or a body, of `length` bytes.
    pub(crate) fn new(inspector: &'i Inspector, length: usize) -> Self {
        let sensitivity = inspector.settings.sensitivity;
        Self {
            literals: &inspector.literals,
            honeypots: &inspector.honeypots,
            verdict: Verdict::new(sensitivity, inspector.exceptions.clone()),
            effort: Effort::of(length),
            seen: None,
        }
    }

    /// Reads a name or value that needs no more decoding by the rules of the place it stands in.
    pub(crate) fn value(&mut self, spot: Spot<'_>, bytes: &[u8], lines: Lines) {
        self.value_under(spot, bytes, lines, &Layers::default());
    }

    /// Reads a value that stood inside the encodings named.
    pub(crate) fn value_under(
        &mut self,
        spot: Spot<'_>,
        bytes: &[u8],
        lines: Lines,
        layers: &Layers,
    ) {
        if self.honeypots.has_field(spot, bytes.len()) {
            let rule = &rules::HONEYPOT_FIELD;
            self.verdict.add(rule, spot, layers, bytes, 0, bytes.len());
        }
        let classes = Classes::of(bytes);
        // Most values end here: names, numbers, identifiers; those too short for base64 at once.
        if classes.only(PLAIN)
            && !classes.any(Classes::HIGH)
            && bytes.len() < 16
            && find(bytes, 0, b"__").is_none()
        {
            return;
        }
        // Digests and ciphertext in a parameter are no text: their control characters say nothing.
        let lines = if classes.any(Classes::HIGH) && is_binary(bytes) {
            Lines::Binary
        } else {
            lines
        };
        if self.effort.gives_up(&mut self.verdict, spot, layers, bytes) {
            return;
        }
        self.form(spot, bytes, classes, lines, layers);
        let bare = long_without_nul(bytes, classes);
        let bytes = bare.as_deref().unwrap_or(bytes);
        let Some((mut text, layer)) = peel(bytes, classes) else {
            return;
        };
        if layer == Layer::Percent
            && !matches!(
                spot,
                Spot::Cookie(_) | Spot::Header(_) | Spot::Part(_) | Spot::Json(_) | Spot::Xml(_)
            )
            && let Some(at) = percent::needless(bytes)
        {
            self.verdict
                .add(&rules::PROTOCOL_ENCODING, spot, layers, bytes, at, at + 3);
        }
        let mut layers = layers.with(layer);
        for round in 1.. {
            if layer == Layer::Overlong && round == 1 && lines != Lines::Binary {
                self.verdict.add(
                    &rules::PROTOCOL_OVERLONG,
                    spot,
                    &layers,
                    bytes,
                    0,
                    bytes.len(),
                );
            }
            if self
                .effort
                .gives_up(&mut self.verdict, spot, &layers, &text)
            {
                return;
            }
            let classes = Classes::of(&text);
            self.form(spot, &text, classes, lines, &layers);
            text = long_without_nul(&text, classes).unwrap_or(text);
            let Some((deeper, layer)) = peel(&text, classes) else {
                return;
            };
            if round >= ROUNDS {
                self.verdict
                    .add(&rules::PROTOCOL_DEPTH, spot, &layers, &text, 0, text.len());
                return;
            }
            layers = layers.with(layer);
            text = deeper;
        }
    }

    fn form(
        &mut self,
        spot: Spot<'_>,
        bytes: &[u8],
        classes: Classes,
        lines: Lines,
        layers: &Layers,
    ) {
        if classes.any(Classes::NUL.with(Classes::CONTROL).with(Classes::LINE)) {
            // Base64 and the like hold text of any number of lines.
            let lines = if layers.contains(&Layer::Base64) {
                Lines::Allowed
            } else {
                lines
            };
            let mut surroundings = Surroundings::new(bytes);
            controls(bytes, classes, lines, &mut |(rule, from, to)| {
                if self.verdict.is_told(rule, spot) {
                    return;
                }
                let quoted = (lines == Lines::Allowed || rule.id == rules::PROTOCOL_NUL.id)
                    && surroundings.quote(rule, from, to);
                let manner = if quoted {
                    Manner::Quoted
                } else {
                    Manner::Meant
                };
                self.verdict
                    .add_in(manner, rule, spot, layers, bytes, from, to);
            });
        }
        if let Some(seen) = &mut self.seen {
            seen.push(bytes.to_vec());
        }
        look(
            self.literals,
            bytes,
            classes,
            spot,
            layers,
            &mut self.effort,
            &mut self.verdict,
        );
        // Parsers that skip NUL see another value.
        if let Some(bare) = without_nul(bytes, classes) {
            look(
                self.literals,
                &bare,
                Classes::of(&bare),
                spot,
                layers,
                &mut self.effort,
                &mut self.verdict,
            );
        }
    }
}

/// Bytes from which a value is read deeper without its NULs only: what they hid has been looked at with them. Chosen.
const LONG: usize = 4096;

/// Returns a long value without its NULs, if there are any.
fn long_without_nul(bytes: &[u8], classes: Classes) -> Option<Vec<u8>> {
    without_nul(bytes, classes).filter(|_| bytes.len() >= LONG)
}

/// Returns a value without its NULs, if there are any.
fn without_nul(bytes: &[u8], classes: Classes) -> Option<Vec<u8>> {
    classes
        .any(Classes::NUL)
        .then(|| bytes.iter().copied().filter(|&b| b != 0).collect())
}
