//! The policy's own commands: requests in as JSON Lines, decisions out as JSON Lines.

pub mod tools;

use std::io::{self, BufRead, Read, Write};

use serde::Serialize;
use serde_json::Value as Json;

use crate::compat::{Definitions, Extras, Policy, Question};
use crate::decision::{Decision, Effect};
use crate::engine::snapshot::Snapshot;
use crate::facts::{Unjudged, Value};
use crate::obligation::Obligations;
use crate::revision::Revision;
use crate::source::{Dialect, Mistake, Source};

/// Why the command could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model, the rules or the tests have mistakes; all of them.
    #[error("{}", lines(.0))]
    Load(Vec<Mistake>),
    /// The answer takes longer than there is patience for.
    #[error("no answer in the time that was given; ask about fewer rows, requests or events")]
    Unfinished,
    /// Requests could not be read or answers not written.
    #[error("requests or answers: {0}")]
    Io(#[from] io::Error),
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes
        .iter()
        .map(Mistake::lines)
        .collect::<Vec<_>>()
        .join("\n")
}

/// How many requests were answered how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Requests allowed.
    pub allowed: u64,
    /// Requests denied.
    pub denied: u64,
    /// Lines that could not be judged.
    pub unjudged: u64,
}

/// Longest line that is read, in bytes; chosen.
const LONGEST_LINE: usize = 1 << 20;

#[derive(Serialize)]
struct Answer<'a> {
    allow: bool,
    grounds: crate::decision::Grounds,
    rules: Vec<Row<'a>>,
    obligations: &'a Obligations,
    revision: Revision,
}

#[derive(Serialize)]
struct Row<'a> {
    file: &'a str,
    line: u32,
    rule: Vec<&'a str>,
}

/// Decides every request of the input: one JSON array (values in the order of the model) or object
/// (values by name) per line in; per line out `{"allow", "grounds", "rules", "obligations", "revision"}`,
/// or `{"error"}` for a line that cannot be judged. In the dialects of other engines a value may be any JSON,
/// and `now`, in seconds since 1970, is when roles that hold for a time are asked for.
///
/// # Errors
///
/// Mistakes in the model or the rules, before anything is read; failures of input or output.
pub fn decide(
    model: Source<'_>,
    rules: &[Source<'_>],
    dialect: Dialect,
    now: i64,
    mut input: impl BufRead,
    mut output: impl Write,
) -> Result<Summary, Error> {
    if dialect != Dialect::Strict {
        return as_reference(model, rules, dialect, now, input, output);
    }
    let snapshot = Snapshot::load(model, rules, dialect).map_err(Error::Load)?;
    let mut summary = Summary::default();
    each(&mut input, &mut output, |line, output| {
        let decision = request(&snapshot, line, |request| snapshot.decide(request))?;
        summary.count(decision.effect);
        Ok(serde_json::to_writer(output, &shown(&snapshot, &decision)))
    })
    .map(|unjudged| Summary {
        unjudged,
        ..summary
    })
}

/// Decides as another engine would.
fn as_reference(
    model: Source<'_>,
    rules: &[Source<'_>],
    dialect: Dialect,
    now: i64,
    mut input: impl BufRead,
    mut output: impl Write,
) -> Result<Summary, Error> {
    let policy = Policy::load(model, rules, dialect, &Extras::default()).map_err(Error::Load)?;
    let mut summary = Summary::default();
    each(&mut input, &mut output, |line, output| {
        let json: Json = serde_json::from_slice(line)
            .map_err(|error| format!("the line is no JSON: {error}"))?;
        let values: Vec<Json> = match json {
            Json::Array(values) => values,
            Json::Object(members) => {
                let fields: Vec<&str> = policy.fields().collect();
                by_name(&fields, &members)?.into_iter().cloned().collect()
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                return Err("a request is an array or an object".to_owned());
            }
        };
        let question = Question {
            values: &values,
            definitions: Definitions::default(),
            now,
        };
        let answer = policy.decide(&question)?;
        summary.count(answer.effect);
        let shown = Answer {
            allow: answer.effect == Effect::Allow,
            grounds: answer.grounds,
            rules: policy
                .rows(&answer)
                .map(|row| Row {
                    file: row.file,
                    line: row.line,
                    rule: row.fields,
                })
                .collect(),
            obligations: &answer.obligations,
            revision: policy.revision(),
        };
        Ok(serde_json::to_writer(output, &shown))
    })
    .map(|unjudged| Summary {
        unjudged,
        ..summary
    })
}

impl Summary {
    fn count(&mut self, effect: Effect) {
        match effect {
            Effect::Allow => self.allowed += 1,
            Effect::Deny => self.denied += 1,
        }
    }
}

/// Answers every line; the number of lines that could not be judged.
fn each<R: BufRead, W: Write>(
    input: &mut R,
    output: &mut W,
    mut answer: impl FnMut(&[u8], &mut W) -> Result<serde_json::Result<()>, String>,
) -> Result<u64, Error> {
    let mut unjudged = 0;
    let mut line = Vec::new();
    while let Some(whole) = next_line(input, &mut line)? {
        let answered = if whole {
            answer(&line, output)
        } else {
            Err("the line is longer than 1 MiB".to_owned())
        };
        let written = answered.unwrap_or_else(|error| {
            unjudged += 1;
            serde_json::to_writer(&mut *output, &serde_json::json!({ "error": error }))
        });
        written.map_err(io::Error::from)?;
        output.write_all(b"\n")?;
    }
    output.flush()?;
    Ok(unjudged)
}

fn shown<'a>(snapshot: &'a Snapshot, decision: &'a Decision) -> Answer<'a> {
    let rows = decision.rules.iter().filter_map(|id| snapshot.rule(*id));
    Answer {
        allow: decision.effect == Effect::Allow,
        grounds: decision.grounds,
        rules: rows
            .map(|row| Row {
                file: row.file,
                line: row.line,
                rule: row.fields,
            })
            .collect(),
        obligations: &decision.obligations,
        revision: decision.revision,
    }
}

/// Reads a line without its end; `false` if it was too long and skipped, `None` at the end of input.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let limit = LONGEST_LINE as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(true));
    }
    if line.len() <= LONGEST_LINE {
        return Ok(Some(true));
    }
    loop {
        line.clear();
        let read = input.by_ref().take(limit).read_until(b'\n', line)?;
        if read == 0 || line.last() == Some(&b'\n') {
            return Ok(Some(false));
        }
    }
}

