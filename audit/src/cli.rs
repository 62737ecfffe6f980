//! The commands over a log, shared by `hangu-verify` and `hangu audit`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::checkpoint::Checkpoint;
use crate::key::VerifyingKey;
use crate::proof::{ProofError, prove};
use crate::verify_against;

/// How a command ended; the number is the process's exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The log is intact.
    Intact = 0,
    /// The log was tampered with, or there is no such receipt.
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
/// `kept` is a file with a checkpoint of the log that was kept elsewhere, if there is one.
///
/// What keeps the check from running goes to `errors`.
pub fn cli_verify(
    dir: &Path,
    key: &Path,
    kept: Option<&Path>,
    format: Format,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Exit {
    match report(dir, key, kept, format, out) {
        Ok(exit) => exit,
        Err(message) => {
            // There is nowhere left to report to if this fails too.
            drop(writeln!(errors, "无法校验 could not verify: {message}"));
            Exit::CouldNotRun
        }
    }
}

/// The logs in `dir`: `dir` itself, or the numbered ones in it, one for each process that served at the same time.
///
/// # Errors
/// The directory cannot be read, or a number is missing between the first and the last.
pub fn logs(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(dir).map_err(|e| format!("cannot read `{}`: {e}", dir.display()))?;
    let mut numbers: Vec<u64> = Vec::new();
    for entry in entries {
        let name = entry
            .map_err(|e| format!("cannot read `{}`: {e}", dir.display()))?
            .file_name();
        numbers.extend(name.to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    if numbers.is_empty() {
        return Ok(vec![dir.to_owned()]);
    }
    numbers.sort_unstable();
    for (expected, number) in (1..).zip(&numbers) {
        if *number != expected {
            return Err(format!("`{}`: log {expected:04} is missing", dir.display()));
        }
    }
    Ok(numbers
        .into_iter()
        .map(|number| dir.join(format!("{number:04}")))
        .collect())
}

/// Verifies every log in `dir` as [`cli_verify`] does one; the worst result counts, and a log that is missing between
/// others is one that was taken away.
pub fn cli_verify_all(
    dir: &Path,
    key: &Path,
    kept: Option<&Path>,
    format: Format,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Exit {
    let logs = match logs(dir) {
        Ok(logs) => logs,
        Err(message) => {
            drop(writeln!(errors, "无法校验 could not verify: {message}"));
            return if dir.is_dir() {
                Exit::Tampered
            } else {
                Exit::CouldNotRun
            };
        }
    };
    // A checkpoint that was kept is of the log that is being written, which is the last.
    let last = logs.len().saturating_sub(1);
    logs.iter()
        .enumerate()
        .map(|(i, log)| cli_verify(log, key, kept.filter(|_| i == last), format, out, errors))
        .max_by_key(|exit| match exit {
            Exit::Intact => 0,
            Exit::Tampered => 2,
            Exit::CouldNotRun => 1,
        })
        .unwrap_or(Exit::CouldNotRun)
}

/// Writes the receipt for one record to `out`, and exits with 1 where there is none.
///
/// The receipt has been checked; it verifies offline together with the record's bytes and the key.
pub fn cli_prove(
    dir: &Path,
    key: &Path,
    index: u64,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Exit {
    let proof = VerifyingKey::load(key)
        .map_err(|e| (Exit::CouldNotRun, e.to_string()))
        .and_then(|key| {
            prove(dir, index, &key).map_err(|e| match e {
                ProofError::Io(..) | ProofError::Read(_) => (Exit::CouldNotRun, e.to_string()),
                ProofError::Checkpoint(_)
                | ProofError::NoCheckpoint
                | ProofError::NotSigned { .. }
                | ProofError::Malformed
                | ProofError::Wrong => (Exit::Tampered, e.to_string()),
            })
        })
        .and_then(|proof| write!(out, "{proof}").map_err(|e| (Exit::CouldNotRun, e.to_string())));
    match proof {
        Ok(()) => Exit::Intact,
        Err((exit, message)) => {
            // There is nowhere left to report to if this fails too.
            drop(writeln!(errors, "没有凭证 no receipt: {message}"));
            exit
        }
    }
}

fn report(
    dir: &Path,
    key: &Path,
    kept: Option<&Path>,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, String> {
    let key = VerifyingKey::load(key).map_err(|e| e.to_string())?;
    let kept = match kept {
        None => None,
        Some(path) => {
            let named = |e: &dyn std::fmt::Display| format!("`{}`: {e}", path.display());
            let note = fs::read_to_string(path).map_err(|e| named(&e))?;
            Some(Checkpoint::verify(&note, &key).map_err(|e| named(&e))?)
        }
    };
    let report = verify_against(dir, &key, kept.as_ref()).map_err(|e| e.to_string())?;
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
