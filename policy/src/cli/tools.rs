//! Commands for the people who write, review and answer for a policy. JSON Lines for programs; with
//! [`Form::Text`] the same in Chinese and English for people.

mod ask;
mod replay;
mod test;

use std::io::{self, Write};

use serde::Serialize;

pub use self::replay::{record, records};
pub use self::test::Faults;
use super::Error;
use crate::analysis::change::{self, Kind, Region};
use crate::analysis::lint::{Severity, within as findings};
use crate::analysis::patience::Patience;
use crate::engine::snapshot::Snapshot;
use crate::source::{Dialect, Source};
use crate::statement::{Verdict as Proof, World, within as judge};

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

/// A policy that is asked about; each command is a question.
#[derive(Clone, Copy)]
pub struct Inquiry<'a> {
    /// The policy.
    pub policy: &'a Snapshot,
    /// How answers are written.
    pub form: Form,
    /// How long an answer may take.
    pub patience: &'a Patience<'a>,
}

/// Reads a policy that can be asked about, in the strict dialect.
///
/// # Errors
///
/// Mistakes in the model or the rules.
pub fn load(model: Source<'_>, rules: &[Source<'_>]) -> Result<Snapshot, Error> {
    Snapshot::load(model, rules, Dialect::Strict).map_err(Error::Load)
}

fn line(output: &mut impl Write, value: &impl Serialize) -> Result<(), Error> {
    serde_json::to_writer(&mut *output, value).map_err(io::Error::from)?;
    output.write_all(b"\n")?;
    Ok(())
}

impl Inquiry<'_> {
    /// Checks a policy; [`Verdict::No`] if some row does not do what it says.
    ///
    /// # Errors
    ///
    /// Lost patience; failures of output.
    pub fn lint(&self, mut output: impl Write) -> Result<Verdict, Error> {
        let findings = self.whole(findings(self.policy, self.patience))?;
        for finding in &findings {
            if self.form == Form::Json {
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
            writeln!(output, "    {}；{}", finding.message_zh, finding.help_zh)?;
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
    /// Mistakes in the statements; lost patience; failures of output.
    pub fn prove(
        &self,
        statements: &[Source<'_>],
        world: Option<&World>,
        mut output: impl Write,
    ) -> Result<Verdict, Error> {
        let findings = judge(self.policy, statements, world, self.patience).map_err(Error::Load)?;
        let findings = self.whole(findings)?;
        for finding in &findings {
            if self.form == Form::Json {
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

    /// Who gains or loses what since another policy, a line for each row or role that differs; [`Verdict::No`] if a
    /// request is known that is decided otherwise.
    ///
    /// # Errors
    ///
    /// As [`lint`](Self::lint).
    pub fn diff(&self, before: &Snapshot, mut output: impl Write) -> Result<Verdict, Error> {
        let mut changes = false;
        let mut written = Ok(());
        let mut take = |region: Region| {
            changes |= region.gained.is_some() || region.lost.is_some();
            written = told(&region, self.form, &mut output);
            written.is_ok()
        };
        change::within(before, self.policy, self.patience, &mut take);
        written?;
        self.whole(())?;
        output.flush()?;
        Ok(if changes { Verdict::No } else { Verdict::Yes })
    }

    /// What was found, unless patience was lost on the way.
    fn whole<T>(&self, found: T) -> Result<T, Error> {
        if self.patience.is_lost() {
            Err(Error::Unfinished)
        } else {
            Ok(found)
        }
    }
}

fn told(region: &Region, form: Form, output: &mut impl Write) -> Result<(), Error> {
    if form == Form::Json {
        return line(output, region);
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
    Ok(())
}
