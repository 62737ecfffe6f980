//! A policy that can be put into force: what was compiled, what it was compiled from, and how its rules are named.

use hangu_policy::{Dialect, RuleId, Snapshot, Source};

use crate::config::Mistake;

/// A text and the name under which it is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The file's path as it was given.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// A compiled policy with its sources.
#[derive(Debug)]
pub struct Policy {
    /// What answers.
    pub compiled: Snapshot,
    /// The model.
    pub model: Text,
    /// Rules and roles, in the order they are read.
    pub rules: Vec<Text>,
    /// The revision, as text.
    pub revision: String,
    /// Where each rule stands, `file:line`, by its position.
    rule_names: Vec<String>,
}

impl Policy {
    /// Compiles a policy.
    ///
    /// # Errors
    /// Every mistake, with its place.
    pub fn compile(model: Text, rules: Vec<Text>) -> Result<Self, Vec<Mistake>> {
        let sources: Vec<Source<'_>> = rules
            .iter()
            .map(|Text { name, text }| Source { name, text })
            .collect();
        let source = Source {
            name: &model.name,
            text: &model.text,
        };
        let compiled = Snapshot::load(source, &sources, Dialect::Strict)
            .map_err(|mistakes| mistakes.into_iter().map(placed).collect::<Vec<_>>())?;
        let rule_names = compiled
            .rules()
            .map(|rule| format!("{}:{}", short(rule.file), rule.line))
            .collect();
        Ok(Self {
            revision: compiled.revision().to_string(),
            rule_names,
            compiled,
            model,
            rules,
        })
    }

    /// Where a rule stands, `file:line`.
    pub fn rule_name(&self, rule: RuleId) -> &str {
        self.rule_names
            .get(rule.0 as usize)
            .map_or("?", String::as_str)
    }
}

/// A mistake of the policy in the words of the configuration.
fn placed(mistake: hangu_policy::Mistake) -> Mistake {
    let message = if mistake.help.is_empty() {
        mistake.message
    } else {
        format!("{}; {}", mistake.message, mistake.help)
    };
    Mistake {
        file: mistake.file.into(),
        line: mistake.line as usize,
        column: mistake.column as usize,
        message,
    }
}

/// The last part of a path: what an event names a file by.
fn short(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
