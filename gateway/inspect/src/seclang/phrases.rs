//! Lists of phrases: `@pm` and `@pmFromFile`.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};

/// A search for any of a list of phrases, in any case.
#[derive(Debug, Clone)]
pub(super) struct Phrases(Arc<AhoCorasick>);

/// Phrases up to which the search takes the fastest form whatever memory that needs. Chosen.
const FEW: usize = 100;

impl Phrases {
    pub(super) fn new(list: &[Vec<u8>]) -> Result<Self, BuildError> {
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind((list.len() > FEW).then_some(AhoCorasickKind::ContiguousNFA))
            .build(list)
            .map(|search| Self(Arc::new(search)))
    }

    /// Returns where the phrase stands that ends first.
    pub(super) fn find(&self, text: &[u8]) -> Option<(usize, usize)> {
        self.0.find(text).map(|found| (found.start(), found.end()))
    }
}

/// Reads phrases from an argument: words, with `|0d 0a|` for bytes.
///
/// # Errors
/// Bytes that are none, by their offset.
pub(super) fn inline(text: &str) -> Result<Vec<Vec<u8>>, (usize, String)> {
    let mut list = Vec::new();
    let mut phrase = Vec::new();
    let mut bytes: Option<Vec<u8>> = None;
    for (at, b) in text.bytes().enumerate() {
        match (b, &mut bytes) {
            (b'|', None) => bytes = Some(Vec::new()),
            (b'|', Some(digits)) => {
                let pairs: Vec<u8> = digits
                    .iter()
                    .copied()
                    .filter(u8::is_ascii_hexdigit)
                    .collect();
                if !pairs.len().is_multiple_of(2) || pairs.is_empty() {
                    return Err((at, "between bars stand bytes; write `|0d 0a|`".to_owned()));
                }
                phrase.extend(pairs.chunks_exact(2).map(|pair| {
                    pair.iter()
                        .filter_map(|&digit| crate::text::hex(digit))
                        .fold(0u8, |b, digit| b << 4 | digit)
                }));
                bytes = None;
            }
            (_, Some(digits)) if b.is_ascii_hexdigit() || b == b' ' => digits.push(b),
            (_, Some(_)) => {
                return Err((at, "between bars stand bytes; write `|0d 0a|`".to_owned()));
            }
            (b' ' | b'\t' | b'\n' | b'\r', None) => {
                if !phrase.is_empty() {
                    list.push(std::mem::take(&mut phrase));
                }
            }
            (_, None) => phrase.push(b),
        }
    }
    if bytes.is_some() {
        return Err((
            text.len(),
            "the bar that opens bytes is never closed".to_owned(),
        ));
    }
    if !phrase.is_empty() {
        list.push(phrase);
    }
    Ok(list)
}

/// Reads phrases from a file: one a line, `#` before a comment.
pub(super) fn from_text(text: &[u8]) -> Vec<Vec<u8>> {
    text.split(|&b| b == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(<[u8]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_words_or_lines() {
        assert_eq!(
            inline("a  b|0d 0A|c").unwrap(),
            [b"a".to_vec(), b"b\r\nc".to_vec()]
        );
        assert_eq!(inline("x |0g|").unwrap_err().0, 4);
        assert!(inline("|0d").is_err());
        assert_eq!(
            from_text(b"# no\n\n two words \r\nb"),
            [b"two words".to_vec(), b"b".to_vec()]
        );
    }

    #[test]
    fn a_phrase_is_found_in_any_case() {
        let phrases = Phrases::new(&[b"Union".to_vec(), b"or".to_vec()]).unwrap();
        assert_eq!(phrases.find(b"a uNION b"), Some((2, 7)));
        assert_eq!(phrases.find(b"nothing"), None);
    }
}
