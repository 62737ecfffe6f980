//! `hangu policy`.

use std::fs;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use hangu_policy::analysis::patience::Patience;
use hangu_policy::cli::tools::{self, Faults, Form, Inquiry, Verdict};
use hangu_policy::cli::{Error, decide};
use hangu_policy::{Dialect, Source};
use serde_json::Value;

use super::args::{Policy, PolicyFiles};
use super::engines::settle;
use super::{Answer, complain_of};
use crate::clock::{self, Calendar};
use crate::config;
use crate::recorded::recorded;
use crate::world::world;

/// Texts with their names.
struct Texts(Vec<(String, String)>);

impl Texts {
    /// Reads files, and those with this ending in folders.
    fn read(paths: &[PathBuf], ending: &str) -> Result<Self, String> {
        let mut texts = Vec::new();
        for path in paths {
            let files = config::members(path, ending);
            for file in files.map_err(|said| format!("{}\n    {}", said.en, said.zh))? {
                texts.push((file.display().to_string(), text(&file)?));
            }
        }
        Ok(Self(texts))
    }

    fn sources(&self) -> Vec<Source<'_>> {
        self.0
            .iter()
            .map(|(name, text)| Source { name, text })
            .collect()
    }
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("`{}` cannot be read: {e}", path.display()))
}

pub(super) fn run(command: Policy) -> Answer {
    let (input, output) = (
        BufReader::new(io::stdin().lock()),
        BufWriter::new(io::stdout().lock()),
    );
    match command {
        Policy::Decide {
            model,
            rules,
            dialect,
        } => settle((|| {
            let dialect = Dialect::from_str(&dialect).map_err(|e| e.to_string())?;
            let (name, model) = (model.display().to_string(), text(&model)?);
            let (rules, now) = (Texts::read(&rules, "csv")?, clock::now().as_second());
            let model = Source {
                name: &name,
                text: &model,
            };
            decide(model, &rules.sources(), dialect, now, input, output)
                .map_err(|e| e.to_string())?;
            Ok(Answer::Yes)
        })()),
        Policy::Lint { files } => with(&files, |inquiry, _| inquiry.lint(output)),
        Policy::Test {
            files,
            tests,
            faults,
        } => match Texts::read(&tests, "jsonl") {
            Ok(tests) => with(&files, |inquiry, model| {
                let faults = if faults { Faults::Put } else { Faults::None };
                inquiry.test(model, &tests.sources(), faults, output)
            }),
            Err(error) => settle(Err(error)),
        },
        Policy::Explain { files } => with(&files, |inquiry, _| inquiry.explain(input, output)),
        Policy::WhoCan { files } => with(&files, |inquiry, _| inquiry.who_can(input, output)),
        Policy::WhatCan { files } => with(&files, |inquiry, _| inquiry.what_can(input, output)),
        Policy::Diff {
            files,
            before_model,
            before_rules,
        } => {
            let before_model = before_model.unwrap_or_else(|| files.model.clone());
            match (
                Texts::read(&[before_model], "conf"),
                Texts::read(&before_rules, "csv"),
            ) {
                (Ok(models), Ok(before)) => with(&files, |inquiry, model| {
                    let (models, before) = (models.sources(), before.sources());
                    let first = models.first().copied().unwrap_or(model);
                    inquiry.diff(&tools::load(first, &before)?, output)
                }),
                (Err(error), _) | (_, Err(error)) => settle(Err(error)),
            }
        }
        Policy::Prove {
            files,
            statements,
            zones,
        } => {
            let world = match zones.as_deref().map(config::load).transpose() {
                Ok(configuration) => configuration.as_ref().map(world),
                Err(mistakes) => {
                    complain_of(&mistakes);
                    return Answer::CouldNot;
                }
            };
            match Texts::read(&statements, "statements") {
                Ok(texts) => with(&files, |inquiry, _| {
                    inquiry.prove(&texts.sources(), world.as_ref(), output)
                }),
                Err(error) => settle(Err(error)),
            }
        }
        Policy::Replay {
            files,
            config: None,
        } => with(&files, |inquiry, _| {
            let records = tools::records(input, |json| tools::record(&json).map(Some));
            inquiry.replay(records, output)
        }),
        Policy::Replay {
            files,
            config: Some(path),
        } => match config::load(&path) {
            Ok(configuration) => {
                let calendar = Calendar::new(&configuration.time_zone);
                with(&files, |inquiry, _| {
                    let read = |json: Value| Ok(recorded(&configuration, &calendar, &json));
                    inquiry.replay(tools::records(input, read), output)
                })
            }
            Err(mistakes) => {
                complain_of(&mistakes);
                Answer::CouldNot
            }
        },
    }
}

/// Reads a policy and runs a tool on it.
fn with(
    files: &PolicyFiles,
    tool: impl FnOnce(Inquiry<'_>, Source<'_>) -> Result<Verdict, Error>,
) -> Answer {
    settle((|| {
        let (name, model) = (files.model.display().to_string(), text(&files.model)?);
        let rules = Texts::read(&files.rules, "csv")?;
        let form = if files.text { Form::Text } else { Form::Json };
        let model = Source {
            name: &name,
            text: &model,
        };
        let policy = tools::load(model, &rules.sources()).map_err(|e| e.to_string())?;
        let inquiry = Inquiry {
            policy: &policy,
            form,
            patience: &Patience::endless(),
        };
        tool(inquiry, model)
            .map_err(|e| e.to_string())
            .map(|verdict| match verdict {
                Verdict::Yes => Answer::Yes,
                Verdict::No => Answer::No,
            })
    })())
}
