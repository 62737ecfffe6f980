//! Kinds that an operator declares: a pattern, words, fields; with examples that show whether it is right.

use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::{Action, UnknownAction};
use crate::kind::{Kind, UnknownKind};
use crate::level::{Level, UnknownLevel};
use crate::path::Path;
use crate::path_stage::PathStage;
use crate::rules::Rules;

/// A kind as it is written in the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OwnKindFile {
    /// Its name in messages.
    pub name: String,
    /// A regular expression over one string or line, of 4 KiB at most; its group `value` is what is masked, else all of it.
    pub pattern: Option<String>,
    /// Words that are masked wherever they stand.
    #[serde(default)]
    pub words: Vec<String>,
    /// Field names and labels whose values are masked.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Places in JSON documents whose values are masked, whatever they look like: `$.data[*].owner.name`, `$..phone`.
    #[serde(default)]
    pub paths: Vec<String>,
    /// The shipped kind, such as `name`, that its values by field and by path are counted and masked as. Default: none,
    /// and `action` says what happens to them.
    pub kind: Option<String>,
    /// What happens to a value. Default: `drop`.
    pub action: Option<String>,
    /// The least level at which it does. Default: `L1`.
    pub from: Option<String>,
    /// Texts in which `hangu check` must find it; for `paths`, JSON documents.
    #[serde(default)]
    pub finds: Vec<String>,
    /// Texts in which it must not.
    #[serde(default)]
    pub passes: Vec<String>,
}

/// A kind as it is meant.
#[derive(Debug, Clone)]
pub struct OwnKind {
    name: String,
    pattern: Option<Regex>,
    fields: Vec<String>,
    paths: Vec<Path>,
    kind: Option<Kind>,
    action: Action,
    from: Level,
    finds: Vec<String>,
    passes: Vec<String>,
}

