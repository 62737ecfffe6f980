//! `hangu inspect`: raw requests from files, one verdict a line.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::body::{Completeness, Undecodable};
use crate::inspector::{Head, Inspector};
use crate::raw::{self, RawRequest};
use crate::seclang::{self as rules, RuleSet, ask};
use crate::verdict::{Findings, Verdict};

/// How many files went which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Below the threshold.
    pub allowed: u64,
    /// At or over it, or with a body that could not be decoded.
    pub blocked: u64,
    /// Not read, or no request.
    pub failed: u64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Judged {
        file: &'a str,
        verdict: &'static str,
        score: u32,
        findings: &'a Findings,
        #[serde(skip_serializing_if = "Option::is_none")]
        undecodable: Option<Undecodable>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rules: Option<&'a rules::Outcome>,
    },
    Failed {
        file: &'a str,
        error: String,
    },
}

/// Judges every file and writes one JSON object a line, in order. Rules in SecLang judge beside the detectors: either
/// may block, and the line says what both saw.
///
/// # Errors
///
/// Only what `out` reports: a file that cannot be read or holds no request is a line of its own.
pub fn inspect(
    inspector: &Inspector,
    rules: Option<&RuleSet>,
    threshold: u32,
    files: impl Iterator<Item = PathBuf>,
    mut out: impl Write,
) -> io::Result<Outcome> {
    let mut outcome = Outcome::default();
    for path in files {
        let file = path.to_string_lossy();
        let request = std::fs::read(&path)
            .map_err(|error| error.to_string())
            .and_then(|bytes| raw::parse(&bytes).map_err(|error| error.to_string()));
        match request {
            Ok(request) => {
                let (verdict, undecodable) = judge(inspector, &request);
                let asked = rules.map(|rules| ask(rules, &request));
                let refused = asked
                    .as_ref()
                    .is_some_and(|asked| asked.interruption.is_some());
                let blocked = verdict.blocks(threshold) || undecodable.is_some() || refused;
                *if blocked {
                    &mut outcome.blocked
                } else {
                    &mut outcome.allowed
                } += 1;
                let word = if blocked { "block" } else { "allow" };
                write(
                    &mut out,
                    &Line::Judged {
                        file: &file,
                        verdict: word,
                        score: verdict.score,
                        findings: &verdict.findings,
                        undecodable,
                        rules: asked.as_ref(),
                    },
                )?;
            }
            Err(error) => {
                outcome.failed += 1;
                write(&mut out, &Line::Failed { file: &file, error })?;
            }
        }
    }
    out.flush()?;
    Ok(outcome)
}

/// Inspects head and body; what is wrong with the body stands beside what was found in the head.
pub fn judge(inspector: &Inspector, request: &RawRequest) -> (Verdict, Option<Undecodable>) {
    let headers = request.header_slices();
    let mut verdict = inspector.head(&Head {
        method: &request.method,
        target_path: &request.path,
        query: request.query.as_deref(),
        headers: &headers,
    });
    if request.body.is_empty() {
        return (verdict, None);
    }
    match inspector.body(
        request.header("content-type"),
        request.header("content-encoding"),
        &request.body,
        Completeness::Whole,
    ) {
        Ok(found) => {
            verdict.merge(found);
            (verdict, None)
        }
        Err(reason) => (verdict, Some(reason)),
    }
}

fn write(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
