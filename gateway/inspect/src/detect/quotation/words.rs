//! The words around evidence, weighed: those of a language, and those of what is attacked with.

use std::sync::LazyLock;

use crate::text::{at, is_space, span, steps};

/// Words of grammar that no query language, shell or script has.
const GRAMMAR: [&[u8]; 81] = [
    b"about", b"above", b"after", b"again", b"also", b"always", b"an", b"another", b"are", b"at",
    b"be", b"because", b"been", b"before", b"both", b"but", b"can", b"could", b"didn", b"does",
    b"doesn", b"don", b"even", b"every", b"few", b"for", b"has", b"have", b"he", b"her", b"here",
    b"his", b"how", b"it", b"its", b"just", b"many", b"may", b"me", b"more", b"most", b"must",
    b"my", b"never", b"now", b"of", b"only", b"our", b"please", b"see", b"she", b"should", b"so",
    b"such", b"than", b"that", b"the", b"their", b"them", b"there", b"these", b"they", b"this",
    b"those", b"to", b"too", b"very", b"was", b"we", b"were", b"what", b"which", b"while", b"who",
    b"why", b"will", b"won", b"would", b"yes", b"you", b"your",
];
/// Words of languages that are attacked with.
const SYNTAX: [&[u8]; 34] = [
    b"alert", b"all", b"alter", b"and", b"as", b"case", b"char", b"concat", b"count", b"delete",
    b"drop", b"else", b"end", b"exec", b"from", b"group", b"having", b"insert", b"into", b"like",
    b"limit", b"not", b"null", b"or", b"order", b"script", b"select", b"set", b"table", b"then",
    b"union", b"update", b"values", b"where",
];

/// What the words of a text weigh.
pub(super) struct Words {
    /// Two for a word of grammar or three Chinese characters, one for another, none for syntax.
    pub(super) points: i32,
    /// Words of grammar, and pairs of Chinese characters.
    pub(super) grammar: i32,
}

/// Weighs the words of a text.
pub(super) fn words(text: &[u8]) -> Words {
    steps::count(text.len());
    let mut found = Words {
        points: 0,
        grammar: 0,
    };
    let known = &*KNOWN;
    let mut high = 0;
    let mut i = 0;
    while let Some(&b) = text.get(i) {
        if !b.is_ascii_alphabetic() {
            // Three bytes of UTF-8, or two of GBK that were not declared: a character either way.
            high += i32::from(b >= 0xc0);
            i += 1;
            continue;
        }
        let start = i;
        let mut packed = 0;
        while let Some(b) = text.get(i).filter(|b| b.is_ascii_alphabetic()) {
            packed = packed << 8 | u64::from(b | 0x20);
            i += 1;
        }
        if i - start > LONGEST || !stands_alone(text, start, i) {
            continue;
        }
        match known.part(packed, i - start) {
            Part::Grammar => {
                found.points += 2;
                found.grammar += 1;
            }
            Part::Syntax => {}
            Part::Other => found.points += i32::from(i - start > 1),
        }
    }
    found.points += high * 2 / 3;
    found.grammar += high / 2;
    found
}

/// Letters of a word; what is longer is none.
const LONGEST: usize = 20;

/// Says whether letters are a word of a sentence: a blank, a bracket or a quote before them, a blank, a bracket, a
/// quote or the end of a part of the sentence behind.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let led = start.checked_sub(1).is_none_or(|before| {
        let before = at(text, before);
        is_space(before) || before >= 0x80 || matches!(before, b'"' | b'(' | b'\'' | b'>')
    });
    if !led {
        return false;
    }
    let Some(&after) = text.get(end) else {
        return true;
    };
    let next = text.get(end + 1).copied();
    after == 0
        || is_space(after)
        || after >= 0x80
        || matches!(after, b'\'' | b'"' | b'<' | b')')
        || matches!(after, b',' | b'.' | b';' | b':' | b'!' | b'?')
            && next.is_none_or(|next| {
                is_space(next) || next >= 0x80 || matches!(next, b'<' | b'"' | b'\'' | b')' | b'\\')
            })
}

/// What a word is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Grammar,
    Syntax,
    Other,
}

/// The words that are known, each in one machine word, by their hash. Texts are weighed thousands of times.
struct Known([u64; SLOTS]);

/// Three times as many as there are words.
const SLOTS: usize = 512;
/// Letters of the longest word that is known; the byte above them says what it is part of.
const KNOWN_LENGTH: usize = 7;
const GRAMMATICAL: u64 = 1 << 56;
const SYNTACTICAL: u64 = 2 << 56;

static KNOWN: LazyLock<Known> = LazyLock::new(Known::new);

impl Known {
    fn new() -> Self {
        let mut slots = [0; SLOTS];
        let grammar = GRAMMAR.iter().map(|word| (GRAMMATICAL, word));
        let syntax = SYNTAX.iter().map(|word| (SYNTACTICAL, word));
        for (part, word) in grammar.chain(syntax) {
            let word = span(word, 0, KNOWN_LENGTH);
            let packed = word.iter().fold(0, |packed, b| packed << 8 | u64::from(*b));
            let free = probe(packed).find(|slot| slots.get(*slot) == Some(&0));
            if let Some(slot) = free.and_then(|slot| slots.get_mut(slot)) {
                *slot = part | packed;
            }
        }
        Self(slots)
    }

    fn part(&self, packed: u64, length: usize) -> Part {
        if length > KNOWN_LENGTH {
            return Part::Other;
        }
        for slot in probe(packed) {
            match self.0.get(slot).copied().unwrap_or(0) {
                0 => return Part::Other,
                slot if slot == GRAMMATICAL | packed => return Part::Grammar,
                slot if slot == SYNTACTICAL | packed => return Part::Syntax,
                _ => {}
            }
        }
        Part::Other
    }
}

/// The places where a word may stand, in order.
fn probe(packed: u64) -> impl Iterator<Item = usize> {
    let hash = packed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55;
    (hash..hash + SLOTS as u64).map(|slot| usize::try_from(slot).unwrap_or(0) % SLOTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_lists_is_known_for_what_it_is_and_no_other() {
        let pack = |word: &[u8]| word.iter().fold(0, |sum, b| sum << 8 | u64::from(*b));
        for (words, part) in [(&GRAMMAR[..], Part::Grammar), (&SYNTAX, Part::Syntax)] {
            for word in words {
                assert!(word.len() <= KNOWN_LENGTH, "{}", word.escape_ascii());
                assert_eq!(KNOWN.part(pack(word), word.len()), part);
                let longer = [word, &b"x"[..]].concat();
                assert_eq!(KNOWN.part(pack(&longer), longer.len()), Part::Other);
            }
        }
    }

    #[test]
    fn words_are_weighed_where_they_stand_alone() {
        for (text, points, grammar) in [
            ("the cat, (which) sat.", 6, 2),
            ("the-cat which=sat x", 0, 0),
            ("select from the table", 2, 1),
            ("这是一个句子", 4, 3),
            ("unpronounceableandlonger of", 2, 1),
            ("a.b The. End", 2, 1),
        ] {
            let found = words(text.as_bytes());
            assert_eq!((found.points, found.grammar), (points, grammar), "{text}");
        }
    }
}
