//! `hangu policy explain`, `who-can` and `what-can`.

use std::io::{self, BufRead, Write};

use serde_json::{Value as Json, json};

use super::{Error, Form, Inquiry, Verdict, line};
use crate::analysis::reach::{Answer, Grant, Who, what, who_within};
use crate::analysis::why;
use crate::cli::{each, next_line};
use crate::decision::Effect;

impl Inquiry<'_> {
    /// Explains every request of the input, read as `decide` reads it: every condition's value, the nearest misses,
    /// the smallest change that would allow.
    ///
    /// # Errors
    ///
    /// As [`lint`](Self::lint), and failures of input.
    pub fn explain(
        &self,
        mut input: impl BufRead,
        mut output: impl Write,
    ) -> Result<Verdict, Error> {
        let unjudged = each(&mut input, &mut output, |text, output| {
            let request: Json = serde_json::from_slice(text)
                .map_err(|error| format!("the line is no JSON: {error}"))?;
            let why = why::within(self.policy, &request, self.patience)?;
            if self.form == Form::Json {
                return Ok(serde_json::to_writer(output, &why));
            }
            Ok(told(&why, output).map_err(serde_json::Error::io))
        })?;
        let unjudged = self.whole(unjudged)?;
        Ok(if unjudged > 0 {
            Verdict::No
        } else {
            Verdict::Yes
        })
    }

    /// Who can do what each line of the input says: a request of which any part may be left out, its caller is
    /// ignored. A line for every caller whose answer is not no.
    ///
    /// # Errors
    ///
    /// As [`explain`](Self::explain).
    pub fn who_can(&self, input: impl BufRead, output: impl Write) -> Result<Verdict, Error> {
        self.each_line(input, output, |request, take| {
            who_within(self.policy, request, self.patience, take)
        })
    }

    /// What each line of the input can be completed to: a request of which any part may be left out.
    ///
    /// # Errors
    ///
    /// As [`explain`](Self::explain).
    pub fn what_can(&self, input: impl BufRead, output: impl Write) -> Result<Verdict, Error> {
        self.each_line(input, output, |request, take| {
            take(what(self.policy, request)?);
            Ok(())
        })
    }

    /// Answers every line of the input with what is found for it.
    fn each_line<'s>(
        &'s self,
        mut input: impl BufRead,
        mut output: impl Write,
        find: impl Fn(&Json, &mut dyn FnMut(Who<'s>) -> bool) -> Result<(), String>,
    ) -> Result<Verdict, Error> {
        let mut text = Vec::new();
        let mut any = false;
        while let Some(whole) = next_line(&mut input, &mut text)? {
            let request = if whole {
                serde_json::from_slice(&text)
                    .map_err(|error| format!("the line is no JSON: {error}"))
            } else {
                Err("the line is longer than 1 MiB".to_owned())
            };
            let mut written = Ok(());
            let mut take = |who: Who<'_>| {
                any |= who.answer != Answer::No;
                written = reach(&who, self.form, &mut output);
                written.is_ok()
            };
            let found = request.and_then(|request: Json| find(&request, &mut take));
            written?;
            if let Err(error) = self.whole(found)? {
                line(&mut output, &json!({ "error": error }))?;
            }
        }
        output.flush()?;
        Ok(if any { Verdict::Yes } else { Verdict::No })
    }
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