/// Reads a line and asks the snapshot about it.
fn request<T>(
    snapshot: &Snapshot,
    line: &[u8],
    ask: impl FnOnce(&[Value<'_>]) -> Result<T, Unjudged>,
) -> Result<T, String> {
    let json: Json =
        serde_json::from_slice(line).map_err(|error| format!("the line is no JSON: {error}"))?;
    let values: Vec<&Json> = match &json {
        Json::Array(values) => values.iter().collect(),
        Json::Object(members) => {
            let fields: Vec<&str> = snapshot.fields().collect();
            by_name(&fields, members)?
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            return Err("a request is an array or an object".to_owned());
        }
    };
    let names: Vec<&str> = snapshot.fields().collect();
    let named = |at: usize| names.get(at).copied().unwrap_or("value");
    // Attributes are kept beside the values that borrow them.
    let mut maps: Vec<Vec<(&str, Value<'_>)>> = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let Json::Object(members) = value else {
            continue;
        };
        let mut map = Vec::new();
        // A null is an attribute that is not there.
        for (attribute, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            let value = plain(value).ok_or_else(|| unfit(&format!("{}.{attribute}", named(at))))?;
            map.push((attribute.as_str(), value));
        }
        maps.push(map);
    }
    let mut maps = maps.iter();
    let mut request = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let bound = match value {
            Json::Object(_) => maps.next().map(|map| Value::Map(map)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                plain(value)
            }
        };
        request.push(bound.ok_or_else(|| unfit(named(at)))?);
    }
    ask(&request).map_err(|unjudged| unjudged.to_string())
}

fn by_name<'j>(
    fields: &[&str],
    members: &'j serde_json::Map<String, Json>,
) -> Result<Vec<&'j Json>, String> {
    if let Some(stranger) = members.keys().find(|name| !fields.contains(&name.as_str())) {
        return Err(format!(
            "`{stranger}` is no field of the request; fields are {}",
            fields.join(", ")
        ));
    }
    fields
        .iter()
        .map(|field| {
            members
                .get(*field)
                .ok_or_else(|| format!("the request has no `{field}`"))
        })
        .collect()
}

fn plain(value: &Json) -> Option<Value<'_>> {
    match value {
        Json::String(text) => Some(Value::Str(text)),
        Json::Bool(known) => Some(Value::Bool(*known)),
        Json::Number(number) => number.as_i64().map(Value::Int),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn unfit(name: &str) -> String {
    format!("`{name}` is neither text nor a truth value nor a whole number of 64 bits")
}
