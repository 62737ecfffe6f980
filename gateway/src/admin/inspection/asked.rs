//! What a proposal is asked about: a finding of an event, or a scope that was written by hand.

use axum::http::StatusCode;
use serde::Deserialize;

use crate::admin::problem::Problem;
use crate::triage::scope::{Scope, Unexceptable};
use crate::triage::sighting::Sighting;

/// A question as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    #[serde(default)]
    event: Option<u64>,
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    place: Option<String>,
    #[serde(default)]
    scope: Option<Scope>,
}

/// A question as it is meant.
#[derive(Debug)]
pub(super) enum Question {
    /// What the narrowest exception for a finding is.
    Finding {
        event: u64,
        rule: String,
        place: Option<String>,
    },
    /// What an exception would have done.
    Scope(Scope),
}

impl Asked {
    /// What is meant.
    ///
    /// # Errors
    /// Where it is neither the one nor the other.
    pub(super) fn question(self) -> Result<Question, Problem> {
        match (self.event, self.rule, self.place, self.scope) {
            (Some(event), Some(rule), place, None) => Ok(Question::Finding { event, rule, place }),
            (None, None, None, Some(scope)) => Ok(Question::Scope(scope)),
            _ => Err(Problem::malformed(
                "give `event` and `rule` of a finding, or a `scope`",
                "请给出命中所在的 event 与 rule，或给出 scope",
            )),
        }
    }
}

/// The narrowest exception for what a rule found in a request; of several places the first that counts.
pub(super) fn narrowest(one: &Sighting, rule: &str, place: Option<&str>) -> Result<Scope, Problem> {
    let named = |found: &&hangu_audit::event::OwnedFinding| {
        found.rule == rule && place.is_none_or(|place| found.place == place)
    };
    let found = || one.findings.iter().filter(named);
    let counting = found().find(|found| found.score > 0);
    let found = counting.or_else(|| found().next()).ok_or_else(|| {
        Problem::malformed(
            format!("`{rule}` is no rule that was found there in this event"),
            format!("此事件的该处没有规则“{rule}”的命中"),
        )
    })?;
    Scope::narrowest(one.portal.as_deref(), &one.path, rule, &found.place)
        .map_err(|why| unexceptable(why, rule, &found.place))
}

fn unexceptable(why: Unexceptable, rule: &str, place: &str) -> Problem {
    let (en, zh) = match why {
        Unexceptable::RuleFile => (
            format!(
                "`{rule}` is a rule of a file; write `SecRuleUpdateTargetById {rule} \"!{place}\"` after it, and reload"
            ),
            format!(
                "“{rule}”来自规则文件；请在其后写入 SecRuleUpdateTargetById {rule} \"!{place}\" 并重新加载"
            ),
        ),
        Unexceptable::NotDescribed => (
            "the portal's OpenAPI document does not describe this request; describe it there".to_owned(),
            "门户的 OpenAPI 文档没有描述此请求；请在文档中补充".to_owned(),
        ),
        Unexceptable::Response => (
            "this was seen in an answer; `[portal.inspect] responses` says what becomes of those".to_owned(),
            "这是在响应中发现的；由 [portal.inspect] responses 决定如何处理".to_owned(),
        ),
        Unexceptable::Masked => (
            "the name of its place was masked or cut where it was recorded; give a `scope` that names it".to_owned(),
            "命中位置的名称在记录时已脱敏或截断；请用 scope 写明".to_owned(),
        ),
        Unexceptable::Nowhere => (
            "its event names no portal or not the whole path; give a `scope` that does".to_owned(),
            "事件没有门户或完整路径；请用 scope 写明".to_owned(),
        ),
    };
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "not-exceptable",
        "no exception can be made for this finding here",
        "此命中不能在这里设为例外",
    )
    .detail(en, zh)
}
