//! A second implementation, slow and plain, on whole texts with regular expressions: both must agree.

use std::fmt::Write as _;
use std::sync::LazyLock;

use hangu_redact::{Level, Media};
use proptest::prelude::*;
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::support::redact;

fn regex(pattern: &str) -> Regex {
    RegexBuilder::new(&format!("^(?:{pattern})"))
        .unicode(true)
        .build()
        .unwrap()
}

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"([A-Za-z0-9][A-Za-z0-9._%+-]{0,63})@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}[A-Za-z0-9]*")
});
static ID: LazyLock<Regex> = LazyLock::new(|| regex(r"[0-9]{17}[0-9Xx]"));
static CREDIT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)[0-9A-HJ-NP-RTUW-Y]{2}[0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}"));
static CARD: LazyLock<Regex> = LazyLock::new(|| regex(r"[0-9]{13,19}"));
static SPACED_CARD: LazyLock<Regex> =
    LazyLock::new(|| regex(r"[0-9]{4}([ -])[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}"));
static MOBILE: LazyLock<Regex> = LazyLock::new(|| regex(r"(0086|86|0)?(1[3-9][0-9]{9})"));
static SPACED_MOBILE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(1[3-9][0-9])([ .-])([0-9]{4})([ .-])([0-9]{4})"));

const PROVINCES: &str = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83";

fn is_id(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    let weights: Vec<u32> = (0..17).map(|at| 2_u32.pow(17 - at) % 11).collect();
    let sum: u32 = text
        .chars()
        .zip(&weights)
        .map(|(digit, weight)| digit.to_digit(10).unwrap() * weight)
        .sum();
    let check = ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"][(sum % 11) as usize];
    let date = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap();
    let (year, month, day) = (date(6, 10), date(10, 12), date(12, 14));
    let longest = [
        31,
        if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) {
            29
        } else {
            28
        },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    (text.starts_with('9') || PROVINCES.split(' ').any(|code| text.starts_with(code)))
        && (1900..2100).contains(&year)
        && (1..=12).contains(&month)
        && day >= 1
        && day <= longest[month as usize - 1]
        && text.ends_with(check)
}

fn is_credit(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    let symbols = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    let sum: usize = text
        .chars()
        .take(17)
        .enumerate()
        .map(|(at, symbol)| {
            symbols.find(symbol).unwrap()
                * ([
                    1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28,
                ][at])
        })
        .sum();
    let organisation: u32 = text[8..16]
        .chars()
        .zip([3, 7, 9, 10, 5, 8, 4, 2])
        .map(|(symbol, weight)| symbol.to_digit(36).unwrap() * weight)
        .sum();
    let check = match 11 - organisation % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).unwrap(),
    };
    let provinces = format!("10 {PROVINCES}");
    provinces.split(' ').any(|code| text[2..].starts_with(code))
        && symbols.chars().nth((31 - sum % 31) % 31) == text.chars().last()
        && text.chars().nth(16) == Some(check)
}

fn is_card(digits: &str) -> bool {
    let sum: u32 = digits
        .chars()
        .rev()
        .enumerate()
        .map(|(at, digit)| digit.to_digit(10).unwrap() * (if at % 2 == 1 { 2 } else { 1 }))
        .map(|value| value / 10 + value % 10)
        .sum();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| digits.starts_with(prefix));
    let long = (16..=19).contains(&digits.len());
    let four: u32 = digits[..4].parse().unwrap();
    let issued = (starts(&["4"]) && (long || digits.len() == 13))
        || (starts(&["62", "60"]) && long)
        || ((3528..=3589).contains(&four) && long)
        || (((51..=55).contains(&(four / 100)) || (2221..=2720).contains(&four))
            && digits.len() == 16)
        || (starts(&["34", "37"]) && digits.len() == 15)
        || (starts(&["30", "36", "38", "39"]) && digits.len() == 14)
        || (starts(&["9558", "9559"]) && digits.len() == 19);
    sum.is_multiple_of(10) && issued
}

fn is_mobile(digits: &str) -> bool {
    let unused = [
        "140", "141", "142", "143", "144", "154", "160", "161", "163", "164", "168", "169", "179",
        "194",
    ];
    !unused.iter().any(|prefix| digits.starts_with(prefix))
}

fn kept(value: &str, head: usize, tail: usize) -> String {
    let stars = value.len() - head - tail;
    format!(
        "{}{}{}",
        &value[..head],
        "*".repeat(stars),
        &value[value.len() - tail..]
    )
}

