//! What a text must contain for an expression to match it, read off the expression: strings of which one is there,
//! and sets of bytes of which one is there. All in lower case, because the search does not tell case apart.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::byteset::ByteSet;

/// Strings of one set; a search for more costs more than it saves. Chosen.
const STRINGS: usize = 96;
/// Bytes of one string that are looked for. Chosen: longer ones are hardly rarer, and each takes memory.
const LENGTH: usize = 6;
/// Conditions on bytes kept per expression. Chosen.
const SETS: usize = 4;

/// Conditions that hold for every text with a match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Required {
    /// One of these is in the text, ignoring case. Empty: nothing is known.
    pub(super) strings: Vec<Vec<u8>>,
    /// One byte of each of these is in the text.
    pub(super) bytes: Vec<ByteSet>,
}

impl Required {
    /// Reads an expression that has been rewritten for the linear engine.
    pub(super) fn of(hir: &Hir) -> Self {
        let mut found = Vec::new();
        let info = walk(hir, &mut found);
        if let Some(exact) = info {
            found.push(exact);
        }
        let mut required = Self::default();
        for set in &found {
            required.add_bytes(set);
        }
        required.keep_telling();
        required.strings = found
            .into_iter()
            .filter(|set| set.iter().map(Vec::len).min().unwrap_or(0) >= 2)
            .max_by_key(rank)
            .map(|set| shortest(&set))
            .unwrap_or_default();
        required
    }

    /// Reads a list of phrases of which one must be there.
    pub(super) fn phrases(phrases: &[Vec<u8>]) -> Self {
        let set: Exact = phrases
            .iter()
            .map(|phrase| clip(&phrase.to_ascii_lowercase()))
            .collect();
        let mut required = Self::default();
        required.add_bytes(&set);
        required.keep_telling();
        if set.iter().all(|phrase| phrase.len() >= 2) {
            required.strings = shortest(&set);
        }
        required
    }

    fn add_bytes(&mut self, set: &Exact) {
        if set.is_empty() || set.iter().any(Vec::is_empty) {
            return;
        }
        let mut bytes = ByteSet::default();
        for string in set {
            let rarest = string.iter().copied().max_by_key(|&b| rarity(b));
            if let Some(b) = rarest {
                bytes.insert(b.to_ascii_lowercase());
                bytes.insert(b.to_ascii_uppercase());
            }
        }
        if !self.bytes.contains(&bytes) {
            self.bytes.push(bytes);
        }
    }
}

/// Sets of signs that no letter is in; failing that, the smallest other one: most texts hold most letters.
impl Required {
    fn keep_telling(&mut self) {
        let plain = ByteSet::default()
            .with(b'a'..=b'z')
            .with(b'A'..=b'Z')
            .with(b'0'..=b'9');
        self.bytes
            .sort_by_key(|set| (set.meets(&plain), set.iter().count()));
        let signs = self.bytes.iter().filter(|set| !set.meets(&plain)).count();
        self.bytes.truncate(signs.clamp(1, SETS));
    }
}

type Exact = BTreeSet<Vec<u8>>;

/// How telling a byte is: signs over letters, control characters over signs.
fn rarity(b: u8) -> u8 {
    match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => 0,
        b' ' | b'/' | b'.' | b'-' | b'_' | b',' | b'=' => 1,
        b';' | b':' | b'(' | b')' | b'*' | b'?' | b'&' | b'%' | b'+' => 2,
        _ => 3,
    }
}

/// Long strings first, then few.
fn rank(set: &Exact) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = set.iter().map(Vec::len).min().unwrap_or(0);
    (shortest.min(5), std::cmp::Reverse(set.len()))
}

/// Cuts the most telling part out of a string.
fn clip(string: &[u8]) -> Vec<u8> {
    let telling = |part: &&[u8]| part.iter().map(|b| usize::from(rarity(*b))).sum::<usize>();
    let part = string.windows(LENGTH).rev().max_by_key(telling);
    part.unwrap_or(string).to_vec()
}

/// Leaves out strings that hold another of the set.
fn shortest(set: &Exact) -> Vec<Vec<u8>> {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut by_length: Vec<&Vec<u8>> = set.iter().collect();
    by_length.sort_by_key(|string| string.len());
    let many = by_length.len() > 400;
    for string in by_length {
        let clipped = clip(string);
        if many {
            if !kept.contains(&clipped) {
                kept.push(clipped);
            }
        } else if !kept
            .iter()
            .any(|k| memchr::memmem::find(&clipped, k).is_some())
        {
            kept.push(clipped);
        }
    }
    kept
}

/// Returns every string the expression matches, if they are few; otherwise leaves in `found` what every match holds.
fn walk(hir: &Hir, found: &mut Vec<Exact>) -> Option<Exact> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(Exact::from([Vec::new()])),
        HirKind::Literal(literal) => Some(Exact::from([literal.0.to_ascii_lowercase()])),
        HirKind::Class(class) => bytes_of(class),
        HirKind::Capture(capture) => walk(&capture.sub, found),
        HirKind::Repetition(repetition) => repeated(repetition, found),
        HirKind::Concat(parts) => concat(parts, found),
        HirKind::Alternation(parts) => alternation(parts, found),
    }
}

