//! The commands over a log, shared by `hangu-verify` and `hangu audit`.

use std::io::{self, Write};
use std::path::Path;

use crate::key::VerifyingKey;
use crate::verify;

/// How a command ended; the number is the process's exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The log is intact.
    Intact = 0,
    /// The log was tampered with.
    Tampered = 1,
    /// The check could not run; nothing is known about the log.
    CouldNotRun = 2,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, in Chinese and English.
    Text,
    /// One JSON object on one line.
    Json,
}

/// Verifies the log in `dir` with the key in the file `key`, and writes the report to `out`.
///
/// What keeps the check from running goes to `errors`.
pub fn cli_verify(
    dir: &Path,
    key: &Path,
    format: Format,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Exit {
    match report(dir, key, format, out) {
        Ok(exit) => exit,
        Err(message) => {
            // There is nowhere left to report to if this fails too.
            drop(writeln!(errors, "无法校验 could not verify: {message}"));
            Exit::CouldNotRun
        }
    }
}

fn report(dir: &Path, key: &Path, format: Format, out: &mut dyn Write) -> Result<Exit, String> {
    let key = VerifyingKey::load(key).map_err(|e| e.to_string())?;
    let report = verify(dir, &key).map_err(|e| e.to_string())?;
    let written: io::Result<()> = match format {
        Format::Text => write!(out, "{report}"),
        Format::Json => serde_json::to_string(&report)
            .map_err(io::Error::other)
            .and_then(|line| writeln!(out, "{line}")),
    };
    written.map_err(|e| e.to_string())?;
    Ok(if report.ok {
        Exit::Intact
    } else {
        Exit::Tampered
    })
}
