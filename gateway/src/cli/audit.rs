//! `hangu audit`.

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use hangu_audit::EventReader;
use hangu_audit::cli::{Exit, Format, cli_verify_all};

use super::args::Audit;
use super::{Answer, complain};
use crate::journal::{SHIFT, log_folder, numbers};

pub(super) fn run(command: Audit) -> Answer {
    match command {
        Audit::Verify {
            folder,
            key,
            checkpoint,
            json,
        } => verify(&folder, key, checkpoint.as_deref(), json),
        Audit::Show {
            folder,
            from,
            limit,
        } => match show(&folder, from, limit) {
            Ok(()) => Answer::Yes,
            Err(error) => {
                complain(&error);
                Answer::CouldNot
            }
        },
    }
}

/// The numbered logs of a folder, or the folder itself where it is one log.
fn logs(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let numbers = numbers(folder)?;
    if numbers.is_empty() {
        return Ok(vec![(0, folder.to_owned())]);
    }
    Ok(numbers
        .into_iter()
        .map(|n| (n, log_folder(folder, n)))
        .collect())
}

/// Verifies every log of a folder; the worst answer counts.
fn verify(folder: &Path, key: Option<PathBuf>, kept: Option<&Path>, json: bool) -> Answer {
    let key = key.unwrap_or_else(|| folder.join("public.key"));
    let format = if json { Format::Json } else { Format::Text };
    match cli_verify_all(
        folder,
        &key,
        kept,
        format,
        &mut io::stdout().lock(),
        &mut io::stderr().lock(),
    ) {
        Exit::Intact => Answer::Yes,
        Exit::Tampered => Answer::No,
        Exit::CouldNotRun => Answer::CouldNot,
    }
}

fn show(folder: &Path, from: u64, limit: u64) -> Result<(), String> {
    let logs = logs(folder).map_err(|e| format!("`{}`: {e}", folder.display()))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut left = limit;
    let (from_log, from_index) = (from >> SHIFT, from & ((1 << SHIFT) - 1));
    for (number, log) in logs {
        if number < from_log {
            continue;
        }
        let first = if number == from_log { from_index } else { 0 };
        for record in EventReader::open(&log, first).map_err(|e| e.to_string())? {
            if left == 0 {
                return Ok(());
            }
            left -= 1;
            let record = record.map_err(|e| e.to_string())?;
            let written = out
                .write_all(&record.event)
                .and_then(|()| out.write_all(b"\n"));
            match written {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                other => other.map_err(|e| e.to_string())?,
            }
        }
    }
    out.flush().map_err(|e| e.to_string())
}