fn bytes_of(class: &Class) -> Option<Exact> {
    let Class::Bytes(class) = class else {
        return None;
    };
    let mut set = Exact::new();
    for range in class.ranges() {
        for b in range.start()..=range.end() {
            set.insert(vec![b.to_ascii_lowercase()]);
            if set.len() > 16 {
                return None;
            }
        }
    }
    Some(set)
}

fn repeated(repetition: &Repetition, found: &mut Vec<Exact>) -> Option<Exact> {
    let mut inner = Vec::new();
    let exact = walk(&repetition.sub, &mut inner);
    match (repetition.min, repetition.max) {
        (0, Some(1)) => {
            let mut exact = exact?;
            exact.insert(Vec::new());
            Some(exact)
        }
        (0, _) => None,
        (min, max) => {
            found.append(&mut inner);
            let exact = exact?;
            if min == 1 && max == Some(1) {
                return Some(exact);
            }
            if exact.len() == 1 && max == Some(min) && min <= 8 {
                let times = usize::try_from(min).unwrap_or(1);
                return Some(
                    exact
                        .into_iter()
                        .map(|string| string.repeat(times))
                        .collect(),
                );
            }
            found.push(exact);
            None
        }
    }
}

fn concat(parts: &[Hir], found: &mut Vec<Exact>) -> Option<Exact> {
    let mut whole = true;
    let mut open = Exact::from([Vec::new()]);
    for part in parts {
        // `x+` begins with one `x`, which belongs to what stands before it.
        let (part, goes_on) = if let HirKind::Repetition(repetition) = part.kind()
            && repetition.min >= 1
            && repetition.max != Some(1)
        {
            (&*repetition.sub, true)
        } else {
            (part, false)
        };
        let known = walk(part, found);
        let ends = goes_on && known.is_some();
        match known {
            Some(exact)
                if open.len() * exact.len() <= STRINGS
                    && open.iter().all(|string| string.len() <= 24) =>
            {
                open = open
                    .iter()
                    .flat_map(|head| {
                        exact
                            .iter()
                            .map(move |tail| [head.as_slice(), tail].concat())
                    })
                    .collect();
            }
            Some(exact) => {
                whole = false;
                found.push(std::mem::replace(&mut open, exact));
            }
            None => {
                whole = false;
                found.push(std::mem::replace(&mut open, Exact::from([Vec::new()])));
            }
        }
        if ends {
            whole = false;
            found.push(std::mem::replace(&mut open, Exact::from([Vec::new()])));
        }
    }
    if whole {
        return Some(open);
    }
    found.push(open);
    None
}

fn alternation(parts: &[Hir], found: &mut Vec<Exact>) -> Option<Exact> {
    let mut exact = Exact::new();
    let mut all_exact = true;
    let mut known = true;
    for part in parts {
        let mut inner = Vec::new();
        match walk(part, &mut inner) {
            Some(set) => exact.extend(set),
            None => {
                all_exact = false;
                let best = inner
                    .into_iter()
                    .filter(|set| !set.is_empty() && set.iter().all(|string| !string.is_empty()))
                    .max_by_key(rank);
                match best {
                    Some(set) => exact.extend(set),
                    None => known = false,
                }
            }
        }
    }
    if all_exact && exact.len() <= STRINGS {
        return Some(exact);
    }
    if known {
        found.push(exact);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn required(pattern: &str) -> Required {
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(pattern)
            .unwrap();
        Required::of(&hir)
    }

    fn holds(required: &Required, text: &[u8]) -> bool {
        let lower = text.to_ascii_lowercase();
        let strings = required.strings.is_empty()
            || required
                .strings
                .iter()
                .any(|string| memchr::memmem::find(&lower, string).is_some());
        let set = ByteSet::of(text);
        strings && required.bytes.iter().all(|bytes| bytes.meets(&set))
    }

    #[test]
    fn the_most_telling_strings_are_chosen() {
        for (pattern, strings) in [
            (r"(?i)\bunion\b.*select", &["select"][..]),
            (r"ab(?:cd|ef)+", &["abcd", "abef"][..]),
            (r"x*(?:foo|bar)[^a]", &["bar", "foo"][..]),
            (r"[a-z]+", &[][..]),
            (r"(?:abc|\d+)", &[][..]),
            (r"a?bc", &["bc"][..]),
        ] {
            let found = required(pattern).strings;
            let found: Vec<_> = found.iter().map(|s| String::from_utf8_lossy(s)).collect();
            assert_eq!(found, strings, "{pattern}");
        }
        assert!(
            required(r"\s*<\s*a")
                .bytes
                .iter()
                .any(|set| set.contains(b'<'))
        );
    }

    proptest! {
        #[test]
        fn no_text_with_a_match_is_passed_over(
            pattern in r"(?:\(\?:)?[abC]{1,3}[|?+*]?[a-c.]{0,2}\)?[|+?]?(?:\[ab\]|\(b\|cd?\)\{2\}|ca)[ab]{0,2}",
            text in "[abcABC]{0,14}",
        ) {
            let built = regex::bytes::RegexBuilder::new(&pattern).unicode(false).build();
            if let Ok(built) = built && built.is_match(text.as_bytes()) {
                prop_assert!(holds(&required(&pattern), text.as_bytes()), "{pattern} {text}");
            }
        }
    }
}
