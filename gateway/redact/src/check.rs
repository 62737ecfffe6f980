//! Shapes and check digits of the numbers that are recognised, over ASCII bytes.

/// Tells whether 18 characters are a resident identity number or a residence permit (GB 11643, MOD 11-2).
///
/// The first digit 9 is the permanent residence card of foreigners, which has no province in front.
pub(crate) fn resident_id(text: &[u8]) -> bool {
    let Some(([digits @ .., last], [])) = text.split_first_chunk::<18>() else {
        return false;
    };
    if !digits
        .iter()
        .fold(true, |all, byte| all & byte.is_ascii_digit())
    {
        return false;
    }
    if digits.first() != Some(&b'9') && !province(number(digits.get(..2))) {
        return false;
    }
    let (year, month, day) = (
        number(digits.get(6..10)),
        number(digits.get(10..12)),
        number(digits.get(12..14)),
    );
    if !calendar_date(year, month, day) {
        return false;
    }
    resident_check(digits) == Some(last.to_ascii_uppercase())
}

/// The check character behind seventeen digits of a resident identity number.
pub(crate) fn resident_check(digits: &[u8]) -> Option<u8> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECK: &[u8; 11] = b"10X98765432";
    let sum: u32 = digits
        .iter()
        .zip(WEIGHTS)
        .map(|(&digit, weight)| value(digit) * weight)
        .sum();
    CHECK.get((sum % 11) as usize).copied()
}

/// Tells whether 11 digits are a mobile number in a range that is in use.
pub(crate) fn mobile(digits: &[u8]) -> bool {
    digits.len() == 11
        && digits.iter().all(u8::is_ascii_digit)
        && matches!(
            number(digits.get(..3)),
            130..=139 | 145..=149 | 150..=153 | 155..=159 | 162 | 165..=167 | 170..=178 | 180..=193 | 195..=199
        )
}

/// Tells whether digits are a bank card number: an issuer's prefix, a length that issuer uses, and the Luhn sum.
pub(crate) fn bank_card(digits: &[u8]) -> bool {
    (13..=19).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && issuer(digits)
        && luhn(digits)
}

/// Tells whether 18 characters are a unified social credit code (GB 32100, MOD 31) around a valid organisation code
/// (GB 11714): the first check alone passes one random string in thirty.
pub(crate) fn credit_code(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [
        1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28,
    ];
    let [body @ .., last] = text else {
        return false;
    };
    // Who registered it: table 1 of the standard.
    if body.len() != 17
        || !matches!(body, [b'1'..=b'9' | b'A' | b'N' | b'Y', ..])
        || !body
            .get(2..8)
            .is_some_and(|area| area.iter().all(u8::is_ascii_digit))
    {
        return false;
    }
    let (mut sum, mut most) = (0, 0);
    for (&symbol, weight) in body.iter().zip(WEIGHTS) {
        let value = CREDIT_VALUES
            .get(usize::from(symbol))
            .copied()
            .unwrap_or(31);
        most = most.max(value);
        sum += u32::from(value) * weight;
    }
    if most > 30 {
        return false;
    }
    // 10 is the registry of the state itself.
    let area = number(body.get(2..4));
    (area == 10 || province(area))
        && credit_value(*last) == Some((31 - sum % 31) % 31)
        && body.get(8..17).is_some_and(organisation_code)
}

/// Tells whether eight characters and a check are an organisation code (GB 11714); only those of a credit code need be
/// of its symbols.
pub(crate) fn organisation_code(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let [body @ .., last] = text else {
        return false;
    };
    let sum: u32 = body
        .iter()
        .zip(WEIGHTS)
        .map(|(&symbol, weight)| letter_value(symbol) * weight)
        .sum();
    match 11 - sum % 11 {
        10 => last.eq_ignore_ascii_case(&b'X'),
        11 => *last == b'0',
        check => value(*last) == check && last.is_ascii_digit(),
    }
}

/// [`credit_value`] of every byte, 31 for those that have none: it is asked seventeen times of every code.
static CREDIT_VALUES: [u8; 256] = credit_values();

const fn credit_values() -> [u8; 256] {
    const SYMBOLS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let mut table = [31; 256];
    let mut symbols = SYMBOLS;
    let mut value = 0;
    while let Some((symbol, rest)) = symbols.split_first() {
        set(&mut table, *symbol, value);
        set(&mut table, symbol.to_ascii_lowercase(), value);
        symbols = rest;
        value += 1;
    }
    table
}

const fn set(table: &mut [u8; 256], at: u8, value: u8) {
    if let Some((_, rest)) = table.split_at_mut_checked(at as usize)
        && let Some(slot) = rest.first_mut()
    {
        *slot = value;
    }
}

