//! The command line. Machine output goes to standard output as JSON Lines, everything for people to standard error.
//!
//! Exit status: 0 for success, 1 for "the answer is no", 2 for "could not run".

mod args;
mod audit;
mod check;
mod engines;
mod identity;
mod pki;
mod policy;
mod setup;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Mistake};
use crate::serve::{self, Start};
use args::{Arguments, Command};

/// The answer of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Success.
    Yes,
    /// The answer is no.
    No,
    /// It could not run.
    CouldNot,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Yes => Self::SUCCESS,
            Answer::No => Self::from(1),
            Answer::CouldNot => Self::from(2),
        }
    }
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    // First of all: whoever else asks for a provider later gets this one.
    if hangu_pki::trust::provider()
        .as_ref()
        .clone()
        .install_default()
        .is_err()
    {
        complain(&"the cryptographic provider could not be installed");
        return Answer::CouldNot.into();
    }
    match Arguments::parse().command {
        Command::Run { config, upgrade } => run_gateway(
            &config,
            if upgrade {
                Start::Upgrade
            } else {
                Start::Fresh
            },
        ),
        Command::Check { config } => check::check(&config),
        Command::Policy(command) => policy::run(command),
        Command::Redact(arguments) => engines::redact(&arguments),
        Command::Inspect(arguments) => engines::inspect(arguments),
        Command::Token(command) => engines::token(command),
        Command::Audit(command) => audit::run(command),
        Command::Pki(command) => pki::run(command),
        Command::Identity(command) => identity::identity(command),
        Command::Setup { state } => setup::setup(&state),
        Command::Schema => check::schema(),
        Command::Reference => check::reference(),
    }
    .into()
}

/// Says on standard error why a command could not run.
pub(crate) fn complain(what: &dyn std::fmt::Display) {
    #[expect(
        clippy::print_stderr,
        reason = "standard error is where a command complains"
    )]
    {
        eprintln!("hangu: {what}");
    }
}

/// Says every mistake on standard error.
pub(crate) fn complain_of(mistakes: &[Mistake]) {
    for mistake in mistakes {
        complain(&mistake.lines());
    }
}

fn run_gateway(config: &std::path::Path, start: Start) -> Answer {
    let format = crate::config::load(config).map_or(LogFormat::Text, |c| c.log);
    log(format);
    match serve::run(config, start) {
        Ok(()) => Answer::Yes,
        Err(mistakes) => {
            complain_of(&mistakes);
            Answer::CouldNot
        }
    }
}

/// Log lines go to standard error; `HANGU_LOG` sets what is said, as in `hangu=debug`.
fn log(format: LogFormat) {
    let filter =
        EnvFilter::try_from_env("HANGU_LOG").unwrap_or_else(|_| EnvFilter::new("warn,hangu=info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let set = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    if let Err(error) = set {
        complain(&error);
    }
}
