//! What is loaded, and how a fault in it is reported.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::said::Said;

/// A text with the name under which it is reported.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// File name for diagnostics.
    pub name: &'a str,
    /// The whole content.
    pub text: &'a str,
}

/// Whose semantics a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dialect {
    /// What the reference engines agree on; everything else is refused at load.
    #[default]
    Strict,
    /// What Casbin for Go answers, its defects included; see [`compat`](crate::compat).
    CasbinGo,
    /// What the `casbin` crate answers, its defects included.
    CasbinRs,
}

impl Dialect {
    /// Name in configuration and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::CasbinGo => "casbin-go",
            Self::CasbinRs => "casbin-rs",
        }
    }
}

/// A dialect that this engine does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown dialect `{0}`; write `strict`, `casbin-rs` or `casbin-go`")]
pub struct UnknownDialect(pub String);

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, UnknownDialect> {
        match name {
            "strict" => Ok(Self::Strict),
            "casbin-go" => Ok(Self::CasbinGo),
            "casbin-rs" => Ok(Self::CasbinRs),
            _ => Err(UnknownDialect(name.to_owned())),
        }
    }
}

/// A fault in a model or in rules, where it stands and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Name of the source.
    pub file: Box<str>,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What is wrong, in Chinese.
    pub message_zh: String,
    /// What would be right; may be empty.
    pub help: String,
    /// What would be right, in Chinese; empty where `help` is.
    pub help_zh: String,
}

impl Mistake {
    /// A mistake at a place; line and column are counted from 1.
    pub fn new(
        file: impl Into<Box<str>>,
        (line, column): (u32, u32),
        message: Said,
        help: Said,
    ) -> Self {
        Self {
            file: file.into(),
            line,
            column,
            message: message.en,
            message_zh: message.zh,
            help: help.en,
            help_zh: help.zh,
        }
    }

    /// What is wrong and what would be right, in both languages, without the place.
    pub fn said(&self) -> Said {
        let message = Said {
            en: self.message.clone(),
            zh: self.message_zh.clone(),
        };
        message.then(&Said {
            en: self.help.clone(),
            zh: self.help_zh.clone(),
        })
    }

    /// What a terminal shows: the line in English, the Chinese below it, indented.
    pub fn lines(&self) -> String {
        format!("{self}\n    {}", self.said().zh)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file, line, column, ..
        } = self;
        write!(f, "{file}:{line}:{column}: {}", self.said().en)
    }
}

impl std::error::Error for Mistake {}

/// A piece of a source that knows where each of its bytes was written.
#[derive(Clone, Debug)]
pub(crate) struct Passage {
    pub(crate) file: String,
    pub(crate) text: String,
    /// Offset in `text`, line and column where a run of characters begins; ascending.
    runs: Vec<(usize, u32, u32)>,
}

impl Passage {
    pub(crate) fn new(file: &str, text: &str, line: u32, column: u32) -> Self {
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            runs: vec![(0, line, column)],
        }
    }

    /// Appends the text of a continued line.
    pub(crate) fn append(&mut self, text: &str, line: u32, column: u32) {
        self.runs.push((self.text.len(), line, column));
        self.text.push_str(text);
    }

    pub(crate) fn mistake(&self, offset: usize, message: Said, help: Said) -> Mistake {
        Mistake::new(&*self.file, self.place(offset), message, help)
    }

    /// Line and column of a byte.
    pub(crate) fn place(&self, offset: usize) -> (u32, u32) {
        let run = self
            .runs
            .iter()
            .rev()
            .find(|(start, ..)| *start <= offset)
            .copied();
        let (start, line, column) = run.unwrap_or((0, 1, 1));
        let before = self
            .text
            .get(start..offset.min(self.text.len()))
            .unwrap_or_default();
        (line, column.saturating_add(size(before.chars().count())))
    }
}

/// A count that is kept in 32 bits; what would not fit saturates, and loading is bounded far below.
pub(crate) fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Shortens text for a message, so that one long line does not drown the others.
pub(crate) fn brief(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(SHOWN).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::said;

    #[test]
    fn a_mistake_in_a_continued_line_points_at_that_line() {
        let mut passage = Passage::new("m", "a && ", 3, 5);
        passage.append("中 b", 4, 3);
        let at = passage.text.find('b').unwrap();
        let mistake = passage.mistake(at, said!("no", "错"), said!("yes", "对"));
        assert_eq!(mistake.to_string(), "m:4:5: no; yes");
        assert_eq!(mistake.lines(), "m:4:5: no; yes\n    错；对");
    }

    #[test]
    fn a_dialect_is_known_by_its_name_and_no_other() {
        for dialect in [Dialect::Strict, Dialect::CasbinGo, Dialect::CasbinRs] {
            assert_eq!(dialect.name().parse(), Ok(dialect));
        }
        let refusal = "casbin".parse::<Dialect>().unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "unknown dialect `casbin`; write `strict`, `casbin-rs` or `casbin-go`"
        );
    }
}