/// Position in `0123456789ABCDEFGHJKLMNPQRTUWXY`: no I, O, S, V, Z.
fn credit_value(symbol: u8) -> Option<u32> {
    let value = CREDIT_VALUES.get(usize::from(symbol))?;
    (*value < 31).then_some(u32::from(*value))
}

/// 0 to 9 for digits, 10 to 35 for letters.
fn letter_value(symbol: u8) -> u32 {
    match symbol.to_ascii_uppercase() {
        letter @ b'A'..=b'Z' => u32::from(letter - b'A') + 10,
        digit => value(digit),
    }
}

/// Countries that give out IBAN (SWIFT, IBAN registry).
const IBAN_COUNTRIES: &[u8] = b"ADAEALATAZBABEBGBHBIBRBYCHCRCYCZDEDJDKDOEEEGESFIFKFOFRGBGEGIGLGRGTHNHRHUIEILIQISITJOKWKZLBLCLILTLU\
LVLYMCMDMEMKMNMRMTMUNINLNOOMPKPLPSPTQARORSRUSASCSDSESISKSMSOSTSVTLTNTRUAVAVGXKYE";

/// Tells whether letters and digits are an IBAN (ISO 13616): a country that gives them out, and with its first four
/// characters moved to the end and letters as 10 to 35, the number leaves 1 when divided by 97.
pub(crate) fn iban(text: &[u8]) -> bool {
    let [head @ .., _] = text else {
        return false;
    };
    let begins = matches!(head, [a, b, c, d, ..] if IBAN_COUNTRIES.as_chunks().0.contains(&[*a, *b]) && c.is_ascii_digit() && d.is_ascii_digit());
    if !begins || !(15..=34).contains(&text.len()) || !text.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let (moved, body) = text.split_at_checked(4).unwrap_or((text, &[]));
    let rest = body.iter().chain(moved).fold(0, |rest, &symbol| {
        let value = letter_value(symbol);
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    });
    rest == 1
}

/// Tells whether three groups of digits are a Social Security Number that can have been given out.
pub(crate) fn ssn(area: &[u8], group: &[u8], serial: &[u8]) -> bool {
    let shaped = [(area, 3), (group, 2), (serial, 4)]
        .iter()
        .all(|(part, length)| part.len() == *length && part.iter().all(u8::is_ascii_digit));
    shaped
        && !matches!(number(Some(area)), 0 | 666 | 900..)
        && number(Some(group)) != 0
        && number(Some(serial)) != 0
}

/// Tells whether a line of a travel document has the right check digits (ICAO 9303): weights 7, 3, 1 over digits and
/// letters.
pub(crate) fn mrz_digit(field: &[u8], check: u8) -> bool {
    let sum: u32 = field
        .iter()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(&symbol, weight)| {
            if symbol == b'<' {
                0
            } else {
                letter_value(symbol) * weight
            }
        })
        .sum();
    check.is_ascii_digit() && value(check) == sum % 10
}

/// Tells whether digits have the sum of ISO 7812.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    // From the right, every second digit is doubled, and its own digits are added.
    let (single, pairs) = digits.as_rchunks::<2>();
    let doubled = |value: u32| 2 * value - if value > 4 { 9 } else { 0 };
    let sum: u32 = pairs
        .iter()
        .map(|&[left, right]| doubled(value(left)) + value(right))
        .sum();
    let single: u32 = single.iter().map(|&digit| value(digit)).sum();
    (sum + single).is_multiple_of(10)
}

/// Prefixes of issuers with the lengths they use, UnionPay and what older Chinese debit cards carry included.
fn issuer(digits: &[u8]) -> bool {
    let length = digits.len();
    let four = number(digits.get(..4));
    match four {
        4000..=4999 => length == 13 || (16..=19).contains(&length),
        6000..=6099 | 6200..=6299 | 3528..=3589 => (16..=19).contains(&length),
        5100..=5599 | 2221..=2720 => length == 16,
        3400..=3499 | 3700..=3799 => length == 15,
        3000..=3099 | 3600..=3699 | 3800..=3999 => length == 14,
        9558..=9559 => length == 19,
        _ => false,
    }
}

fn province(code: u32) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
}

/// The upper year leaves room: a birth date in the future is masked rather than believed to be something else.
fn calendar_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1900..=2099).contains(&year) && (1..=days).contains(&day)
}

/// Reads digits; what no 32-bit number holds becomes the largest, which no caller takes for a part of a real one.
fn number(digits: Option<&[u8]>) -> u32 {
    digits
        .unwrap_or_default()
        .iter()
        .fold(0, |number: u32, &digit| {
            number.saturating_mul(10).saturating_add(value(digit))
        })
}

