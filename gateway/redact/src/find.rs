//! What is in a cluster: a run of characters with escapes undone.

use memchr::memchr;

use crate::contextual::contextual;
use crate::kind::Kind;
use crate::label::Rule;
use crate::number::number;
use crate::secret;
use crate::unit::{ALNUM, SIGN, is_alnum};

/// The farthest that deciding about a word looks ahead: an address of 64 + 1 + 253 characters (RFC 5321 section
/// 4.5.3.1) and one after it.
pub(crate) const REACH: usize = 64 + 1 + 253 + 1;

const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 253;

/// A value found, as places in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    /// End of the first group of digits; of an address, its `@`.
    pub(crate) first: usize,
    /// Start of the last group of digits; of an address, its `@`.
    pub(crate) last: usize,
    pub(crate) end: usize,
}

impl Hit {
    pub(crate) fn word(kind: Kind, start: usize, end: usize) -> Self {
        Self {
            kind,
            start,
            first: end,
            last: start,
            end,
        }
    }
}

/// How far a cluster is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decided {
    /// Where to go on.
    pub(crate) at: usize,
    /// A letter or digit stands before that place and belongs to the same word.
    pub(crate) glued: bool,
}

/// Where the search goes on after an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Behind the sign: the domain stays, and may contain numbers.
    Sign,
    /// Behind the domain, which is masked with the rest.
    Domain,
}

/// Finds the values in a cluster and hands them on in order. `seen` are the classes in it, at least; `glued` says that a word is going on at its start, `more` that it does not end where
/// `text` does; then only words whose surroundings are known are decided.
pub(crate) fn find(
    text: &[u8],
    seen: u8,
    glued: bool,
    more: bool,
    after: After,
    label: &mut impl FnMut(usize) -> Option<Rule>,
    found: &mut impl FnMut(&Hit),
) -> Decided {
    let end = text.len();
    if seen == ALNUM && !glued && !more {
        let hit = number(text, 0, end).filter(|hit| !is_something_else(hit.kind, 0, label));
        if let Some(hit) = hit.or_else(|| contextual(text, 0, end, label)) {
            found(&hit);
        }
        return Decided {
            at: end,
            glued: false,
        };
    }
    let limit = if more { end.saturating_sub(REACH) } else { end };
    let mut at = if glued { word_end(text, 0) } else { 0 };
    let mut sign = if seen & SIGN == 0 {
        end
    } else {
        next_sign(text, 0)
    };
    let mut domain_of = None;
    loop {
        at += text
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take_while(|&&byte| !is_alnum(byte))
            .count();
        if at >= end {
            return Decided {
                at: end,
                glued: more && at == end && text.last().is_some_and(|&byte| is_alnum(byte)),
            };
        }
        if more && at >= limit {
            return Decided { at, glued: false };
        }
        while sign < at {
            sign = next_sign(text, sign + 1);
            domain_of = None;
        }
        if sign < end
            && is_local_part(text, at, sign)
            && let Some(length) =
                *domain_of.get_or_insert_with(|| text.get(sign + 1..).and_then(domain))
        {
            let hit = Hit {
                kind: Kind::Email,
                start: at,
                first: sign,
                last: sign,
                end: sign + 1 + length,
            };
            found(&hit);
            at = match after {
                After::Sign => sign + 1,
                After::Domain => hit.end,
            };
            continue;
        }
        let (until, digits) = word(text, at);
        if more && until == end {
            return Decided {
                at: end,
                glued: true,
            };
        }
        // Without a digit only keys and addresses of network cards are told by their shape, and most words are words.
        let pair = until - at == 2 && text.get(until) == Some(&b'-');
        if !digits && !pair && !secret::may_begin(text, at) {
            at = until;
            continue;
        }
        let hit = number(text, at, until)
            .filter(|hit| !is_fraction(text, hit) && !is_something_else(hit.kind, at, label));
        at = match hit.or_else(|| contextual(text, at, until, label)) {
            Some(hit) => {
                found(&hit);
                hit.end
            }
            None => until,
        };
    }
}

/// Tells whether a number that no check digit tells for certain stands behind a label of something else: an order, a sum.
/// The label stands before the word, which may begin with a prefix that is no part of the number.
#[inline]
pub(crate) fn is_something_else(
    kind: Kind,
    word: usize,
    label: &mut impl FnMut(usize) -> Option<Rule>,
) -> bool {
    matches!(kind, Kind::Mobile | Kind::BankCard) && label(word).is_some_and(Rule::is_other)
}

/// Tells whether a number is what stands behind `0.`.
fn is_fraction(text: &[u8], hit: &Hit) -> bool {
    match text.get(..hit.start) {
        Some([b'0', b'.']) => true,
        Some([.., byte, b'0', b'.']) => !is_alnum(*byte),
        _ => false,
    }
}

/// The end of the word at a place, and whether it has a digit.
#[inline]
fn word(text: &[u8], at: usize) -> (usize, bool) {
    let (mut end, mut digits) = (at, false);
    for &byte in text.get(at..).unwrap_or_default() {
        if !is_alnum(byte) {
            break;
        }
        digits |= byte.is_ascii_digit();
        end += 1;
    }
    (end, digits)
}

fn word_end(text: &[u8], at: usize) -> usize {
    at + text
        .get(at..)
        .unwrap_or_default()
        .iter()
        .take_while(|&&byte| is_alnum(byte))
        .count()
}

fn next_sign(text: &[u8], from: usize) -> usize {
    text.get(from..)
        .and_then(|rest| memchr(b'@', rest))
        .map_or(text.len(), |offset| from + offset)
}

