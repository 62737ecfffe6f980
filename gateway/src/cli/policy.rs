//! `hangu policy`.

use std::fs;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use hangu_policy::analysis::replay::Recorded;
use hangu_policy::cli::tools::{self, Form, Verdict};
use hangu_policy::cli::{Error, decide};
use hangu_policy::{Dialect, Source};
use serde_json::{Value, json};

use super::args::{Policy, PolicyFiles};
use super::engines::settle;
use super::{Answer, complain_of};
use crate::clock::{self, Calendar};
use crate::config::{self, Configuration};
use crate::world::world;

/// Texts with their names.
struct Texts(Vec<(String, String)>);

impl Texts {
    fn read(paths: &[PathBuf]) -> Result<Self, String> {
        let read = |path: &PathBuf| -> Result<(String, String), String> {
            Ok((path.display().to_string(), text(path)?))
        };
        paths.iter().map(read).collect::<Result<_, _>>().map(Self)
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
            let (rules, now) = (Texts::read(&rules)?, clock::now().as_second());
            let model = Source {
                name: &name,
                text: &model,
            };
            decide(model, &rules.sources(), dialect, now, input, output)
                .map_err(|e| e.to_string())?;
            Ok(Answer::Yes)
        })()),
        Policy::Lint { files } => with(&files, |model, rules, form| {
            tools::lint(model, rules, form, output)
        }),
        Policy::Test {
            files,
            tests,
            faults,
        } => match Texts::read(&tests) {
            Ok(tests) => with(&files, |model, rules, form| {
                tools::test(model, rules, &tests.sources(), faults, form, output)
            }),
            Err(error) => settle(Err(error)),
        },
        Policy::Explain { files } => with(&files, |model, rules, form| {
            tools::explain(model, rules, form, input, output)
        }),
        Policy::WhoCan { files } => with(&files, |model, rules, form| {
            tools::who_can(model, rules, form, input, output)
        }),
        Policy::WhatCan { files } => with(&files, |model, rules, form| {
            tools::what_can(model, rules, form, input, output)
        }),
        Policy::Diff {
            files,
            before_model,
            before_rules,
        } => {
            let before_model = before_model.unwrap_or_else(|| files.model.clone());
            match (Texts::read(&[before_model]), Texts::read(&before_rules)) {
                (Ok(models), Ok(before)) => with(&files, |model, rules, form| {
                    let (models, before) = (models.sources(), before.sources());
                    let first = models.first().copied().unwrap_or(model);
                    tools::diff((first, &before), (model, rules), form, output)
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
            match Texts::read(&statements) {
                Ok(texts) => with(&files, |model, rules, form| {
                    let statements = texts.sources();
                    tools::prove(model, rules, &statements, world.as_ref(), form, output)
                }),
                Err(error) => settle(Err(error)),
            }
        }
        Policy::Replay {
            files,
            config: None,
        } => with(&files, |model, rules, form| {
            tools::replay(
                model,
                rules,
                form,
                |json| tools::record(&json).map(Some),
                input,
                output,
            )
        }),
        Policy::Replay {
            files,
            config: Some(path),
        } => match config::load(&path) {
            Ok(configuration) => {
                let calendar = Calendar::new(&configuration.time_zone);
                with(&files, |model, rules, form| {
                    let read = |json: Value| Ok(recorded(&configuration, &calendar, &json));
                    tools::replay(model, rules, form, read, input, output)
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
    tool: impl FnOnce(Source<'_>, &[Source<'_>], Form) -> Result<Verdict, Error>,
) -> Answer {
    settle((|| {
        let (name, model) = (files.model.display().to_string(), text(&files.model)?);
        let rules = Texts::read(&files.rules)?;
        let form = if files.text { Form::Text } else { Form::Json };
        let verdict = tool(
            Source {
                name: &name,
                text: &model,
            },
            &rules.sources(),
            form,
        );
        verdict
            .map_err(|e| e.to_string())
            .map(|verdict| match verdict {
                Verdict::Yes => Answer::Yes,
                Verdict::No => Answer::No,
            })
    })())
}

/// The decision of an event, with the facts that it rested on as far as the event and the configuration have them.
/// What is neither (trust in a device) stays unknown, and a rule that hangs on it does not apply if it allows.
fn recorded(configuration: &Configuration, calendar: &Calendar, event: &Value) -> Option<Recorded> {
    let at = |pointer: &str| event.pointer(pointer);
    let text = |pointer: &str| {
        at(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let effect = at("/unmapped/decision/effect").and_then(Value::as_str)?;
    let portal = text("/unmapped/portal");
    let known = configuration
        .portals
        .iter()
        .find(|known| known.name == portal);
    let zone = text("/src_endpoint/zone");
    let zone = configuration
        .zones
        .iter()
        .find(|known| known.name == zone)
        .map_or_else(|| format!("zone:{zone}"), |known| known.policy_name.clone());
    let caller = match text("/actor/user/uid") {
        nobody if nobody.is_empty() => "anon".to_owned(),
        caller => caller,
    };
    let time = calendar.at(at("/time").and_then(Value::as_u64).unwrap_or(0));
    let request = json!({
        "sub": caller,
        "dom": known.map_or("", |portal| portal.department.as_str()),
        "src": zone,
        "host": text("/http_request/url/hostname"),
        "path": text("/http_request/url/path"),
        "act": text("/http_request/http_method"),
        "ctx": {
            "aal": at("/unmapped/assurance").and_then(Value::as_i64).unwrap_or(0),
            "risk": at("/unmapped/risk/caller").and_then(Value::as_i64).unwrap_or(0),
            "min": time.minute,
            "dow": time.weekday,
            "cert": at("/tls/certificate").is_some_and(|certificate| !certificate.is_null()),
        },
    });
    let rules = at("/unmapped/decision/rules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Some(Recorded {
        id: text("/unmapped/decision/id"),
        request,
        allowed: effect == "allow",
        rules: rules.filter_map(Value::as_str).map(str::to_owned).collect(),
        caller,
        portal,
    })
}
