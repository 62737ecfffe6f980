//! The engines on their own: `hangu policy`, `redact`, `inspect`, `token` and `identity`.

use std::fs;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use hangu_identity::api_key::{Pepper, generate};
use hangu_identity::caller::CallerFile;
use hangu_identity::cli::{Outcome, VerifyArguments};
use hangu_identity::{Assurance, CallerKind};
use hangu_inspect::{Inspector, Settings};
use hangu_policy::{Dialect, Source};
use hangu_redact::{Format, Level, Rules};

use super::args::{Identity, Inspect, Policy, Redact, Token};
use super::check::say;
use super::pki::moment;
use super::{Answer, complain, complain_of};
use crate::identities::ApiKeysFile;
use crate::{clock, config};

/// Turns "could not" into its message and status.
fn settle(result: Result<Answer, String>) -> Answer {
    result.unwrap_or_else(|error| {
        complain(&error);
        Answer::CouldNot
    })
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("`{}` cannot be read: {e}", path.display()))
}

pub(super) fn policy(command: Policy) -> Answer {
    let Policy::Decide {
        model,
        rules,
        dialect,
    } = command;
    settle(decide(&model, &rules, &dialect))
}

fn decide(model: &Path, rules: &[PathBuf], dialect: &str) -> Result<Answer, String> {
    let dialect = Dialect::from_str(dialect).map_err(|e| e.to_string())?;
    let model_text = text(model)?;
    let model_name = model.display().to_string();
    let names: Vec<String> = rules.iter().map(|r| r.display().to_string()).collect();
    let texts = rules
        .iter()
        .map(|r| text(r))
        .collect::<Result<Vec<_>, _>>()?;
    let sources: Vec<Source<'_>> = names
        .iter()
        .zip(&texts)
        .map(|(name, text)| Source { name, text })
        .collect();
    let source = Source {
        name: &model_name,
        text: &model_text,
    };
    let (input, output) = (
        BufReader::new(io::stdin().lock()),
        BufWriter::new(io::stdout().lock()),
    );
    hangu_policy::cli::decide(source, &sources, dialect, input, output)
        .map_err(|e| e.to_string())?;
    Ok(Answer::Yes)
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
        let format = Format::from_content_type(&arguments.media_type).map_err(|e| e.to_string())?;
        hangu_redact::cli::redact(
            rules,
            level,
            format,
            io::stdin().lock(),
            io::stdout().lock(),
        )
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
    let out = BufWriter::new(io::stdout().lock());
    match hangu_inspect::cli::inspect(&inspector, threshold, files.into_iter(), out) {
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

pub(super) fn identity(command: Identity) -> Answer {
    match command {
        Identity::Hash => settle((|| {
            let mut line = String::new();
            io::stdin()
                .lock()
                .read_line(&mut line)
                .map_err(|e| e.to_string())?;
            let hash = hangu_identity::local::hash_password(line.trim_end_matches(['\r', '\n']))
                .map_err(|e| e.to_string())?;
            Ok(say(&hash))
        })()),
        Identity::ApiKey {
            name,
            caller,
            file,
            pepper,
            days,
            assurance,
            clearance,
            department,
        } => {
            let caller = CallerFile {
                id: caller,
                name: None,
                kind: CallerKind::Service,
                assurance: Assurance::new(assurance).unwrap_or(Assurance::NONE),
                clearance,
                department,
                roles: Vec::new(),
                attributes: std::collections::BTreeMap::new(),
            };
            settle(api_key(&name, caller, &file, &pepper, days))
        }
    }
}

fn api_key(
    name: &str,
    caller: CallerFile,
    file: &Path,
    pepper: &Path,
    days: u32,
) -> Result<Answer, String> {
    let bytes =
        fs::read(pepper).map_err(|e| format!("`{}` cannot be read: {e}", pepper.display()))?;
    let pepper = Pepper::new(bytes.trim_ascii()).map_err(|e| e.to_string())?;
    let now = clock::now();
    let life = jiff::SignedDuration::from_hours(24 * i64::from(days));
    let expires = now.checked_add(life).map_err(|e| e.to_string())?;
    let mut known: ApiKeysFile = match file.exists() {
        true => crate::identities::read_toml(file).map_err(|m| m.to_string())?,
        false => ApiKeysFile::default(),
    };
    if known.key.iter().any(|k| k.name == name) {
        return Err(format!(
            "there is a key `{name}` already; choose another name"
        ));
    }
    let (key, record) = generate(name, caller, Some(expires), &pepper, now)
        .map_err(|_| "no random numbers".to_owned())?;
    known.key.push(record);
    let text = toml::to_string_pretty(&known).map_err(|e| e.to_string())?;
    crate::keys::write_private(file, text.as_bytes())
        .map_err(|e| format!("`{}`: {e}", file.display()))?;
    Ok(say(&key))
}
