//! The texts of a policy: what was loaded, as it was written, with the tests beside it.

use std::fs;
use std::path::{Path, PathBuf};

use hangu_policy::analysis::cases;
use hangu_policy::{Dialect, Snapshot, Source};
use serde::{Deserialize, Serialize};

use crate::config::Mistake;

/// A text and the name under which its mistakes are reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The name, mostly of a file.
    pub name: String,
    /// The whole content.
    pub text: String,
}

/// What a policy is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySources {
    /// The model.
    pub model: Text,
    /// The rules and roles, in order.
    pub rules: Vec<Text>,
    /// Tests, one a line.
    pub cases: Vec<Text>,
}

impl Text {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(file: &Path) -> Result<Self, Mistake> {
        let text = fs::read_to_string(file)
            .map_err(|e| Mistake::of_file(file, format!("cannot be read: {e}")))?;
        Ok(Self {
            name: file.display().to_string(),
            text,
        })
    }

    /// The text as the policy takes it.
    pub fn source(&self) -> Source<'_> {
        Source {
            name: &self.name,
            text: &self.text,
        }
    }
}

/// Texts as the policy takes them.
pub fn sources(texts: &[Text]) -> Vec<Source<'_>> {
    texts.iter().map(Text::source).collect()
}

impl PolicySources {
    /// Compiles model and rules, in the strict dialect.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn load(&self) -> Result<Snapshot, Vec<hangu_policy::Mistake>> {
        Snapshot::load(self.model.source(), &sources(&self.rules), Dialect::Strict)
    }

    /// Lines of tests that are none.
    pub fn unreadable(&self) -> Vec<Mistake> {
        let read = self.cases.iter().map(|file| cases::read_all(file.source()));
        let mistakes = read.filter_map(Result::err).flatten();
        mistakes.map(Mistake::from).collect()
    }

    /// Tests that do not hold, each with its line.
    pub fn failing(&self, policy: &Snapshot) -> Vec<Mistake> {
        let failing = |file: &Text| {
            let tests = cases::read_all(file.source()).unwrap_or_default();
            let failures = cases::failures(policy, &tests).into_iter();
            let path = PathBuf::from(&file.name);
            failures
                .map(|failure| Mistake {
                    file: path.clone(),
                    line: failure.line,
                    column: 1,
                    message: format!("the test `{}` fails: {}", failure.name, failure.message),
                })
                .collect::<Vec<_>>()
        };
        self.cases.iter().flat_map(failing).collect()
    }
}
