//! What is wrong with the configuration, and where.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use hangu_policy::{Said, said};
use serde::Serialize;

/// One mistake: the file, the place and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The file it is in.
    pub file: PathBuf,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// The column in characters, from 1; 0 where the whole file is meant.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The same in Chinese.
    pub message_zh: String,
}

impl Mistake {
    /// A mistake about a whole file.
    pub fn of_file(file: &Path, message: Said) -> Self {
        Self::placed(file, (0, 0), message)
    }

    /// A mistake at a line and a column.
    pub fn placed(file: impl Into<PathBuf>, (line, column): (usize, usize), message: Said) -> Self {
        Self {
            file: file.into(),
            line,
            column,
            message: message.en,
            message_zh: message.zh,
        }
    }

    /// A mistake at a byte range of a file's text.
    pub fn at(file: &Path, text: &str, span: &Range<usize>, message: Said) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        Self::placed(file, (line, column), message)
    }

    /// What a terminal shows: the line in English, the Chinese below it, indented.
    pub fn lines(&self) -> String {
        format!("{self}\n    {}", self.message_zh)
    }
}

/// What is said of a file that cannot be read.
pub fn unreadable(error: &dyn fmt::Display) -> Said {
    said!("cannot be read: {error}", "无法读取：{error}")
}

/// What an engine or a library says in English, in a Chinese frame.
pub fn unusable(error: &dyn fmt::Display) -> Said {
    said!("{error}", "不可用：{error}")
}

impl From<hangu_policy::Mistake> for Mistake {
    fn from(mistake: hangu_policy::Mistake) -> Self {
        let place = (mistake.line as usize, mistake.column as usize);
        Self::placed(&*mistake.file, place, mistake.said())
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.message),
            line => write!(
                f,
                "{}:{line}:{}: {}",
                self.file.display(),
                self.column,
                self.message
            ),
        }
    }
}

/// The known word nearest to a mistyped one, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (distance(word, k), k))
        .filter(|(d, k)| *d <= 1 + k.len() / 3)
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

/// Levenshtein distance over characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, cb) in row.iter_mut().skip(1).zip(&b) {
            let best = (diagonal + usize::from(ca != *cb))
                .min(left + 1)
                .min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters_not_bytes() {
        let text = "a = 1\n中文 = 2";
        let start = text.find('=').map_or(0, |_| text.rfind('=').unwrap());
        let mistake = Mistake::at(Path::new("f"), text, &(start..start + 1), Said::default());
        assert_eq!((mistake.line, mistake.column), (2, 4));
    }

    #[test]
    fn the_nearest_word_is_suggested_only_when_it_is_near() {
        assert_eq!(nearest("upstrem", ["upstream", "zone"]), Some("upstream"));
        assert_eq!(nearest("banana", ["upstream", "zone"]), None);
    }
}
