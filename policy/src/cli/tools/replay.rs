//! `hangu policy replay`.

use std::io::{BufRead, Write};

use serde_json::{Value as Json, json};

use super::{Error, Form, Inquiry, Verdict, line};
use crate::analysis::replay::{Recorded, Summary};
use crate::cli::next_line;

impl Inquiry<'_> {
    /// Replays recorded decisions, one after the other as `next` gives them: a line for each that would be made
    /// otherwise, then a summary. A record that cannot be read counts as one that cannot be judged.
    /// [`Verdict::No`] if any would be made otherwise.
    ///
    /// # Errors
    ///
    /// As [`lint`](Self::lint), and what `next` fails with.
    pub fn replay(
        &self,
        mut next: impl FnMut() -> Result<Option<Result<Recorded, String>>, Error>,
        mut output: impl Write,
    ) -> Result<Verdict, Error> {
        let mut summary = Summary::default();
        while let Some(record) = next()? {
            self.whole(())?;
            let recorded = match record {
                Ok(recorded) => recorded,
                Err(error) => {
                    summary.unjudged += 1;
                    line(&mut output, &json!({ "error": error }))?;
                    continue;
                }
            };
            match (summary.take(self.policy, &recorded), self.form) {
                (Ok(None), _) => {}
                (Ok(Some(flip)), Form::Json) => line(&mut output, &flip)?,
                (Ok(Some(flip)), Form::Text) => writeln!(
                    output,
                    "{} {} → {}: {} · {} ({} → {})",
                    flip.id,
                    flip.was,
                    flip.now,
                    flip.caller,
                    flip.portal,
                    flip.rules_then.join(" "),
                    flip.rules_now.join(" ")
                )?,
                (Err(error), _) => {
                    line(&mut output, &json!({ "id": recorded.id, "error": error }))?
                }
            }
        }
        match self.form {
            Form::Json => line(&mut output, &json!({ "summary": summary }))?,
            Form::Text => writeln!(
                output,
                "回放 replayed {}: 不变 same {}, 新获准 gained {}, 不再获准 lost {}, 无法判定 unjudged {}",
                summary.replayed, summary.same, summary.gained, summary.lost, summary.unjudged
            )?,
        }
        output.flush()?;
        Ok(if summary.gained + summary.lost > 0 {
            Verdict::No
        } else {
            Verdict::Yes
        })
    }
}

/// Recorded decisions, one JSON object a line. `read` turns a line into a record; `None` is no decision and is
/// passed over.
pub fn records<R: BufRead>(
    mut input: R,
    mut read: impl FnMut(Json) -> Result<Option<Recorded>, String>,
) -> impl FnMut() -> Result<Option<Result<Recorded, String>>, Error> {
    let mut text = Vec::new();
    move || {
        while next_line(&mut input, &mut text)?.is_some() {
            let json = serde_json::from_slice(&text)
                .map_err(|error| format!("the line is no JSON: {error}"));
            match json.and_then(&mut read) {
                Ok(None) => {}
                Ok(Some(recorded)) => return Ok(Some(Ok(recorded))),
                Err(error) => return Ok(Some(Err(error))),
            }
        }
        Ok(None)
    }
}

/// Reads a record that names its parts: `{"request": …, "allow": …}`, or a test's `{"r": …, "exp": …}`.
///
/// # Errors
///
/// What is neither.
pub fn record(json: &Json) -> Result<Recorded, String> {
    let member = |name: &str, other: &str| json.get(name).or_else(|| json.get(other));
    let text = |name: &str| {
        json.get(name)
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let request = member("request", "r").ok_or("the record has no `request`")?;
    let allowed = member("allow", "exp")
        .and_then(Json::as_bool)
        .ok_or("the record has no `allow`")?;
    let rules = json
        .get("rules")
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    Ok(Recorded {
        id: text("id"),
        request: request.clone(),
        allowed,
        rules: rules
            .map(|rule| {
                rule.as_str()
                    .map_or_else(|| rule.to_string(), str::to_owned)
            })
            .collect(),
        caller: text("caller"),
        portal: text("portal"),
    })
}
