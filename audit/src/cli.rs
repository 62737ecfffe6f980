//! The commands over a log, shared by `hangu-verify` and `hangu audit`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

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
