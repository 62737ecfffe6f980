//! Cuts a value into SQL tokens, the way all dialects at once might.

use super::words::{Word, classify};
use crate::text::{at, find, find_byte, is_space, is_word, rest, skip, span};

/// A piece of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    /// A string between quotes.
    Text,
    /// A string that the end of the value cut off.
    OpenText,
    Word(Word),
    /// `@x`, `@@version`.
    Variable,
    /// `= < > <= <>` and so on.
    Compare,
    /// `||`: logic in one dialect, concatenation in the others.
    Bars,
    /// `&&`.
    Ampersands,
    /// `+ - * / % ^ | & ~ !`.
    Arithmetic,
    Comma,
    Semicolon,
    Open,
    Close,
    /// To the end of the line or of the comment.
    Comment,
    /// Anything else.
    Other,
}

/// Reads tokens one after the other from `at` on.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    fn text(&mut self, quote: u8) -> Kind {
        let b = self.bytes;
        let mut i = self.at + 1;
        while let Some(end) = memchr::memchr2(quote, b'\\', rest(b, i)).map(|n| n + i) {
            if at(b, end) == b'\\' || at(b, end + 1) == quote {
                i = end + 2;
            } else {
                self.at = end + 1;
                return Kind::Text;
            }
        }
        self.at = b.len();
        Kind::OpenText
    }

    fn comment(&mut self) -> Option<Kind> {
        let b = self.bytes;
        if at(b, self.at + 2) == b'!' {
            // MySQL runs what stands in such a comment.
            self.at = skip(b, self.at + 3, |b| b.is_ascii_digit());
            return None;
        }
        let end = find(b, self.at + 2, b"*/");
        self.at = end.map_or(b.len(), |end| end + 2);
        Some(Kind::Comment)
    }

    fn line_comment(&mut self, length: usize) -> Kind {
        self.at = find_byte(self.bytes, self.at + length, b'\n').unwrap_or(self.bytes.len());
        Kind::Comment
    }

    fn number(&mut self) -> Kind {
        let b = self.bytes;
        let start = self.at;
        let mut i = if at(b, start) == b'0' && at(b, start + 1) == b'x' {
            skip(b, start + 2, |b| b.is_ascii_hexdigit())
        } else {
            skip(b, start, |b| b.is_ascii_digit() || b == b'.')
        };
        if at(b, i) == b'e'
            && (at(b, i + 1).is_ascii_digit()
                || matches!(at(b, i + 1), b'+' | b'-') && at(b, i + 2).is_ascii_digit())
        {
            i = skip(b, i + 2, |b| b.is_ascii_digit());
        }
        let word = skip(b, i, is_word);
        // `1or 1=1` and `1union select` are two tokens to most parsers; `3rd` and a hash are one word.
        if word > i
            && !matches!(
                classify(span(b, i, word)),
                Word::Logic | Word::Union | Word::From | Word::Where
            )
        {
            self.at = word;
            return Kind::Word(Word::Name);
        }
        self.at = i;
        Kind::Number
    }

    fn word(&mut self) -> Kind {
        let b = self.bytes;
        let start = self.at;
        let mut end = skip(b, start, |b| is_word(b) || b == b'$');
        while at(b, end) == b'.'
            && (is_word(at(b, end + 1)) || at(b, end + 1) == b'.' && is_word(at(b, end + 2)))
        {
            end = skip(b, skip(b, end, |b| b == b'.'), |b| is_word(b) || b == b'$');
        }
        self.at = end;
        // Strings with a prefix: N'x', X'41', E'x', U&'x', _utf8'x'.
        if matches!(at(b, end), b'\'')
            && (end - start == 1 && matches!(at(b, start), b'n' | b'x' | b'e' | b'b')
                || at(b, start) == b'_')
        {
            return self.text(b'\'');
        }
        Kind::Word(classify(span(b, start, end)))
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let b = self.bytes;
        loop {
            self.at = skip(b, self.at, |b| is_space(b) || b == 0);
            if at(b, self.at) == 0xc2 && at(b, self.at + 1) == 0xa0 {
                self.at += 2;
                continue;
            }
            let from = self.at;
            let (this, next) = (*b.get(from)?, at(b, from + 1));
            let mut take = |length: usize, kind: Kind| {
                self.at = from + length;
                kind
            };
            let kind = match this {
                b'\'' => self.text(b'\''),
                b'"' => self.text(b'"'),
                b'`' => match find_byte(b, from + 1, b'`').filter(|end| end - from < 66) {
                    Some(end) => take(end + 1 - from, Kind::Word(Word::Name)),
                    None => take(1, Kind::Other),
                },
                b'[' => {
                    let end = skip(b, from + 1, |b| is_word(b) || b == b'.');
                    if at(b, end) == b']' && end > from + 1 {
                        take(end + 1 - from, Kind::Word(Word::Name))
                    } else {
                        take(1, Kind::Other)
                    }
                }
                b'/' if next == b'*' => match self.comment() {
                    Some(kind) => kind,
                    None => continue,
                },
                b'*' if next == b'/' => {
                    self.at += 2;
                    continue;
                }
                b'-' if next == b'-' => self.line_comment(2),
                b'#' => self.line_comment(1),
                b'|' if next == b'|' => take(2, Kind::Bars),
                b'&' if next == b'&' => take(2, Kind::Ampersands),
                b'<' | b'>' | b'=' | b'!' if matches!(next, b'=' | b'>' | b'<') => {
                    take(if at(b, from + 2) == b'>' { 3 } else { 2 }, Kind::Compare)
                }
                b'<' | b'>' | b'=' => take(1, Kind::Compare),
                b':' if next == b'=' => take(2, Kind::Compare),
                b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'|' | b'&' | b'~' | b'!' => {
                    take(1, Kind::Arithmetic)
                }
                b',' => take(1, Kind::Comma),
                b';' => take(1, Kind::Semicolon),
                b'(' => take(1, Kind::Open),
                b')' => take(1, Kind::Close),
                b'@' => {
                    let name = skip(b, from + 1, |b| b == b'@');
                    let end = skip(b, name, |b| is_word(b) || b == b'.' || b == b'$');
                    take(
                        end - from,
                        if end > name || at(b, end) == b'`' {
                            Kind::Variable
                        } else {
                            Kind::Other
                        },
                    )
                }
                b'0'..=b'9' => self.number(),
                b'.' if next.is_ascii_digit() => self.number(),
                b'{' | b'}' => {
                    self.at += 1;
                    continue;
                }
                b if is_word(b) => self.word(),
                _ => take(1, Kind::Other),
            };
            return Some(Token {
                kind,
                from,
                to: self.at,
            });
        }
    }
}
