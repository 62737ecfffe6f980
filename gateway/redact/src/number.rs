//! Numbers that begin at a word: one word, or groups of digits with a separator between them.

use smallvec::SmallVec;

use crate::check;
use crate::find::Hit;
use crate::kind::Kind;
use crate::unit::is_alnum;

/// Groups in which identity and card numbers are printed, the longest first.
const SPACED: [(Kind, &[usize]); 9] = [
    (Kind::ResidentId, &[6, 8, 4]),
    (Kind::ResidentId, &[6, 4, 4, 4]),
    (Kind::BankCard, &[4, 4, 4, 4, 3]),
    (Kind::BankCard, &[4, 4, 4, 4, 2]),
    (Kind::BankCard, &[4, 4, 4, 4, 1]),
    (Kind::BankCard, &[4, 4, 4, 4]),
    (Kind::BankCard, &[4, 6, 5]),
    (Kind::BankCard, &[4, 6, 4]),
    (Kind::BankCard, &[6, 13]),
];

/// Groups in which mobile numbers are printed.
const MOBILE: [&[usize]; 2] = [&[3, 4, 4], &[3, 8]];

/// Recognises the number that begins with the word `start..end`.
pub(crate) fn number(text: &[u8], start: usize, end: usize) -> Option<Hit> {
    let word = text.get(start..end)?;
    if !word.first()?.is_ascii_alphanumeric() {
        return None;
    }
    match word.len() {
        11 => check::mobile(word).then(|| Hit::word(Kind::Mobile, start, end)),
        // With the trunk prefix 0, or the country's 86 or 0086.
        12 => prefixed(word, b"0", start, end),
        13 => prefixed(word, b"86", start, end).or_else(|| card(word, start, end)),
        15 => prefixed(word, b"0086", start, end).or_else(|| card(word, start, end)),
        18 if check::resident_id(word) => Some(Hit::word(Kind::ResidentId, start, end)),
        18 => card(word, start, end)
            .or_else(|| check::credit_code(word).then(|| Hit::word(Kind::CreditCode, start, end))),
        14 | 16 | 17 | 19 => card(word, start, end),
        3 | 4 | 6 if word.first()?.is_ascii_digit() => groups(text, start, end),
        _ => None,
    }
}

fn prefixed(word: &[u8], prefix: &[u8], start: usize, end: usize) -> Option<Hit> {
    let digits = word.strip_prefix(prefix)?;
    check::mobile(digits).then(|| Hit::word(Kind::Mobile, start + prefix.len(), end))
}

fn card(word: &[u8], start: usize, end: usize) -> Option<Hit> {
    check::bank_card(word).then(|| Hit::word(Kind::BankCard, start, end))
}

/// Three stars beside a group mean that it is what was left of a masked value.
fn is_left_over(text: &[u8], start: usize, end: usize) -> bool {
    text.get(..start)
        .is_some_and(|before| before.ends_with(b"***"))
        || text
            .get(end..)
            .is_some_and(|after| after.starts_with(b"***"))
}

fn groups(text: &[u8], start: usize, end: usize) -> Option<Hit> {
    let separator = *text.get(end)?;
    if !matches!(separator, b' ' | b'-' | b'.') {
        return None;
    }
    let mut found: SmallVec<[(usize, usize); 5]> = SmallVec::new();
    found.push((start, end));
    let mut at = end;
    while found.len() < 5 && text.get(at) == Some(&separator) {
        let from = at + 1;
        let length = text
            .get(from..)?
            .iter()
            .take_while(|&&byte| is_alnum(byte))
            .count();
        if length == 0 {
            break;
        }
        found.push((from, from + length));
        at = from + length;
    }
    if found.len() < 2 {
        return None;
    }
    let mobile = MOBILE.iter().map(|lengths| (Kind::Mobile, *lengths));
    // Points group telephone numbers only: elsewhere they are decimal points, addresses and versions.
    let spaced = SPACED.iter().copied().filter(|_| separator != b'.');
    mobile
        .chain(spaced)
        .find_map(|(kind, lengths)| spaced_as(text, &found, kind, lengths))
}

fn spaced_as(text: &[u8], found: &[(usize, usize)], kind: Kind, lengths: &[usize]) -> Option<Hit> {
    let found = found.get(..lengths.len())?;
    if !found
        .iter()
        .zip(lengths)
        .all(|((from, to), length)| to - from == *length)
    {
        return None;
    }
    let mut digits: SmallVec<[u8; 24]> = SmallVec::new();
    for &(from, to) in found {
        digits.extend_from_slice(text.get(from..to)?);
    }
    let (start, first) = *found.first()?;
    let (last, end) = *found.last()?;
    let passes = if kind == Kind::ResidentId {
        check::resident_id(&digits)
    } else if kind == Kind::BankCard {
        check::bank_card(&digits)
    } else {
        check::mobile(&digits)
    };
    (passes && !is_left_over(text, start, end)).then_some(Hit {
        kind,
        start,
        first,
        last,
        end,
    })
}
