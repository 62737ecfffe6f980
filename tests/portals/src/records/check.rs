//! Check digits: resident IDs, bank cards, organisation codes and unified social credit codes.

/// The characters of unified social credit codes (GB 32100-2015): no I, O, S, V, Z.
pub(super) const CREDIT: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

const RESIDENT_WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const ORGANISATION_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

/// The last character of a resident ID (GB 11643-1999, MOD 11-2), from the 17 digits before it.
#[must_use]
pub fn resident(digits: &str) -> Option<char> {
    if digits.len() != 17 {
        return None;
    }
    let mut sum = 0;
    for (digit, weight) in digits.chars().zip(RESIDENT_WEIGHTS) {
        sum += digit.to_digit(10)? * weight;
    }
    "10X98765432".chars().nth(usize::try_from(sum % 11).ok()?)
}

/// The last digit of a card number (Luhn, ISO/IEC 7812-1), from those before it.
#[must_use]
pub fn luhn(digits: &str) -> Option<char> {
    let mut sum = 0;
    for (place, digit) in digits.chars().rev().enumerate() {
        let digit = digit.to_digit(10)?;
        sum += match (place % 2, digit * 2) {
            (0, doubled @ 10..) => doubled - 9,
            (0, doubled) => doubled,
            _ => digit,
        };
    }
    char::from_digit((10 - sum % 10) % 10, 10)
}

/// The last character of an organisation code (GB 11714-1997), from the 8 before it.
#[must_use]
pub fn organisation(characters: &str) -> Option<char> {
    if characters.len() != 8 {
        return None;
    }
    let mut sum = 0;
    for (character, weight) in characters.chars().zip(ORGANISATION_WEIGHTS) {
        sum += character.to_digit(36)? * weight;
    }
    match 11 - sum % 11 {
        10 => Some('X'),
        11 => Some('0'),
        digit => char::from_digit(digit, 10),
    }
}

/// The last character of a unified social credit code (GB 32100-2015, MOD 31), from the 17 before it.
#[must_use]
pub fn credit(characters: &str) -> Option<char> {
    if characters.len() != 17 {
        return None;
    }
    let (mut sum, mut weight) = (0usize, 1usize);
    for byte in characters.bytes() {
        sum += CREDIT.iter().position(|c| *c == byte)? * weight;
        weight = weight * 3 % 31;
    }
    CREDIT.get((31 - sum % 31) % 31).map(|c| char::from(*c))
}

/// Whether the last character of a resident ID is right.
#[must_use]
pub fn is_resident_id(text: &str) -> bool {
    ends_right(text, 18, resident)
}

/// Whether the last digit of a card number of 13 to 19 digits is right.
#[must_use]
pub fn is_luhn(text: &str) -> bool {
    (13..=19).contains(&text.len()) && ends_right(text, text.len(), luhn)
}

/// Whether the last character of a unified social credit code, and of the organisation code in it, is right.
#[must_use]
pub fn is_credit_code(text: &str) -> bool {
    ends_right(text, 18, credit)
        && text
            .get(8..16)
            .and_then(organisation)
            .is_some_and(|c| text.get(16..17).is_some_and(|t| t.starts_with(c)))
}

fn ends_right(text: &str, length: usize, last: impl Fn(&str) -> Option<char>) -> bool {
    text.len() == length
        && text
            .char_indices()
            .next_back()
            .is_some_and(|(at, c)| text.get(..at).and_then(last) == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standards_are_right() {
        assert!(is_resident_id("11010519491231002X"));
        assert!(is_resident_id("440524188001010014"));
        assert!(is_credit_code("91350100M000100Y43"));
        assert_eq!(organisation("D2143569"), Some('X'));
        assert!(is_luhn("4111111111111111"));
    }

    #[test]
    fn one_changed_digit_makes_each_of_them_wrong() {
        for (text, holds) in [
            ("11010519491231002X", is_resident_id as fn(&str) -> bool),
            ("91350100M000100Y43", is_credit_code),
            ("4111111111111111", is_luhn),
        ] {
            for at in 0..text.len() {
                let mut changed = text.to_owned().into_bytes();
                changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
                assert!(
                    !holds(std::str::from_utf8(&changed).unwrap()),
                    "{text} at {at}"
                );
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_a_check(text in ".{0,24}") {
            let any = is_resident_id(&text) || is_luhn(&text) || is_credit_code(&text);
            assert!(!any || text.is_ascii(), "{text}");
        }
    }
}
