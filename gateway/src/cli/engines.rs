//! The engines on their own: `hangu redact`, `inspect` and `token`.

use std::fs;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use hangu_identity::cli::{Outcome, VerifyArguments};
use hangu_inspect::seclang::{RuleSet, Source as RuleSource};
use hangu_inspect::{Inspector, Sensitivity, Settings, bench};
use hangu_redact::{Content, Level, Rules};

use super::args::{Inspect, InspectBench, InspectCommand, Redact, Token};
use super::check::say;
use super::pki::moment;
use super::{Answer, complain, complain_of};
use crate::config;

/// Turns "could not" into its message and status.
pub(super) fn settle(result: Result<Answer, String>) -> Answer {
    result.unwrap_or_else(|error| {
        complain(&error);
        Answer::CouldNot
    })
}

pub(super) fn redact(arguments: &Redact) -> Answer {
    let rules = match arguments.config.as_deref().map(config::load).transpose() {
        Ok(configuration) => configuration.map_or_else(Rules::shipped, |c| c.redact.rules),
        Err(mistakes) => {
            complain_of(&mistakes);
            return Answer::CouldNot;
        }
    };
    settle((|| {
        let level: Level = arguments
            .level
            .parse()
            .map_err(|e: hangu_redact::UnknownLevel| e.to_string())?;
        let content =
            Content::from_content_type(&arguments.media_type).map_err(|e| e.to_string())?;
        hangu_redact::cli::redact(
            rules,
            level,
            content,
            io::stdin().lock(),
            io::stdout().lock(),
        )
        .map_err(|e| e.to_string())?;
        Ok(Answer::Yes)
    })())
}

/// Returns the inspector and the threshold that a command names.
fn inspector(config: Option<&Path>, strict: bool) -> Result<(Inspector, u32), Answer> {
    let mut settings = Settings::default();
    let mut threshold = hangu_inspect::inspector::THRESHOLD;
    if let Some(path) = config {
        let configuration = config::load(path).map_err(|mistakes| {
            complain_of(&mistakes);
            Answer::CouldNot
        })?;
        if let Some(portal) = configuration.portals.first() {
            threshold = portal.inspect.threshold;
            settings.sensitivity = portal.inspect.sensitivity;
        }
    }
    if strict {
        settings.sensitivity = Sensitivity::Strict;
    }
    Ok((Inspector::new(settings), threshold))
}

fn inspect_bench(arguments: &InspectBench) -> Answer {
    let (inspector, threshold) = match inspector(arguments.config.as_deref(), arguments.strict) {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    let labels = bench::Labels {
        attack: arguments.attack.clone(),
        ordinary: arguments.ordinary.clone(),
    };
    let report = bench::run(
        &inspector,
        threshold,
        &arguments.folder,
        &labels,
        &mut |case| {
            if arguments.wrong
                && let Ok(line) = serde_json::to_string(case)
            {
                say(&line);
            }
        },
    );
    settle(
        report
            .map_err(|e| format!("`{}` cannot be read: {e}", arguments.folder.display()))
            .and_then(|report| {
                if report.detection.of + report.false_positives.of == 0 {
                    return Err(format!(
                        "no file in `{}` ends with `{}` or `{}`; name the endings with --attack and --ordinary",
                        arguments.folder.display(),
                        arguments.attack,
                        arguments.ordinary
                    ));
                }
                if arguments.json {
                    let line = serde_json::to_string(&report).map_err(|e| e.to_string())?;
                    return Ok(say(&line));
                }
                let chinese = match arguments.language.as_deref() {
                    Some(language) => language == "zh",
                    None => speaks_chinese(),
                };
                let text = if chinese {
                    report.in_chinese()
                } else {
                    report.in_english()
                };
                Ok(say(text.trim_end()))
            }),
    )
}

fn speaks_chinese() -> bool {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_some_and(|value| value.starts_with("zh"))
}

pub(super) fn inspect(arguments: Inspect) -> Answer {
    if let Some(InspectCommand::Bench(arguments)) = &arguments.command {
        return inspect_bench(arguments);
    }
    let (inspector, threshold) = match inspector(arguments.config.as_deref(), arguments.strict) {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    let mut files = arguments.files;
    if arguments.files0 {
        let mut names = Vec::new();
        if let Err(error) = io::stdin().lock().read_to_end(&mut names) {
            complain(&error);
            return Answer::CouldNot;
        }
        let names = names.split(|b| *b == 0).filter(|name| !name.is_empty());
        files.extend(names.map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned())));
    }
    let sources: Vec<_> = arguments.rules.into_iter().map(RuleSource::Path).collect();
    let rules = match RuleSet::load(&sources) {
        Ok(rules) => (!sources.is_empty()).then_some(rules),
        Err(error) => {
            complain(&error);
            return Answer::CouldNot;
        }
    };
    let out = BufWriter::new(io::stdout().lock());
    match hangu_inspect::cli::inspect(
        &inspector,
        rules.as_ref(),
        threshold,
        files.into_iter(),
        out,
    ) {
        Ok(outcome) if outcome.failed > 0 => Answer::CouldNot,
        Ok(outcome) if outcome.blocked > 0 => Answer::No,
        Ok(_) => Answer::Yes,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Answer::Yes,
        Err(error) => {
            complain(&error);
            Answer::CouldNot
        }
    }
}

pub(super) fn token(command: Token) -> Answer {
    let Token::Verify {
        jwks,
        issuer,
        audience,
        at,
    } = command;
    settle((|| {
        let jwks =
            fs::read(&jwks).map_err(|e| format!("`{}` cannot be read: {e}", jwks.display()))?;
        let arguments = VerifyArguments {
            jwks,
            issuer,
            audience,
            at: moment(at.as_deref())?,
        };
        let mut input = BufReader::new(io::stdin().lock());
        let mut output = BufWriter::new(io::stdout().lock());
        let outcome = hangu_identity::cli::verify(&arguments, &mut input, &mut output)
            .map_err(|e| e.to_string())?;
        output.flush().map_err(|e| e.to_string())?;
        Ok(match outcome {
            Outcome::AllValid => Answer::Yes,
            Outcome::SomeInvalid => Answer::No,
        })
    })())
}
