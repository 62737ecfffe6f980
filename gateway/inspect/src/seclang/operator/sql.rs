//! `@detectSQLi`: what libinjection says of a text, asked only where it could say yes, and remembered.

use std::cell::RefCell;
use std::sync::LazyLock;

use libinjectionrs::sqli::sqli_data::SQL_KEYWORDS;

use crate::seclang::byteset::ByteSet;
use crate::text::{at, rest, span};

/// Returns the fingerprint of a text that is taken for SQL.
pub(crate) fn detect(text: &[u8]) -> Option<Vec<u8>> {
    if !could_be(text) {
        return None;
    }
    remembered(text, |text| {
        let found = libinjectionrs::detect_sqli(text);
        found.is_injection().then(|| {
            let fingerprint = found.fingerprint.map(|f| f.as_str().as_bytes().to_vec());
            fingerprint.unwrap_or_default()
        })
    })
}

/// What is known of the table of libinjection: which words mean something, and whether texts without any can be SQL.
struct Table {
    /// Parts of all words that are more than a name, a number or an operator, in upper case and in order.
    words: Vec<&'static [u8]>,
    /// For each length and first letter, whether there is such a word.
    first: [u32; LONGEST],
    /// Bytes that open strings, variables, comments, calls and the like.
    signs: ByteSet,
    /// No fingerprint of SQL is made of names, numbers, operators and plain signs only.
    sound: bool,
}

/// Bytes of the longest word of the table, and one.
const LONGEST: usize = 32;

/// The letters of tokens that a text without words and signs is made of: names, numbers, operators, plain signs.
const PLAIN: &[u8] = b"N1O,.:;?";

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let (prints, keywords): (Vec<_>, Vec<_>) = SQL_KEYWORDS
        .iter()
        .partition(|word| word.token_type == b'F');
    let mut words: Vec<&[u8]> = keywords
        .iter()
        .filter(|word| !matches!(word.token_type, b'n' | b'1' | b'o'))
        .flat_map(|word| word.word.as_bytes().split(|b| !in_word(*b)))
        .filter(|part| !part.is_empty())
        .collect();
    words.sort_unstable();
    words.dedup();
    let mut first = [0; LONGEST];
    for word in &words {
        if let Some(letters) = first.get_mut(word.len()) {
            *letters |= letter(at(word, 0));
        }
    }
    Table {
        sound: words.iter().all(|word| word.len() < LONGEST)
            && !prints.iter().any(|print| {
                let tokens = print.word.as_bytes();
                rest(tokens, 1).iter().all(|token| PLAIN.contains(token))
            }),
        words,
        first,
        signs: ByteSet::of(b"'\"`@$#()[]{}\\"),
    }
});

/// A bit for a letter in any case; other bytes share some.
fn letter(b: u8) -> u32 {
    1 << (b & 31)
}

/// A word ends where libinjection lets it end, and at a full stop.
fn in_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || (b >= 0x80 && b != 0xa0)
}

/// Says whether a text could be taken for SQL at all: it has a sign that opens something, or a word of SQL.
fn could_be(text: &[u8]) -> bool {
    let table = &*TABLE;
    if !table.sound {
        return true;
    }
    let mut i = 0;
    while let Some(&b) = text.get(i) {
        if in_word(b) {
            let length = rest(text, i).iter().take_while(|b| in_word(**b)).count();
            if table.holds(span(text, i, i + length)) {
                return true;
            }
            i += length;
            continue;
        }
        let next = at(text, i + 1);
        let pair = matches!(
            (b, next),
            (b'-', b'-') | (b'/', b'*') | (b'&', b'&') | (b'|', b'|')
        );
        if pair || table.signs.contains(b) {
            return true;
        }
        i += 1;
    }
    false
}

impl Table {
    /// Says whether a run of word bytes is a word of SQL, or ends with one behind a number.
    fn holds(&self, run: &[u8]) -> bool {
        if !at(run, 0).is_ascii_digit() {
            return self.word(run);
        }
        (1..run.len()).any(|i| at(run, i).is_ascii_alphabetic() && self.word(rest(run, i)))
    }

    fn word(&self, word: &[u8]) -> bool {
        let letters = self.first.get(word.len()).copied().unwrap_or(0);
        if letters & letter(at(word, 0)) == 0 {
            return false;
        }
        let mut upper = [0; LONGEST];
        for (to, b) in upper.iter_mut().zip(word) {
            *to = b.to_ascii_uppercase();
        }
        self.words
            .binary_search(&span(&upper, 0, word.len()))
            .is_ok()
    }
}

