//! Commands for the people who write, review and answer for a policy. JSON Lines for programs; with
//! [`Form::Text`] the same in Chinese and English for people.

use std::io::{self, BufRead, Write};

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{Error, each, next_line};
use crate::analysis::cases::{self, Case};
use crate::analysis::change::{self, Kind};
use crate::analysis::lint::{Severity, lint as findings};
use crate::analysis::reach::{Answer, Grant, Who, what, who};
use crate::analysis::replay::{Recorded, Summary};
use crate::analysis::{mutants, why};
use crate::decision::Effect;
use crate::engine::snapshot::Snapshot;
use crate::source::{Dialect, Source};
use crate::statement::{Verdict as Proof, World, prove as judge};

/// How a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A JSON object a line.
    Json,
    /// Lines for people, in Chinese and English.
    Text,
}

/// What the answer comes to: a command's exit status is 1 where it is [`Verdict::No`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong.
    Yes,
    /// Something is.
    No,
}

fn load(model: Source<'_>, rules: &[Source<'_>]) -> Result<Snapshot, Error> {
    Snapshot::load(model, rules, Dialect::Strict).map_err(Error::Load)
}

fn line(output: &mut impl Write, value: &impl Serialize) -> Result<(), Error> {
    serde_json::to_writer(&mut *output, value).map_err(io::Error::from)?;
    output.write_all(b"\n")?;
    Ok(())
}