fn value(digit: u8) -> u32 {
    u32::from(digit.wrapping_sub(b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&[u8]) -> bool;

    #[test]
    fn symbols_of_credit_codes_count_from_the_digits_on_in_either_case() {
        let symbols = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        for byte in 0..=u8::MAX {
            let place = symbols.find(char::from(byte.to_ascii_uppercase()));
            let expected = place
                .filter(|_| byte.is_ascii())
                .map(|place| u32::try_from(place).unwrap());
            assert_eq!(credit_value(byte), expected, "{byte}");
        }
    }

    #[test]
    fn an_american_number_has_three_two_and_four_digits() {
        assert!(ssn(b"123", b"45", b"6789"));
        for (area, group, serial) in [
            ("000", "45", "6789"),
            ("666", "45", "6789"),
            ("900", "45", "6789"),
            ("123", "00", "6789"),
            ("123", "45", "0000"),
            ("123", "45", "678"),
            ("12a", "45", "6789"),
        ] {
            assert!(!ssn(area.as_bytes(), group.as_bytes(), serial.as_bytes()));
        }
        // No number of 32 bits holds this many.
        let long = [b'9'; 600];
        assert!(!ssn(b"123", b"45", &long));
        assert_eq!(number(Some(&long)), u32::MAX);
    }

    #[test]
    fn published_sample_numbers_pass_and_every_other_last_character_fails() {
        let table: [(&str, Check); 10] = [
            ("11010519491231002X", resident_id),
            ("440524188001010014", |text| !resident_id(text)),
            ("110101199003077774", resident_id),
            ("91350100M000100Y43", credit_code),
            ("4111111111111111", bank_card),
            ("378282246310005", bank_card),
            ("5555555555554444", bank_card),
            ("3530111333300000", bank_card),
            ("GB29NWBK60161331926819", iban),
            ("DE89370400440532013000", iban),
        ];
        for (text, check) in table {
            assert!(check(text.as_bytes()), "{text}");
        }
        for (text, check) in [
            ("11010519491231002X", resident_id as Check),
            ("91350100M000100Y43", credit_code),
            ("4111111111111111", bank_card),
        ] {
            let good = text.bytes().last().unwrap();
            for last in (b'0'..=b'9')
                .chain(b'A'..=b'Z')
                .filter(|&last| last != good)
            {
                let mut other = text.as_bytes().to_vec();
                *other.last_mut().unwrap() = last;
                assert!(!check(&other), "{text} ending in {}", char::from(last));
            }
        }
    }

    #[test]
    fn a_single_wrong_digit_never_passes_the_check_sums() {
        for (text, check) in [
            ("110101199003077774", resident_id as Check),
            ("91350100M000100Y43", credit_code),
            ("6222020000000000000", bank_card),
        ] {
            for at in 0..text.len() {
                let mut other = text.as_bytes().to_vec();
                if !other[at].is_ascii_digit() {
                    continue;
                }
                for digit in (b'0'..=b'9').filter(|&digit| digit != text.as_bytes()[at]) {
                    other[at] = digit;
                    assert!(!check(&other), "{}", String::from_utf8_lossy(&other));
                }
            }
        }
    }

    #[test]
    fn dates_that_no_calendar_has_are_not_identity_numbers() {
        for (year, month, day, valid) in [
            (1900, 2, 28, true),
            (1900, 2, 29, false),
            (2000, 2, 29, true),
            (1990, 13, 1, false),
            (1990, 4, 31, false),
            (1990, 0, 1, false),
            (1899, 12, 31, false),
        ] {
            assert_eq!(
                calendar_date(year, month, day),
                valid,
                "{year}-{month}-{day}"
            );
        }
    }

    #[test]
    fn lower_case_check_letters_count() {
        assert!(resident_id(b"11010519491231002x"));
        assert!(credit_code(b"91350100m000100y43"));
    }

    #[test]
    fn ranges_that_no_carrier_uses_are_not_mobile_numbers() {
        for number in [
            "10000000000",
            "12345678901",
            "14000000000",
            "15400000000",
            "16000000000",
            "19400000000",
        ] {
            assert!(!mobile(number.as_bytes()), "{number}");
        }
        for number in ["13800138000", "19912345678", "16212345678", "17012345678"] {
            assert!(mobile(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn chance_agreement_is_as_rare_as_measured() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut digits = |length: usize| -> Vec<u8> {
            (0..length)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    b'0' + ((state >> 33) % 10) as u8
                })
                .collect()
        };
        let share = |hits: usize| hits as f64 / 200_000.0;
        let ids = share((0..200_000).filter(|_| resident_id(&digits(18))).count());
        let cards = share((0..200_000).filter(|_| luhn(&digits(16))).count());
        let mobiles = share((0..200_000).filter(|_| mobile(&digits(11))).count());
        assert!(ids < 0.0005, "{ids}");
        assert!((0.09..0.11).contains(&cards), "{cards}");
        assert!(mobiles < 0.07, "{mobiles}");
    }
}