/// Texts that are remembered, on each thread. Chosen: the same browsers ask again and again.
const KEPT: usize = 512;
/// Bytes of a text that is remembered. Chosen.
const LENGTH: usize = 512;

/// A text, and its fingerprint if it has one.
type Known = Option<(Box<[u8]>, Option<Vec<u8>>)>;

thread_local! {
    static LATELY: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// Answers for a text as lately, or asks. An answer depends on the text alone.
fn remembered(text: &[u8], ask: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    if text.len() > LENGTH {
        return ask(text);
    }
    LATELY.with_borrow_mut(|lately| {
        if lately.is_empty() {
            lately.resize_with(KEPT, || None);
        }
        // Texts that share a place push each other out; nobody gains by making them.
        let place = usize::try_from(crate::text::hash(text) >> 32).unwrap_or(0) % KEPT;
        let place = lately.get_mut(place);
        match place {
            Some(Some((known, answer))) if **known == *text => answer.clone(),
            Some(place) => {
                let answer = ask(text);
                *place = Some((text.into(), answer.clone()));
                answer
            }
            None => ask(text),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn directly(text: &[u8]) -> bool {
        libinjectionrs::detect_sqli(text).is_injection()
    }

    #[test]
    fn the_table_allows_texts_to_be_passed_over() {
        assert!(TABLE.sound);
        for ordinary in [
            "household",
            "https://service.example.gov.cn/guide/list?category=household&page=2",
            "北京市海淀区中关村大街1号院2号楼",
            "4f1c0b7de2a94c0f8f7b0d6f2a9e5c31",
            "GA1.1.204512345.1718000000",
            "2026-07-24 10:30",
        ] {
            assert!(!could_be(ordinary.as_bytes()), "{ordinary}");
        }
        for attack in [
            "1 union select 2",
            "1' or '1'='1",
            "1&&1",
            "sleep(5)",
            "1;drop table x",
            "1union select 2",
            "x--",
        ] {
            assert!(could_be(attack.as_bytes()), "{attack}");
        }
    }

    #[test]
    fn no_sample_of_libinjection_is_passed_over() {
        let shared = std::env::var_os("HANGU_SHARED_DATA").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
            std::path::PathBuf::from,
        );
        let mut folders = vec![shared.join("attacks")];
        let mut asked = 0;
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else {
                eprintln!("skipped: {} is not there", folder.display());
                continue;
            };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                for line in std::fs::read(&path).unwrap().split(|b| *b == b'\n') {
                    let line = span(line, 0, 2000);
                    asked += 1;
                    assert!(
                        could_be(line) || !directly(line),
                        "{}",
                        String::from_utf8_lossy(line)
                    );
                }
            }
        }
        println!("{asked} texts asked");
    }

    #[test]
    fn an_answer_is_the_same_the_second_time() {
        for text in ["1' or '1'='1", "(nothing)"] {
            let first = detect(text.as_bytes());
            assert_eq!(first, detect(text.as_bytes()));
            assert_eq!(first.is_some(), directly(text.as_bytes()));
        }
        for n in 0..4 * KEPT {
            let text = format!("(a{n})");
            assert_eq!(detect(text.as_bytes()).is_some(), directly(text.as_bytes()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn no_text_that_is_sql_is_passed_over(
            text in r"(1|0x|[0-9a-fx]{1,3}|a|id|or|and|in|is|not|like|union|select|null|sleep|user|mod|div|as|by|x|e|n|q|u|[ \t\n\xa0+]|[-/*#&|!<>=%^~,.:;?]|[()'\x22`@$\[\]{}\\]|中|\xc2\xa0){1,12}",
        ) {
            prop_assert!(could_be(text.as_bytes()) || !directly(text.as_bytes()), "{text:?}");
            prop_assert_eq!(detect(text.as_bytes()).is_some(), directly(text.as_bytes()));
        }

        #[test]
        fn nor_are_bytes(text in proptest::collection::vec(prop_oneof![any::<u8>(), proptest::sample::select(&b"1aeoxn =|&-+;.,:\xa0"[..])], 0..24)) {
            prop_assert!(could_be(&text) || !directly(&text));
        }
    }
}