/// Why a kind cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// Nothing says how it is found.
    #[error("kind `{0}` is never found; give it `pattern`, `words`, `fields` or `paths`")]
    Empty(String),
    /// The pattern is no regular expression, or too large.
    #[error("the pattern of kind `{name}` cannot be used: {source}")]
    Pattern {
        /// The kind.
        name: String,
        /// What is wrong.
        #[source]
        source: Box<regex::Error>,
    },
    /// The pattern fits an empty text, and so every place.
    #[error(
        "the pattern of kind `{0}` fits an empty text, so it would fit everywhere; let it ask for a character"
    )]
    Everywhere(String),
    /// A path cannot be read.
    #[error("path `{path}` of kind `{name}` cannot be used: {why}")]
    Path {
        /// The kind.
        name: String,
        /// The path as written.
        path: String,
        /// What would be right.
        why: &'static str,
    },
    /// The shipped kind does not exist.
    #[error(transparent)]
    Kind(#[from] UnknownKind),
    /// The action does not exist.
    #[error(transparent)]
    Action(#[from] UnknownAction),
    /// The level does not exist.
    #[error(transparent)]
    Level(#[from] UnknownLevel),
}

/// Memory that one compiled pattern may take, in bytes: chosen.
const SIZE_MAX: usize = 1 << 20;

impl OwnKind {
    /// Understands a kind as it is written.
    ///
    /// # Errors
    /// It is never or always found, its pattern cannot be used, or its action or level does not exist.
    pub fn new(file: OwnKindFile) -> Result<Self, OwnError> {
        let mut parts: Vec<String> = file
            .words
            .iter()
            .filter(|word| !word.is_empty())
            .map(|word| regex::escape(word))
            .collect();
        parts.extend(file.pattern.iter().map(|pattern| format!("(?:{pattern})")));
        let path = |text: &String| {
            Path::new(text).map_err(|why| OwnError::Path {
                name: file.name.clone(),
                path: text.clone(),
                why,
            })
        };
        let paths = file.paths.iter().map(path).collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() && file.fields.is_empty() && paths.is_empty() {
            return Err(OwnError::Empty(file.name));
        }
        let pattern = if parts.is_empty() {
            None
        } else {
            let built = RegexBuilder::new(&parts.join("|"))
                .size_limit(SIZE_MAX)
                .dfa_size_limit(SIZE_MAX)
                .build();
            let pattern = built.map_err(|source| OwnError::Pattern {
                name: file.name.clone(),
                source: Box::new(source),
            })?;
            if pattern.is_match(b"") {
                return Err(OwnError::Everywhere(file.name));
            }
            Some(pattern)
        };
        Ok(Self {
            paths,
            kind: file.kind.as_deref().map(str::parse).transpose()?,
            pattern,
            action: file
                .action
                .as_deref()
                .map_or(Ok(Action::Drop), str::parse)?,
            from: file.from.as_deref().map_or(Ok(Level::L1), str::parse)?,
            name: file.name,
            fields: file.fields,
            finds: file.finds,
            passes: file.passes,
        })
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what its examples and samples of ordinary text say against it, one sentence each.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let name = &self.name;
        let mut out = Vec::new();
        if self.pattern.is_none() && self.paths.is_empty() {
            return out;
        }
        for text in self.finds.iter().filter(|text| !self.is_found_in(text)) {
            out.push(format!("kind `{name}` does not find its example `{text}`"));
        }
        for text in self.passes.iter().filter(|text| self.is_found_in(text)) {
            out.push(format!(
                "kind `{name}` finds `{text}`, which it should pass"
            ));
        }
        out
    }

    /// Tells whether a value of it is in a text, by its pattern or at its paths.
    fn is_found_in(&self, text: &str) -> bool {
        let matched = |pattern: &Regex| pattern.is_match(text.as_bytes());
        if self.pattern.as_ref().is_some_and(matched) {
            return true;
        }
        let mut rules = Rules::default();
        rules.add_own(self.clone());
        PathStage::new(&Arc::new(rules), Level::L4, false).is_some_and(|mut stage| {
            stage.feed(text.as_bytes(), true, &mut Vec::new());
            stage.found.total() > 0
        })
    }

    /// Returns what is doubtful about it: that nothing shows it to match, or that it matches everything.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        const ORDINARY: [&str; 5] = [
            "关于进一步优化营商环境的通知",
            "The quick brown fox",
            "2026-11-22 10:30",
            "status: ok, total 42",
            "<p>hello</p>",
        ];
        let name = &self.name;
        let mut out = Vec::new();
        if self.pattern.is_none() && self.paths.is_empty() {
            return out;
        }
        if self.paths.iter().any(Path::is_everything) {
            out.push(format!(
                "kind `{name}` has a path that fits every value; name the members that it is for"
            ));
        }
        if self.finds.is_empty() {
            out.push(format!("kind `{name}` has no `finds`, so nothing shows that it matches anything; give one example"));
        }
        let ordinary = |pattern: &Regex| {
            let fits = |text: &&&str| pattern.is_match(text.as_bytes());
            ORDINARY.iter().filter(fits).count() >= 4
        };
        if self.pattern.as_ref().is_some_and(ordinary) {
            out.push(format!(
                "kind `{name}` matches almost every text; make its pattern more exact"
            ));
        }
        out
    }

    pub(crate) fn fields(&self) -> &[String] {
        &self.fields
    }

    pub(crate) fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The kind that its values by field and by path count as.
    pub(crate) fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Custom)
    }

    /// What happens to a value by its path.
    pub(crate) fn action_of(&self, rules: &Rules, level: Level) -> Action {
        match self.kind {
            Some(kind) => rules.action(level, kind),
            None => self.action(level),
        }
    }

    pub(crate) fn action(&self, level: Level) -> Action {
        if level < self.from {
            Action::Pass
        } else {
            self.action
        }
    }

    /// Places of the values in a text.
    pub(crate) fn find(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let Some(pattern) = &self.pattern else {
            return Vec::new();
        };
        pattern
            .captures_iter(text)
            .filter_map(|found| {
                let value = found.name("value").or_else(|| found.get(0))?;
                (!value.is_empty()).then(|| (value.start(), value.end()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(pattern: &str) -> OwnKindFile {
        OwnKindFile {
            name: "case".into(),
            pattern: Some(pattern.into()),
            ..OwnKindFile::default()
        }
    }

    #[test]
    fn a_kind_is_held_to_its_own_examples() {
        let kind = OwnKind::new(OwnKindFile {
            finds: vec!["案号(2026)京01民初123号".into(), "none".into()],
            passes: vec!["(2026)京01民初9号".into()],
            ..file(r"\(20\d\d\)京\d+民初\d+号")
        })
        .unwrap();
        assert_eq!(
            kind.complaints(),
            [
                "kind `case` does not find its example `none`",
                "kind `case` finds `(2026)京01民初9号`, which it should pass"
            ]
        );
        assert_eq!(kind.warnings(), Vec::<String>::new());
    }

    #[test]
    fn a_kind_that_fits_nothing_or_everything_is_told() {
        assert!(matches!(
            OwnKind::new(OwnKindFile::default()),
            Err(OwnError::Empty(_))
        ));
        assert!(matches!(
            OwnKind::new(file("x*")),
            Err(OwnError::Everywhere(_))
        ));
        assert!(matches!(
            OwnKind::new(file("(")),
            Err(OwnError::Pattern { .. })
        ));
        assert!(matches!(
            OwnKind::new(file("(a{1000}){1000}")),
            Err(OwnError::Pattern { .. })
        ));
        let warnings = OwnKind::new(file(".")).unwrap().warnings();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }
}