/// Tells whether everything from the word at `start` to the sign is the local part of an address.
fn is_local_part(text: &[u8], start: usize, sign: usize) -> bool {
    let Some(local) = text.get(start..sign) else {
        return false;
    };
    if local.len() > LOCAL_MAX || !local.iter().all(|&byte| is_local(byte)) {
        return false;
    }
    // The digits that a mask leaves, directly before a sign: no address of its own.
    let left_over = local.len() <= 4
        && local
            .iter()
            .all(|byte| byte.is_ascii_digit() || byte.eq_ignore_ascii_case(&b'X'))
        && text
            .get(..start)
            .is_some_and(|before| before.ends_with(b"***"));
    !left_over
}

fn is_local(byte: u8) -> bool {
    is_alnum(byte) || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
}

/// Length of the longest domain at the start of `text`: labels, and a top level of letters or punycode at the end.
///
/// What is glued to the top level belongs to it: `a@b.cn1380` is an address that somebody forgot to end.
fn domain(text: &[u8]) -> Option<usize> {
    let text = text.get(..DOMAIN_MAX).unwrap_or(text);
    let mut best = None;
    let mut label = 0;
    while let Some(rest) = text.get(label..) {
        let length = rest
            .iter()
            .take_while(|&&byte| is_alnum(byte) || byte == b'-')
            .count();
        if length == 0 {
            break;
        }
        if label > 0
            && let Some(top) = top_level(rest.get(..length).unwrap_or_default())
        {
            best = Some(label + top);
        }
        if rest.get(length) != Some(&b'.') {
            break;
        }
        label += length + 1;
    }
    best.filter(|&length| !text.get(..length).is_some_and(is_scaled_image))
}

/// Length of the top level that a label is or begins with.
fn top_level(label: &[u8]) -> Option<usize> {
    if label.len() > 4
        && label
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"xn--"))
    {
        return Some(label.len());
    }
    let begins = label.len() >= 2 && label.iter().take(2).all(u8::is_ascii_alphabetic);
    begins.then(|| label.iter().take_while(|&&byte| is_alnum(byte)).count())
}

/// `logo@2x.png` names a file.
fn is_scaled_image(domain: &[u8]) -> bool {
    matches!(
        domain,
        [b'1'..=b'9', b'x', b'.', ending @ ..]
            if [&b"png"[..], b"jpg", b"jpeg", b"gif", b"webp", b"svg", b"avif"].contains(&ending)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::MARK;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        let mut hits = Vec::new();
        find(
            text.as_bytes(),
            ALNUM | MARK | SIGN,
            false,
            false,
            After::Sign,
            &mut |_| None,
            &mut |hit: &Hit| hits.push(*hit),
        );
        hits.iter()
            .map(|hit| (hit.kind, &text[hit.start..hit.end]))
            .collect()
    }

    #[test]
    fn addresses_end_where_their_top_level_does() {
        for (text, expected) in [
            ("zhang.san@example.com.cn", Some("zhang.san@example.com.cn")),
            ("a@b.com.", Some("a@b.com")),
            ("a@b.com.123", Some("a@b.com")),
            ("a@b.com-1", Some("a@b.com")),
            ("......a_b@b.cn", Some("a_b@b.cn")),
            ("a@b.cn138 1", Some("a@b.cn138")),
            ("a@xn--fiq228c.xn--fiqs8s", Some("a@xn--fiq228c.xn--fiqs8s")),
            ("a@b", None),
            ("a@b.c", None),
            ("a@1.2.3", None),
            ("a@b..com", None),
            ("@b.com", None),
            ("a***@b.com", None),
            ("logo@2x.png", None),
        ] {
            let expected: Vec<_> = expected
                .map(|text| (Kind::Email, text))
                .into_iter()
                .collect();
            assert_eq!(kinds(text), expected, "{text}");
        }
    }

    #[test]
    fn the_label_of_a_number_stands_before_its_prefix() {
        let other = Rule {
            kind: Kind::Custom,
            strength: crate::label::Strength::Other,
        };
        for text in [
            "8613800138000",
            "013800138000",
            "8613800138000.",
            "x 8613800138000",
        ] {
            let word = text.rfind(' ').map_or(0, |at| at + 1);
            let mut hits = 0;
            find(
                text.as_bytes(),
                if text.len() < 14 { ALNUM } else { ALNUM | MARK },
                false,
                false,
                After::Sign,
                &mut |at| (at == word).then_some(other),
                &mut |_: &Hit| hits += 1,
            );
            assert_eq!(hits, 0, "{text}");
        }
    }

    #[test]
    fn groups_of_digits_count_as_one_number() {
        for (text, kind) in [
            ("138-0013-8000", Kind::Mobile),
            ("138 0013 8000", Kind::Mobile),
            ("138.0013.8000", Kind::Mobile),
            ("110101 19900307 7774", Kind::ResidentId),
            ("4111-1111-1111-1111", Kind::BankCard),
            ("3782 822463 10005", Kind::BankCard),
        ] {
            assert_eq!(kinds(text), [(kind, text)]);
        }
        for text in [
            "138-0013 8000",
            "4111.1111.1111.1111",
            "***8-0013-8000",
            "138--0013-8000",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn a_number_beside_a_separated_one_is_found_too() {
        assert_eq!(
            kinds("4111111111111111 13800138000-110101199003077774"),
            [
                (Kind::BankCard, "4111111111111111"),
                (Kind::Mobile, "13800138000"),
                (Kind::ResidentId, "110101199003077774")
            ]
        );
    }
}