/// Masks a whole text.
fn reference(level: Level, text: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let character = rest.chars().next().unwrap();
        let word = |ch: Option<char>| ch.is_some_and(|ch| ch.is_ascii_alphanumeric());
        let whole = |length: usize| !word(rest[length..].chars().next());
        let starts = word(Some(character)) && !word(text[..at].chars().next_back());
        let step = if starts {
            value(level, rest, &whole)
        } else {
            None
        };
        if let Some((length, mask)) = step {
            out.push_str(&mask);
            at += length;
        } else {
            out.push(character);
            at += character.len_utf8();
        }
    }
    out
}

fn value(level: Level, rest: &str, whole: &dyn Fn(usize) -> bool) -> Option<(usize, String)> {
    let dropped = |length| Some((length, "***".to_owned()));
    if let Some(found) = EMAIL.captures(rest) {
        let local = found[1].len();
        return match level {
            Level::L1 => Some((local, found[1].to_owned())),
            Level::L2 => Some((local, format!("{}***", &found[1][..1]))),
            Level::L3 => Some((local, "***".to_owned())),
            Level::L4 => dropped(found[0].len()),
        };
    }
    if let Some(found) = ID
        .find(rest)
        .filter(|found| whole(found.end()) && is_id(found.as_str()))
    {
        return match level {
            Level::L1 => Some((18, found.as_str().to_owned())),
            Level::L2 => Some((18, kept(found.as_str(), 6, 4))),
            Level::L3 => Some((18, kept(found.as_str(), 1, 1))),
            Level::L4 => dropped(18),
        };
    }
    if let Some(found) = CARD
        .find(rest)
        .filter(|found| whole(found.end()) && is_card(found.as_str()))
    {
        return match level {
            Level::L1 => Some((found.end(), kept(found.as_str(), 6, 4))),
            Level::L2 | Level::L3 => Some((found.end(), kept(found.as_str(), 0, 4))),
            Level::L4 => dropped(found.end()),
        };
    }
    if let Some(found) = CREDIT
        .find(rest)
        .filter(|found| whole(found.end()) && is_credit(found.as_str()))
    {
        return match level {
            Level::L1 | Level::L2 => Some((18, found.as_str().to_owned())),
            Level::L3 => Some((18, kept(found.as_str(), 0, 4))),
            Level::L4 => dropped(18),
        };
    }
    if let Some(found) = MOBILE
        .captures(rest)
        .filter(|found| whole(found[0].len()) && is_mobile(&found[2]))
    {
        let prefix = found.get(1).map_or("", |prefix| prefix.as_str());
        let mask = match level {
            Level::L1 => found[2].to_owned(),
            Level::L2 => kept(&found[2], 3, 4),
            Level::L3 => kept(&found[2], 0, 4),
            Level::L4 => "***".to_owned(),
        };
        return Some((found[0].len(), format!("{prefix}{mask}")));
    }
    if let Some(found) = SPACED_CARD.find(rest).filter(|found| whole(found.end())) {
        let digits: String = found
            .as_str()
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        let separators: Vec<_> = found
            .as_str()
            .chars()
            .filter(|ch| !ch.is_ascii_digit())
            .collect();
        if is_card(&digits) && separators.windows(2).all(|pair| pair[0] == pair[1]) {
            return match level {
                Level::L1 => Some((19, kept(found.as_str(), 4, 4))),
                Level::L2 | Level::L3 => Some((19, kept(found.as_str(), 0, 4))),
                Level::L4 => dropped(19),
            };
        }
    }
    if let Some(found) = SPACED_MOBILE
        .captures(rest)
        .filter(|found| whole(found[0].len()) && found[2] == found[4])
        && is_mobile(&found[1])
    {
        return match level {
            Level::L1 => Some((13, found[0].to_owned())),
            Level::L2 => Some((13, kept(&found[0], 3, 4))),
            Level::L3 => Some((13, kept(&found[0], 0, 4))),
            Level::L4 => dropped(13),
        };
    }
    None
}

fn reference_json(level: Level, value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(reference(level, text)),
        Value::Number(number) => {
            let text = number.to_string();
            let masked = reference(Level::L4, &text).contains('*');
            let card = reference(Level::L1, &text) != text;
            if card || (masked && level > Level::L1 && !is_left_at_l2(level, &text)) {
                Value::from(0)
            } else {
                value.clone()
            }
        }
        Value::Array(items) => items
            .iter()
            .map(|item| reference_json(level, item))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, item)| (reference(level, key), reference_json(level, item)))
            .collect(),
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

/// A credit code of digits only stays at L2.
fn is_left_at_l2(level: Level, text: &str) -> bool {
    let text = text.trim_start_matches('-');
    level == Level::L2 && text.len() == 18 && !is_id(text) && !is_card(text)
}

