//! Words of a cluster that are values by their shape or by the label before them.

use crate::check;
use crate::find::Hit;
use crate::kind::Kind;
use crate::label::Rule;
use crate::network;
use crate::secret;
use crate::shape;

/// The longest value that is looked for behind a label, in characters.
const VALUE_MAX: usize = 40;

/// Recognises what begins with the word `start..end`; `label` reads the label before a place.
pub(crate) fn contextual(
    text: &[u8],
    start: usize,
    end: usize,
    label: &mut impl FnMut(usize) -> Option<Rule>,
) -> Option<Hit> {
    let word = text.get(start..end)?;
    let first = word.first()?;
    if !first.is_ascii_digit() {
        if word.len() >= 2
            && let Some(until) = secret::token(text, start)
        {
            return Some(Hit::word(Kind::Secret, start, until));
        }
        if word.len() >= 15 && check::iban(word) {
            return Some(Hit::word(Kind::Iban, start, end));
        }
    }
    match word.len() {
        1..=3 if first.is_ascii_digit() && text.get(end) == Some(&b'.') => {
            if let Some(hit) = ipv4(text, start) {
                return Some(hit);
            }
        }
        2 if text.get(end) == Some(&b'-') => {
            let address = text.get(start..start + 17).unwrap_or_default();
            let ends = text
                .get(start + 17)
                .is_none_or(|byte| !matches!(byte, b'-' | b'*') && !byte.is_ascii_alphanumeric());
            if network::is_mac(address) && ends {
                return Some(Hit::word(Kind::Mac, start, start + 17));
            }
        }
        _ => {}
    }
    if word.len() <= 4
        && text.get(end) == Some(&b'-')
        && let Some(hit) = dashed(text, start, end)
    {
        return Some(hit);
    }
    if word.len() < 4
        && !text
            .get(end)
            .is_some_and(|byte| matches!(byte, b'-' | b'.' | b' '))
    {
        return None;
    }
    labelled(text, start, end, label)
}

fn ipv4(text: &[u8], start: usize) -> Option<Hit> {
    let before = text.get(..start).unwrap_or_default();
    // Part of a longer row of numbers.
    if before.last() == Some(&b'.')
        && before
            .iter()
            .rev()
            .nth(1)
            .is_some_and(|b| b.is_ascii_digit() || *b == b'*')
    {
        return None;
    }
    let length = network::ipv4(text.get(start..)?)?;
    let address = text.get(start..start + length)?;
    // A browser's version, `Chrome/131.0.0.0`, names no machine.
    let names_nobody = address.ends_with(b".0.0.0") || address == b"127.0.0.1";
    if names_nobody {
        return None;
    }
    Some(Hit::word(Kind::Ip, start, start + length))
}

/// A fixed line with its area, or an American number, by its groups.
fn dashed(text: &[u8], start: usize, end: usize) -> Option<Hit> {
    let word = text.get(start..end)?;
    let group = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count()
    };
    let before = text.get(..start).unwrap_or_default();
    if before.ends_with(b"-") || before.ends_with(b"*") {
        return None;
    }
    let second = end + 1;
    let second_end = group(second);
    let number = text.get(second..second_end)?;
    let ends = |at: usize| !matches!(text.get(at), Some(b'*'));
    if shape::area_and_number(word, number) && ends(second_end) {
        return Some(Hit::word(Kind::Landline, start, second_end));
    }
    let third = second_end + 1;
    if word.len() == 3 && number.len() == 2 && text.get(second_end) == Some(&b'-') {
        let third_end = group(third);
        let serial = text.get(third..third_end)?;
        if check::ssn(word, number, serial) && text.get(third_end) != Some(&b'-') && ends(third_end)
        {
            return Some(Hit::word(Kind::Ssn, start, third_end));
        }
    }
    None
}

/// A value that its label makes one.
fn labelled(
    text: &[u8],
    start: usize,
    end: usize,
    label: &mut impl FnMut(usize) -> Option<Rule>,
) -> Option<Hit> {
    let before = text.get(..start).unwrap_or_default();
    // No label ends with a digit, and most words have none in them.
    let behind_digit = matches!(before, [.., b'0'..=b'9', b' ' | b'-' | b'.'] | [.., b'*']);
    if behind_digit || !text.get(start..end)?.iter().any(u8::is_ascii_digit) {
        return None;
    }
    let ahead = text.get(start..(start + VALUE_MAX + 1).min(text.len()))?;
    let run = ahead
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b' ' | b'.'))
        .count();
    let long = ahead.get(..run)?;
    let long = long.get(
        ..long
            .iter()
            .rposition(u8::is_ascii_alphanumeric)
            .map_or(0, |at| at + 1),
    )?;
    if ahead.get(run) == Some(&b'*') {
        return None;
    }
    let rule = label(start)?;
    if matches!(
        rule.kind,
        Kind::Name
            | Kind::Address
            | Kind::Secret
            | Kind::Email
            | Kind::Ip
            | Kind::Custom
            | Kind::Age
    ) {
        return None;
    }
    let fitting = |value: &[u8]| {
        let text = std::str::from_utf8(value).ok()?;
        let kind = (value.len() <= VALUE_MAX).then(|| shape::kind(rule, text))??;
        Some(Hit::word(kind, start, start + value.len()))
    };
    fitting(long).or_else(|| fitting(text.get(start..end)?))
}
