//! The engines on their own: `hangu redact`, `inspect` and `token`.

use std::fs;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::PathBuf;

use hangu_identity::cli::{Outcome, VerifyArguments};
use hangu_inspect::seclang::{RuleSet, Source as RuleSource};
use hangu_inspect::{Inspector, Settings};
use hangu_redact::{Level, Media};

use super::args::{Inspect, Redact, Token};
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
    if let Some(path) = &arguments.config
        && let Err(mistakes) = config::load(path)
    {
        complain_of(&mistakes);
        return Answer::CouldNot;
    }
    settle((|| {
        let level: Level = arguments
            .level
            .parse()
            .map_err(|e: hangu_redact::UnknownLevel| e.to_string())?;
        let media = Media::from_content_type(&arguments.media_type).map_err(|e| e.to_string())?;
        hangu_redact::cli::redact(level, media, io::stdin().lock(), io::stdout().lock())
            .map_err(|e| e.to_string())?;
        Ok(Answer::Yes)
    })())
}

pub(super) fn inspect(arguments: Inspect) -> Answer {
    let threshold = match &arguments.config {
        None => hangu_inspect::inspector::THRESHOLD,
        Some(path) => match config::load(path) {
            Ok(c) => c
                .portals
                .first()
                .map_or(hangu_inspect::inspector::THRESHOLD, |p| p.inspect.threshold),
            Err(mistakes) => {
                complain_of(&mistakes);
                return Answer::CouldNot;
            }
        },
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
    let inspector = Inspector::new(Settings::default());
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
