//! Tests of form: byte ranges, encodings, check digits.

use crate::seclang::byteset::ByteSet;
use crate::text::{at, hex, is_word};

/// Reads `9,10,13,32-126`.
pub(crate) fn ranges(text: &str) -> Option<ByteSet> {
    let mut set = ByteSet::default();
    for item in text.split(',') {
        let (from, to) = item.split_once('-').unwrap_or((item, item));
        let (from, to): (u8, u8) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        if from > to {
            return None;
        }
        set = set.with(from..=to);
    }
    Some(set)
}

/// Says whether a percent sign stands without two hexadecimal digits behind it.
pub(crate) fn broken_percent(text: &[u8]) -> bool {
    memchr::memchr_iter(b'%', text)
        .any(|i| hex(at(text, i + 1)).is_none() || hex(at(text, i + 2)).is_none())
}

/// Says whether a text is no UTF-8: cut off, overlong, a surrogate or out of range.
pub(crate) fn broken_utf8(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_err()
}

/// Says whether a word stands in a text, with no letter or digit beside it.
pub(crate) fn contains_word(text: &[u8], word: &[u8]) -> bool {
    if word.is_empty() {
        return true;
    }
    memchr::memmem::find_iter(text, word).any(|start| {
        let end = start + word.len();
        (start == 0 || !is_word(at(text, start - 1))) && !is_word(at(text, end))
    })
}

fn digits(text: &[u8]) -> Vec<u32> {
    text.iter()
        .filter(|b| b.is_ascii_digit())
        .map(|b| u32::from(b - b'0'))
        .collect()
}

/// Luhn's check of card numbers (ISO/IEC 7812-1).
pub(crate) fn luhn(text: &[u8]) -> bool {
    let digits = digits(text);
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| match (i % 2, d) {
            (0, _) => d,
            (_, 5..) => 2 * d - 9,
            _ => 2 * d,
        })
        .sum();
    digits.len() >= 12 && sum.is_multiple_of(10)
}

/// The Brazilian CPF: eleven digits, the last two a weighted sum modulo 11 of those before them.
pub(crate) fn cpf(text: &[u8]) -> bool {
    let digits = digits(text);
    let check = |n: usize| {
        let sum: u32 = digits
            .iter()
            .take(n)
            .zip((2..=11).rev().skip(10 - n))
            .map(|(d, weight)| d * weight)
            .sum();
        let rest = 11 - sum % 11;
        digits.get(n) == Some(&if rest > 9 { 0 } else { rest })
    };
    let all_same = digits.windows(2).all(|pair| pair.first() == pair.last());
    digits.len() == 11 && !all_same && check(9) && check(10)
}

/// The social security number of the United States: nine digits, no area 000, 666 or 9xx, no group 00, no serial 0000.
pub(crate) fn ssn(text: &[u8]) -> bool {
    let digits = digits(text);
    let value = |from: usize, to: usize| {
        digits
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .fold(0, |n, d| n * 10 + d)
    };
    let area = value(0, 3);
    digits.len() == 9
        && area != 0
        && area != 666
        && area < 900
        && value(3, 5) != 0
        && value(5, 9) != 0
}

/// The Austrian insurance number: ten digits, the fourth a weighted sum modulo 11 of the others.
pub(crate) fn svnr(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 10] = [3, 7, 9, 0, 5, 8, 4, 2, 1, 6];
    let digits = digits(text);
    let sum: u32 = digits
        .iter()
        .zip(WEIGHTS)
        .map(|(d, weight)| d * weight)
        .sum();
    digits.len() == 10 && digits.first() != Some(&0) && digits.get(3) == Some(&(sum % 11))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_wrong_ones_are_not() {
        let set = ranges("9,10,32-34").unwrap();
        assert!(set.contains(9) && set.contains(33) && !set.contains(35) && !set.contains(11));
        for wrong in ["", "a", "300", "5-3", "1,,2"] {
            assert!(ranges(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn check_digits_hold_for_numbers_made_to_hold() {
        assert!(luhn(b"4111 1111-1111 1111") && !luhn(b"4111111111111112") && !luhn(b"0"));
        assert!(cpf(b"111.444.777-35") && !cpf(b"111.444.777-36") && !cpf(b"11111111111"));
        assert!(
            ssn(b"123-45-6789")
                && !ssn(b"000-45-6789")
                && !ssn(b"666456789")
                && !ssn(b"123-00-6789")
        );
        assert!(svnr(b"1237 010180") && !svnr(b"1238 010180"));
    }

    #[test]
    fn words_and_encodings_are_told() {
        assert!(contains_word(b"a union b", b"union") && !contains_word(b"reunion", b"union"));
        assert!(broken_percent(b"100%") && broken_percent(b"%4g") && !broken_percent(b"%4f"));
        assert!(
            broken_utf8(b"\xc0\xae")
                && broken_utf8(b"\xed\xa0\x80")
                && !broken_utf8("中".as_bytes())
        );
    }

    proptest::proptest! {
        #[test]
        fn nothing_without_markup_or_an_attribute_is_script(text in "[^<=]{0,40}") {
            proptest::prop_assert!(!libinjectionrs::detect_xss(text.as_bytes()).is_injection(), "{text}");
        }
    }
}
