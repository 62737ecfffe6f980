//! Rule files as text: directives and their words, each with the place it came from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place in a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The file, as it was named.
    pub file: Arc<Path>,
    /// Counted from 1.
    pub line: usize,
    /// In bytes, counted from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Why rules were not loaded; none of them is in force then.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("`{}`: {source}; name files or folders that the gateway may read", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something in a file is wrong, or is not supported.
    #[error("{at}: {message}")]
    Refused {
        /// Where.
        at: Position,
        /// What, and what would be right.
        message: String,
    },
}

/// A word of a directive, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    file: Arc<Path>,
    /// Where runs of the text begin: offset in it, line, column.
    runs: Vec<(usize, usize, usize)>,
}

impl Word {
    /// Returns where the byte at `offset` stood.
    pub(super) fn position(&self, offset: usize) -> Position {
        let (from, line, column) = self
            .runs
            .iter()
            .rev()
            .find(|(from, _, _)| *from <= offset)
            .or(self.runs.first())
            .copied()
            .unwrap_or((0, 1, 1));
        Position {
            file: Arc::clone(&self.file),
            line,
            column: column + offset.saturating_sub(from),
        }
    }

    pub(super) fn refuse(&self, offset: usize, message: impl Into<String>) -> LoadError {
        LoadError::Refused {
            at: self.position(offset),
            message: message.into(),
        }
    }
}

/// A directive: its name and arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) name: Word,
    pub(super) arguments: Vec<Word>,
}

impl Directive {
    /// Returns an argument.
    ///
    /// # Errors
    /// Names the directive that lacks it.
    pub(super) fn argument(&self, n: usize) -> Result<&Word, LoadError> {
        self.arguments.get(n).ok_or_else(|| {
            self.name.refuse(
                0,
                format!("`{}` needs {} or more arguments", self.name.text, n + 1),
            )
        })
    }
}

/// Cuts the text of a file into directives.
///
/// # Errors
/// A quote that is not closed, or text that is not UTF-8.
pub(super) fn directives(file: &Path, bytes: &[u8]) -> Result<Vec<Directive>, LoadError> {
    let file: Arc<Path> = Arc::from(file);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
        LoadError::Refused {
            at: Position {
                file: Arc::clone(&file),
                line,
                column,
            },
            message: "the text is not UTF-8; write other bytes as `\\xHH`".to_owned(),
        }
    })?;
    let mut reader = Reader {
        rest: text,
        file,
        line: 1,
        column: 1,
    };
    let mut found = Vec::new();
    while let Some(name) = reader.first_word()? {
        let mut arguments = Vec::new();
        while let Some(word) = reader.next_word()? {
            arguments.push(word);
        }
        found.push(Directive { name, arguments });
    }
    Ok(found)
}

struct Reader<'a> {
    rest: &'a str,
    file: Arc<Path>,
    line: usize,
    column: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += c.len_utf8();
        }
        Some(c)
    }

    /// Steps over a backslash at the end of a line.
    fn continued(&mut self) -> bool {
        let tail = self
            .rest
            .strip_prefix('\\')
            .map(|t| t.trim_start_matches('\r'));
        if !tail.is_some_and(|t| t.starts_with('\n')) {
            return false;
        }
        while self.take().is_some_and(|c| c != '\n') {}
        true
    }

    /// The name of the next directive, past blank lines and comments.
    fn first_word(&mut self) -> Result<Option<Word>, LoadError> {
        loop {
            match self.peek() {
                None => return Ok(None),
                Some('#') => while self.take().is_some_and(|c| c != '\n') {},
                Some(c) if c.is_whitespace() => {
                    self.take();
                }
                Some(_) => {
                    if !self.continued() {
                        return self.word().map(Some);
                    }
                }
            }
        }
    }

    /// The next word of the same directive.
    fn next_word(&mut self) -> Result<Option<Word>, LoadError> {
        loop {
            if self.continued() {
                continue;
            }
            match self.peek() {
                None => return Ok(None),
                Some('\n') => {
                    self.take();
                    return Ok(None);
                }
                Some(c) if c.is_whitespace() => {
                    self.take();
                }
                Some(_) => return self.word().map(Some),
            }
        }
    }

    fn word(&mut self) -> Result<Word, LoadError> {
        let quote = self.peek().filter(|c| matches!(c, '"' | '\''));
        let mut word = Word {
            text: String::new(),
            file: Arc::clone(&self.file),
            runs: vec![(0, self.line, self.column)],
        };
        if quote.is_some() {
            self.take();
            word.runs = vec![(0, self.line, self.column)];
        }
        loop {
            if self.continued() {
                if quote.is_none() {
                    return Ok(word);
                }
                word.runs.push((word.text.len(), self.line, self.column));
                continue;
            }
            match (self.peek(), quote) {
                (None, Some(_)) => {
                    return Err(word.refuse(0, "the quote that opens here is never closed"));
                }
                (None, None) => return Ok(word),
                (Some(c), Some(q)) if c == q => {
                    self.take();
                    return Ok(word);
                }
                (Some(c), None) if c.is_whitespace() => return Ok(word),
                (Some('\\'), Some(q)) if self.rest.get(1..).is_some_and(|t| t.starts_with(q)) => {
                    self.take();
                    self.take();
                    word.text.push(q);
                    word.runs.push((word.text.len(), self.line, self.column));
                }
                (Some(c), _) => {
                    self.take();
                    word.text.push(c);
                    if c == '\n' {
                        word.runs.push((word.text.len(), self.line, self.column));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Vec<String>> {
        directives(Path::new("a.conf"), text.as_bytes())
            .unwrap()
            .into_iter()
            .map(|d| {
                std::iter::once(d.name.text)
                    .chain(d.arguments.into_iter().map(|w| w.text))
                    .collect()
            })
            .collect()
    }

    #[test]
    fn words_are_joined_over_lines_and_quotes_are_taken_off() {
        let text = "# SecRule no\nSecRule ARGS \"@rx a\\\"b\\x5c\" \\\r\n    \"id:1,\\\n  phase:2\"\n\nSecMarker 'END'";
        assert_eq!(
            read(text),
            [
                vec!["SecRule", "ARGS", "@rx a\"b\\x5c", "id:1,  phase:2"],
                vec!["SecMarker", "END"]
            ]
        );
    }

    #[test]
    fn a_place_in_a_word_is_found_again_past_escapes_and_lines() {
        let text = "SecRule A \"x\\\"y\" \\\n  \"id:1,\\\n  bad\"";
        let all = directives(Path::new("f"), text.as_bytes()).unwrap();
        let [directive] = all.as_slice() else {
            panic!("one directive")
        };
        let y = directive.arguments[1].position(2);
        assert_eq!((y.line, y.column), (1, 15));
        let bad = directive.arguments[2].text.find("bad").unwrap();
        let bad = directive.arguments[2].position(bad);
        assert_eq!((bad.line, bad.column), (3, 3));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        let open = directives(Path::new("f"), b"\nSecRule \"abc").unwrap_err();
        assert!(open.to_string().starts_with("f:2:10: "), "{open}");
        let bytes = directives(Path::new("f"), b"# ok\nab\xff").unwrap_err();
        assert!(bytes.to_string().starts_with("f:2:3: "), "{bytes}");
    }
}
