//! The engines on their own: `hangu redact`, `inspect` and `token`.

use std::fs;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hangu_identity::cli::{Outcome, VerifyArguments};
use hangu_inspect::seclang::{RuleSet, Source as RuleSource};
use hangu_inspect::{Inspector, Sensitivity, Settings, bench};
use hangu_redact::{Carriers, Content, Level, Recipient, Rules, Watermark, WatermarkKey};

use super::args::{
    Inspect, InspectBench, InspectCommand, Redact, RedactCommand, RedactMark, RedactTrace, Token,
};
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
    match &arguments.command {
        Some(RedactCommand::Mark(arguments)) => return settle(mark(arguments)),
        Some(RedactCommand::Trace(arguments)) => return settle(trace(arguments)),
        None => {}
    }
    let rules = match arguments.config.as_deref().map(config::load).transpose() {
        Ok(configuration) => configuration.map_or_else(Rules::shipped, |c| c.redact.rules),
        Err(mistakes) => {
            complain_of(&mistakes);
            return Answer::CouldNot;
        }
    };
    settle((|| {
        // Both are required where there is no sub-command.
        let level: Level = arguments
            .level
            .as_deref()
            .unwrap_or_default()
            .parse()
            .map_err(|e: hangu_redact::UnknownLevel| e.to_string())?;
        let media_type = arguments.media_type.as_deref().unwrap_or_default();
        let content = Content::from_content_type(media_type).map_err(|e| e.to_string())?;
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

fn watermark_key(path: &Path) -> Result<Arc<WatermarkKey>, String> {
    let named = |error: String| format!("`{}`: {error}", path.display());
    let secret = fs::read(path).map_err(|e| named(e.to_string()))?;
    let key = WatermarkKey::new(secret.trim_ascii()).map_err(|e| named(e.to_string()))?;
    Ok(Arc::new(key))
}

fn mark(arguments: &RedactMark) -> Result<Answer, String> {
    let key = watermark_key(&arguments.key)?;
    let content = Content::from_content_type(&arguments.media_type).map_err(|e| e.to_string())?;
    let watermark = Watermark {
        recipient: Recipient::named(&key, &arguments.recipient),
        key,
        carriers: Carriers {
            invisible: arguments.invisible,
            ..Carriers::default()
        },
    };
    let (input, output) = (io::stdin().lock(), io::stdout().lock());
    let marked =
        hangu_redact::cli::mark(watermark, &content, input, output).map_err(|e| e.to_string())?;
    if marked.cells == 0 {
        complain(&"nothing in the export carries a mark · 导出内容中没有可以承载水印的单元格");
        return Ok(Answer::No);
    }
    Ok(Answer::Yes)
}

fn trace(arguments: &RedactTrace) -> Result<Answer, String> {
    if !(arguments.chance > 0.0 && arguments.chance < 1.0) {
        let given = arguments.chance;
        return Err(format!(
            "`--chance` is {given}; write a probability between 0 and 1, for example 0.000001"
        ));
    }
    let key = watermark_key(&arguments.key)?;
    let content = Content::from_content_type(&arguments.media_type).map_err(|e| e.to_string())?;
    let names = arguments.names.as_deref().map(names).transpose()?;
    let traced = hangu_redact::cli::trace(
        &key,
        &content,
        names.as_deref(),
        arguments.chance,
        io::stdin().lock(),
        io::stdout().lock(),
    )
    .map_err(|e| e.to_string())?;
    if traced.named == 0 {
        let cells = traced.cells;
        complain(&format!(
            "nobody can be named from {cells} different cells · 依据 {cells} 个不同的单元格无法确认接收方"
        ));
        return Ok(Answer::No);
    }
    Ok(Answer::Yes)
}

/// Names, one a line.
fn names(path: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("`{}`: {e}", path.display()))?;
    let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
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
