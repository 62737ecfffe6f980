//! `hangu policy test`.

use std::io::Write;

use serde_json::json;

use super::{Error, Form, Inquiry, Verdict, line};
use crate::analysis::cases::{self, Case};
use crate::analysis::mutants;
use crate::source::Source;

/// Whether faults are put into the policy on purpose, to see which of them the tests notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Faults {
    /// One after the other.
    Put,
    /// None.
    None,
}

impl Inquiry<'_> {
    /// Runs tests beside the rules, with what they reach; `model` is the text of the policy's model, into whose rows faults are put;
    /// [`Verdict::No`] if a test does not hold.
    ///
    /// # Errors
    ///
    /// As [`lint`](Self::lint), and tests that cannot be read.
    pub fn test(
        &self,
        model: Source<'_>,
        tests: &[Source<'_>],
        faults: Faults,
        mut output: impl Write,
    ) -> Result<Verdict, Error> {
        let mut run = 0;
        let mut all: Vec<(usize, Case)> = Vec::new();
        let mut failed = 0;
        for source in tests {
            let cases = cases::read_all(*source).map_err(Error::Load)?;
            run += cases.len();
            let failures = cases::failures_within(self.policy, &cases, self.patience);
            for failure in self.whole(failures)? {
                failed += 1;
                match self.form {
                    Form::Json => line(
                        &mut output,
                        &json!({ "file": source.name, "failure": failure }),
                    )?,
                    Form::Text => writeln!(
                        output,
                        "{}:{}: 不通过 fails: {} {}\n    {}",
                        source.name,
                        failure.line,
                        failure.name,
                        failure.message,
                        failure.message_zh
                    )?,
                }
            }
            all.extend(cases);
        }
        let coverage = cases::coverage_within(self.policy, &all, self.patience);
        let coverage = self.whole(coverage)?;
        let faulty = match faults {
            Faults::Put => {
                let report = mutants::within(self.policy, model, &all, self.patience);
                Some(self.whole(report)?)
            }
            Faults::None => None,
        };
        match self.form {
            Form::Json => {
                let mut summary = json!({ "run": run, "failed": failed, "coverage": coverage });
                if let (Some(faulty), Some(members)) = (&faulty, summary.as_object_mut()) {
                    members.insert("faults".to_owned(), json!(faulty));
                }
                line(&mut output, &summary)?;
            }
            Form::Text => {
                writeln!(
                    output,
                    "测试 tests: {run} 项,{failed} 项不通过 · {run} run, {failed} failed"
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
}