/// Checks a policy; [`Verdict::No`] if some row does not do what it says.
///
/// # Errors
///
/// Mistakes in the model or the rules; failures of output.
pub fn lint(
    model: Source<'_>,
    rules: &[Source<'_>],
    form: Form,
    mut output: impl Write,
) -> Result<Verdict, Error> {
    let snapshot = load(model, rules)?;
    let findings = findings(&snapshot);
    for finding in &findings {
        if form == Form::Json {
            line(&mut output, finding)?;
            continue;
        }
        let word = match finding.severity {
            Severity::Error => "错误 error",
            Severity::Warning => "警告 warning",
            Severity::Note => "提示 note",
        };
        let place = format!("{}:{}", finding.file, finding.line);
        writeln!(output, "{place}: {word} [{}]", finding.code)?;
        writeln!(output, "    {}", finding.message_zh)?;
        writeln!(output, "    {}; {}", finding.message, finding.help)?;
        if let Some(sample) = &finding.sample {
            writeln!(output, "    例 sample: {sample}")?;
        }
    }
    let wrong = findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    output.flush()?;
    Ok(if wrong { Verdict::No } else { Verdict::Yes })
}

/// Proves or refutes statements over every request, a line for each; [`Verdict::No`] if one is not proved.
///
/// # Errors
///
/// As [`lint`], and mistakes in the statements.
pub fn prove(
    model: Source<'_>,
    rules: &[Source<'_>],
    statements: &[Source<'_>],
    world: Option<&World>,
    form: Form,
    mut output: impl Write,
) -> Result<Verdict, Error> {
    let snapshot = load(model, rules)?;
    let findings = judge(&snapshot, statements, world).map_err(Error::Load)?;
    for finding in &findings {
        if form == Form::Json {
            line(&mut output, finding)?;
            continue;
        }
        let word = match finding.verdict {
            Proof::Proved { .. } => "成立 proved",
            Proof::Refuted { .. } => "不成立 refuted",
            Proof::Undecided { .. } => "无法判定 undecided",
        };
        let place = format!("{}:{}:{}", finding.file, finding.line, finding.column);
        writeln!(output, "{place}: {word}: {}", finding.statement)?;
        if !finding.holds() {
            writeln!(output, "    {}", finding.message_zh)?;
            writeln!(output, "    {}", finding.message)?;
        }
    }
    output.flush()?;
    let all = findings.iter().all(crate::statement::Finding::holds);
    Ok(if all { Verdict::Yes } else { Verdict::No })
}

/// Runs tests beside the rules, with what they reach, and with faults put in on purpose where `faults` says so;
/// [`Verdict::No`] if a test does not hold.
///
/// # Errors
///
/// As [`lint`], and tests that cannot be read.
pub fn test(
    model: Source<'_>,
    rules: &[Source<'_>],
    tests: &[Source<'_>],
    faults: bool,
    form: Form,
    mut output: impl Write,
) -> Result<Verdict, Error> {
    let snapshot = load(model, rules)?;
    let mut all: Vec<(usize, Case)> = Vec::new();
    let mut failed = 0;
    for source in tests {
        let wrong = |what: String| Error::Tests(format!("{}:{what}", source.name));
        let cases = cases::parse(source.text).map_err(wrong)?;
        for failure in cases::run(&snapshot, &cases).failures {
            failed += 1;
            match form {
                Form::Json => line(
                    &mut output,
                    &json!({ "file": source.name, "failure": failure }),
                )?,
                Form::Text => writeln!(
                    output,
                    "{}:{}: 不通过 fails: {} {}",
                    source.name, failure.line, failure.name, failure.message
                )?,
            }
        }
        all.extend(cases);
    }
    let report = cases::run(&snapshot, &all);
    let coverage = &report.coverage;
    let faulty = if faults {
        Some(mutants::mutate(model, rules, &all).map_err(Error::Load)?)
    } else {
        None
    };
    match form {
        Form::Json => {
            let mut summary = json!({ "run": report.run, "failed": failed, "coverage": coverage });
            if let (Some(faulty), Some(members)) = (&faulty, summary.as_object_mut()) {
                members.insert("faults".to_owned(), json!(faulty));
            }
            line(&mut output, &summary)?;
        }
        Form::Text => {
            writeln!(
                output,
                "测试 tests: {} 项,{failed} 项不通过 · {} run, {failed} failed",
                report.run, report.run
            )?;
            writeln!(
                output,
                "规则 rows: {} / {}",
                coverage.rows_applied, coverage.rows
            )?;
            for missed in &coverage.rows_missed {
                writeln!(output, "    未覆盖 never applies: {missed}")?;
            }
            writeln!(
                output,
                "条件 conditions seen both ways: {} / {}",
                coverage.conditions_both_ways, coverage.conditions
            )?;
            for missed in &coverage.conditions_missed {
                writeln!(output, "    {missed}")?;
            }
            if let Some(faulty) = &faulty {
                writeln!(
                    output,
                    "变异 faults noticed: {} / {}",
                    faulty.noticed, faulty.tried
                )?;
                for survivor in &faulty.survivors {
                    let sample = survivor.sample.as_ref().map_or(String::new(), |sample| {
                        format!("; 可加测试 a test: {sample}")
                    });
                    writeln!(
                        output,
                        "    {}:{}: 未发现 unnoticed: {}{sample}",
                        survivor.file, survivor.line, survivor.change
                    )?;
                }
            }
        }
    }
    output.flush()?;
    Ok(if failed > 0 {
        Verdict::No
    } else {
        Verdict::Yes
    })
}

/// Explains every request of the input, read as `decide` reads it: every condition's value, the nearest misses,
/// the smallest change that would allow.
///
/// # Errors
///
/// As [`lint`], and failures of input.
pub fn explain(
    model: Source<'_>,
    rules: &[Source<'_>],
    form: Form,
    mut input: impl BufRead,
    mut output: impl Write,
) -> Result<Verdict, Error> {
    let snapshot = load(model, rules)?;
    let unjudged = each(&mut input, &mut output, |text, output| {
        let request: Json = serde_json::from_slice(text)
            .map_err(|error| format!("the line is no JSON: {error}"))?;
        let why = why::why(&snapshot, &request)?;
        if form == Form::Json {
            return Ok(serde_json::to_writer(output, &why));
        }
        Ok(told(&why, output).map_err(serde_json::Error::io))
    })?;
    Ok(if unjudged > 0 {
        Verdict::No
    } else {
        Verdict::Yes
    })
}

fn told(why: &why::Why<'_>, output: &mut impl Write) -> io::Result<()> {
    let allowed = why.decision.effect == Effect::Allow;
    writeln!(
        output,
        "{}",
        if allowed {
            "放行 allowed"
        } else {
            "拒绝 denied"
        }
    )?;
    for row in &why.rows {
        let word = match (row.applies, row.rule.effect) {
            (true, Effect::Allow) => "适用,放行 applies, allows",
            (true, Effect::Deny) => "适用,拒绝 applies, denies",
            (false, _) => "不适用 does not apply",
        };
        writeln!(output, "  {}:{}: {word}", row.rule.file, row.rule.line)?;
        for clause in &row.clauses {
            let saw: Vec<String> = clause
                .saw
                .iter()
                .map(|(name, value)| format!("{name} = {value}"))
                .collect();
            writeln!(
                output,
                "    {:7} {} ({})",
                clause.value,
                clause.text,
                saw.join(", ")
            )?;
        }
    }
    for change in &why.would_allow {
        let set: Vec<String> = change
            .set
            .iter()
            .map(|set| format!("{}: {} → {}", set.name, set.from, set.to))
            .collect();
        writeln!(
            output,
            "  改为可放行 would be allowed with {}",
            set.join(", ")
        )?;
    }
    Ok(())
}

/// Who can do what each line of the input says: a request of which any part may be left out, its caller is
/// ignored. A line for every caller whose answer is not no.
///
/// # Errors
///
/// As [`explain`].
pub fn who_can(
    model: Source<'_>,
    rules: &[Source<'_>],
    form: Form,
    input: impl BufRead,
    output: impl Write,
) -> Result<Verdict, Error> {
    each_line(model, rules, form, input, output, who)
}

/// What each line of the input can be completed to: a request of which any part may be left out.
///
/// # Errors
///
/// As [`explain`].
pub fn what_can(
    model: Source<'_>,
    rules: &[Source<'_>],
    form: Form,
    input: impl BufRead,
    output: impl Write,
) -> Result<Verdict, Error> {
    fn only<'p>(policy: &'p Snapshot, request: &Json) -> Result<Vec<Who<'p>>, String> {
        what(policy, request).map(|found| vec![found])
    }
    each_line(model, rules, form, input, output, only)
}

/// Answers every line of the input with what is found for it.
fn each_line(
    model: Source<'_>,
    rules: &[Source<'_>],
    form: Form,
    mut input: impl BufRead,
    mut output: impl Write,
    find: for<'p> fn(&'p Snapshot, &Json) -> Result<Vec<Who<'p>>, String>,
) -> Result<Verdict, Error> {
    let snapshot = load(model, rules)?;
    let mut text = Vec::new();
    let mut any = false;
    while let Some(whole) = next_line(&mut input, &mut text)? {
        let found = if whole {
            serde_json::from_slice(&text).map_err(|error| format!("the line is no JSON: {error}"))
        } else {
            Err("the line is longer than 1 MiB".to_owned())
        };
        match found.and_then(|request: Json| find(&snapshot, &request)) {
            Ok(found) => {
                any |= found.iter().any(|who| who.answer != Answer::No);
                for who in &found {
                    reach(who, form, &mut output)?;
                }
            }
            Err(error) => line(&mut output, &json!({ "error": error }))?,
        }
    }
    output.flush()?;
    Ok(if any { Verdict::Yes } else { Verdict::No })
}

fn reach(who: &Who<'_>, form: Form, output: &mut impl Write) -> Result<(), Error> {
    if form == Form::Json {
        return line(output, who);
    }
    let answer = match who.answer {
        Answer::Yes => "可以 yes",
        Answer::Perhaps => "视条件 perhaps",
        Answer::No => "不可以 no",
    };
    writeln!(output, "{}: {answer}", who.who.unwrap_or("任何人 anybody"))?;
    let told = |word: &str, grant: &Grant<'_>| {
        let when = if grant.when.is_empty() {
            String::new()
        } else {
            format!(" 当 when {}", grant.when.join(" && "))
        };
        format!(
            "  {word} {}:{}: {}{when}",
            grant.rule.file,
            grant.rule.line,
            grant.rule.fields.join(", ")
        )
    };
    for grant in &who.allowed_by {
        writeln!(output, "{}", told("放行 allows", grant))?;
    }
    for grant in &who.denied_by {
        writeln!(output, "{}", told("拒绝 denies", grant))?;
    }
    Ok(())
}

/// Who gains or loses what between two policies, a line for each row or role that differs; [`Verdict::No`] if a
/// request is known that is decided otherwise.
///
/// # Errors
///
/// As [`lint`], for either policy.
pub fn diff(
    before: (Source<'_>, &[Source<'_>]),
    after: (Source<'_>, &[Source<'_>]),
    form: Form,
    mut output: impl Write,
) -> Result<Verdict, Error> {
    let (before, after) = (load(before.0, before.1)?, load(after.0, after.1)?);
    let regions = change::diff(&before, &after);
    for region in &regions {
        if form == Form::Json {
            line(&mut output, region)?;
            continue;
        }
        let word = match region.kind {
            Kind::RowAdded | Kind::RoleAdded => "新增 added",
            Kind::RowRemoved | Kind::RoleRemoved => "删除 removed",
            Kind::RowMoved => "移动 moved",
            Kind::Model => "模型 model",
        };
        writeln!(
            output,
            "{word} {}:{}: {}",
            region.file, region.line, region.text
        )?;
        match region.callers {
            Some(count) => writeln!(
                output,
                "    涉及 concerns {count}: {}",
                region.some.join(", ")
            )?,
            None => writeln!(output, "    涉及任何人 concerns everybody")?,
        }
        if let Some(gained) = &region.gained {
            writeln!(output, "    新获准 gained, for one: {gained}")?;
        }
        if let Some(lost) = &region.lost {
            writeln!(output, "    不再获准 lost, for one: {lost}")?;
        }
    }
    output.flush()?;
    let changes = regions
        .iter()
        .any(|region| region.gained.is_some() || region.lost.is_some());
    Ok(if changes { Verdict::No } else { Verdict::Yes })
}

/// Replays recorded decisions, one JSON object a line, against a policy: a line for each that would be made
/// otherwise, then a summary. `read` turns a line into a record; `None` is no decision and is passed over.
/// [`Verdict::No`] if any would.
///
/// # Errors
///
/// As [`explain`].
pub fn replay(
    model: Source<'_>,
    rules: &[Source<'_>],
    form: Form,
    mut read: impl FnMut(Json) -> Result<Option<Recorded>, String>,
    mut input: impl BufRead,
    mut output: impl Write,
) -> Result<Verdict, Error> {
    let snapshot = load(model, rules)?;
    let mut summary = Summary::default();
    let mut text = Vec::new();
    while super::next_line(&mut input, &mut text)?.is_some() {
        let json =
            serde_json::from_slice(&text).map_err(|error| format!("the line is no JSON: {error}"));
        let recorded = match json.and_then(&mut read) {
            Ok(Some(recorded)) => recorded,
            Ok(None) => continue,
            Err(error) => {
                summary.unjudged += 1;
                line(&mut output, &json!({ "error": error }))?;
                continue;
            }
        };
        match (summary.take(&snapshot, &recorded), form) {
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
            (Err(error), _) => line(&mut output, &json!({ "id": recorded.id, "error": error }))?,
        }
    }
    match form {
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
