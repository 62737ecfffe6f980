//! Policies that can be put into force: what was compiled, what it was compiled from, and how its rules are named.

pub mod office;
pub mod tend;
pub mod trial;

use std::sync::{Arc, OnceLock};

use hangu_policy::analysis::cases;
use hangu_policy::lifecycle::{Bundle, BundleId, Text};
use hangu_policy::statement::{self, World};
use hangu_policy::{RuleId, Said, Snapshot};

use crate::config::Mistake;

/// A compiled policy with its sources.
#[derive(Debug)]
pub struct Policy {
    /// What answers.
    pub compiled: Arc<Snapshot>,
    /// What it was compiled from.
    pub bundle: Bundle,
    /// The name of that: a digest of its texts.
    pub bundle_id: BundleId,
    /// The revision, as text: a digest of what the rules say, however they are written.
    pub revision: String,
    /// Where each rule stands, `file:line`, by its position; made when it is first asked for.
    rule_names: Box<[OnceLock<Box<str>>]>,
}

impl Policy {
    /// Compiles a policy; its tests must be readable. Where it differs in a few rows from one that is at hand, those
    /// rows are changed in a copy of it.
    ///
    /// # Errors
    /// Every mistake, with its place.
    pub fn compile(bundle: Bundle, near: Option<&Self>) -> Result<Self, Vec<Mistake>> {
        let placed = |mistakes: Vec<hangu_policy::Mistake>| -> Vec<Mistake> {
            mistakes.into_iter().map(Mistake::from).collect()
        };
        let compiled = match near {
            Some(near) => bundle.snapshot_near(&near.bundle, &near.compiled),
            None => bundle.snapshot(),
        };
        let compiled = compiled.map_err(placed)?;
        let unreadable = bundle.cases.iter();
        let unreadable = unreadable.filter_map(|file| cases::read_all(file.source()).err());
        let unreadable: Vec<Mistake> = unreadable.flat_map(placed).collect();
        if !unreadable.is_empty() {
            return Err(unreadable);
        }
        let rules = compiled.rule_count();
        Ok(Self {
            revision: compiled.revision().to_string(),
            bundle_id: bundle.id(),
            rule_names: std::iter::repeat_with(OnceLock::new).take(rules).collect(),
            compiled: Arc::new(compiled),
            bundle,
        })
    }

    /// Tests that do not hold, each with its line.
    pub fn failing_cases(&self) -> Vec<Mistake> {
        let failing = self.bundle.failing_cases(&self.compiled);
        failing.into_iter().map(Mistake::from).collect()
    }

    /// Statements that are not proved over every request, with their places.
    pub fn unproved(&self, world: Option<&World>) -> Vec<Mistake> {
        let statements: Vec<_> = self.bundle.statements.iter().map(Text::source).collect();
        match statement::prove(&self.compiled, &statements, world) {
            Ok(findings) => findings
                .into_iter()
                .filter(|finding| !finding.holds())
                .map(|finding| {
                    let (en, zh) = (&finding.message, &finding.message_zh);
                    let message = Said {
                        en: format!("the statement {en}"),
                        zh: format!("断言{zh}"),
                    };
                    let place = (finding.line as usize, finding.column as usize);
                    Mistake::placed(finding.file, place, message)
                })
                .collect(),
            Err(mistakes) => mistakes.into_iter().map(Mistake::from).collect(),
        }
    }

    /// Where a rule stands, `file:line`.
    pub fn rule_name(&self, rule: RuleId) -> &str {
        let Some(name) = self.rule_names.get(rule.0 as usize) else {
            return "?";
        };
        name.get_or_init(|| match self.compiled.rule(rule) {
            Some(rule) => format!("{}:{}", self.file_name(rule.file), rule.line).into(),
            None => "?".into(),
        })
    }

    /// What events name a file of rules by: the last part of its path, or all of it where another file ends alike.
    fn file_name<'a>(&self, path: &'a str) -> &'a str {
        let name = short(path);
        let alike = self.bundle.rules.iter();
        match alike.filter(|text| short(&text.name) == name).nth(1) {
            Some(_) => path,
            None => name,
        }
    }
}

/// The last part of a path.
fn short(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_files_that_are_named_alike_are_told_apart() {
        let model = include_str!("../../configs/policy/model.conf");
        let row = "p, *, *, *, *, /*, *, true, allow, ";
        let text = |name: &str, what: &str| Text::new(name, format!("# first\n{row}{what}\n"));
        let rules = vec![
            text("hr/rules.csv", "redact:L1"),
            text("tax/rules.csv", "redact:L2"),
            text("tax/more.csv", "redact:L3"),
        ];
        let bundle = Bundle {
            model: Text::new("model.conf", model),
            rules,
            ..Bundle::default()
        };
        let policy = Policy::compile(bundle, None).unwrap();
        let names: Vec<_> = (0..4).map(|rule| policy.rule_name(RuleId(rule))).collect();
        assert_eq!(
            names,
            ["hr/rules.csv:2", "tax/rules.csv:2", "more.csv:2", "?"]
        );
    }
}