fn id(area: u32, year: u32, month: u32, day: u32, order: u32) -> String {
    let area = [
        110_101, 310_115, 440_305, 510_104, 650_102, 810_000, 620_102,
    ][area as usize % 7];
    let body = format!("{area}{year:04}{month:02}{day:02}{order:03}");
    "0123456789X"
        .chars()
        .map(|check| format!("{body}{check}"))
        .find(|text| is_check_right(text))
        .unwrap()
}

fn is_check_right(text: &str) -> bool {
    let sum: u32 = text
        .chars()
        .zip((0..18).rev())
        .map(|(digit, power)| digit.to_digit(10).unwrap_or(10) * (2_u32.pow(power) % 11))
        .sum();
    sum % 11 == 1
}

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u32..7, 1900_u32..2026, 1_u32..14, 1_u32..33, 0_u32..1000)
            .prop_map(|(area, year, month, day, order)| id(area, year, month, day, order)),
        "1[3-9][0-9]{9}",
        "(86|0086|0)1[3-9][0-9]{9}",
        "1[3-9][0-9]-[0-9]{4}-[0-9]{4}",
        "(62|4|5[1-5]|37|9558)[0-9]{10,17}",
        "4[0-9]{3}( [0-9]{4}){3}",
        Just("91350100M000100Y43".to_owned()),
        "9[123]350100[0-9A-HJ-NP-RTUW-Y]{10}",
        "[a-z]{1,8}(\\.[a-z0-9_]{1,6})?@[a-z]{1,8}\\.(com|cn|com\\.cn|gov\\.cn)",
        "[0-9]{1,20}",
        "[0-9a-f]{32}",
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    let glue = proptest::sample::select(vec![
        "", "，", "：", "\n", "\t", "/", "\"", "\\", "(", ")", "编号", "说明", " 张三 ", ";", "<",
        "|", "a", "_", "、", "=", "🙂",
    ]);
    proptest::collection::vec((any_value(), glue), 0..8).prop_map(|parts| {
        parts
            .into_iter()
            .fold(String::new(), |mut text, (value, glue)| {
                write!(text, "{value}{glue}").unwrap();
                text
            })
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => any_text().prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::from),
        1 => (13_000_000_000_u64..20_000_000_000).prop_map(Value::from),
        1 => (0_u32..7, 1930_u32..2026, 1_u32..13, 1_u32..29, 0_u32..1000)
            .prop_map(|(area, year, month, day, order)| id(area, year, month, day, order).parse::<u64>().map_or(Value::Null, Value::from)),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec(("k[a-z]{1,6}q|编号|说明", inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Whether a run is as long as a line of a travel document (ICAO 9303), whose check digits the reference does not know.
fn may_be_a_line_of_a_passport(text: &str) -> bool {
    text.split(|ch: char| !(ch.is_ascii_uppercase() || ch.is_ascii_digit() || ch == '<'))
        .any(|run| matches!(run.len(), 30 | 36 | 44))
}

/// Writes JSON with some of its characters escaped that need not be.
fn escaped(value: &Value, every: usize) -> String {
    let mut out = String::new();
    let mut in_string = false;
    let mut after_backslash = false;
    for (at, ch) in value.to_string().chars().enumerate() {
        let plain = in_string && !after_backslash && ch != '"' && ch != '\\';
        let quote = ch == '"' && !after_backslash;
        after_backslash = ch == '\\' && !after_backslash;
        if plain && at.is_multiple_of(every) && ch.len_utf16() == 1 {
            write!(out, "\\u{:04x}", u32::from(ch)).unwrap();
        } else {
            out.push(ch);
        }
        in_string ^= quote;
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn text_is_masked_as_the_reference_masks_it(text in "[^０-９＠ＸｘA-Za-z0-9@\\\\]{0,3}".prop_flat_map(|head| any_text().prop_map(move |text| format!("{head}{text}"))), level in proptest::sample::select(Level::ALL.to_vec())) {
        let text = text.replace('\\', "");
        prop_assume!(!may_be_a_line_of_a_passport(&text));
        let out = redact(level, Media::Text, text.as_bytes());
        prop_assert_eq!(String::from_utf8(out).unwrap(), reference(level, &text));
    }

    #[test]
    fn json_is_masked_as_the_reference_masks_its_strings_and_numbers(
        value in any_json(),
        every in 1_usize..9,
        level in proptest::sample::select(Level::ALL.to_vec()),
    ) {
        prop_assume!(!may_be_a_line_of_a_passport(&value.to_string()));
        let expected = reference_json(level, &value);
        for document in [value.to_string(), serde_json::to_string_pretty(&value).unwrap(), escaped(&value, every)] {
            prop_assert_eq!(&serde_json::from_str::<Value>(&document).unwrap(), &value);
            let out = redact(level, Media::Json, document.as_bytes());
            prop_assert_eq!(&serde_json::from_slice::<Value>(&out).unwrap(), &expected, "{}", document);
        }
    }
}
