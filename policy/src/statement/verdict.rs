//! What a statement came to, for programs and for people.

use serde::Serialize;
use serde_json::Value as Json;

/// A statement with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the source.
    pub file: String,
    /// Line of the statement, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// The statement as written, runs of blanks as one.
    pub statement: String,
    /// What it came to.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The verdict in English.
    pub message: String,
    /// The verdict in Chinese.
    pub message_zh: String,
}

/// What a statement came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds of every request.
    Proved {
        /// Sets of requests that were looked at; 0 where no request is in the statement's scope.
        cases: usize,
    },
    /// It does not hold.
    Refuted {
        /// What shows it.
        witness: Box<Witness>,
    },
    /// The analysis cannot tell; to be treated as if it did not hold.
    Undecided {
        /// What stands in the way.
        because: Obstacle,
    },
}

/// What shows that a statement does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// The portal that is reached, where portals are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub portal: Option<String>,
    /// The zone it is reached from, where zones are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// A request that the policy allows, as `hangu policy explain` reads it; for roles that exclude one another, who has
    /// them and where.
    pub request: Json,
    /// What the allow costs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub obligations: String,
    /// The rows behind it, `file:line`.
    pub rules: Vec<String>,
}

/// What the analysis could not see through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// The row, `file:line`; empty where no single row is in the way.
    pub rule: String,
    /// The clause of the row, as written; empty where the cases were too many.
    pub clause: String,
}

impl Finding {
    /// Whether the statement is proved.
    pub fn holds(&self) -> bool {
        match self.verdict {
            Verdict::Proved { .. } => true,
            Verdict::Refuted { .. } | Verdict::Undecided { .. } => false,
        }
    }
}

impl Verdict {
    /// The verdict in English and in Chinese.
    pub(super) fn told(&self) -> (String, String) {
        match self {
            Self::Proved { cases: 0 } => (
                "holds; no request is within its scope".to_owned(),
                "成立；范围内没有任何请求".to_owned(),
            ),
            Self::Proved { .. } => (
                "holds of every request".to_owned(),
                "对所有请求成立".to_owned(),
            ),
            Self::Refuted { witness } => {
                let (request, rules) = (&witness.request, witness.rules.join(", "));
                let cost = |word: &str| {
                    if witness.obligations.is_empty() {
                        String::new()
                    } else {
                        format!("{word}{}", witness.obligations)
                    }
                };
                let to = witness.portal.as_deref().unwrap_or_default();
                let (to_en, to_zh) = if to.is_empty() {
                    (String::new(), String::new())
                } else {
                    (format!(" at portal {to}"), format!("门户 {to} 的"))
                };
                (
                    format!(
                        "does not hold: {request}{to_en} is allowed by {rules}{}",
                        cost(" with ")
                    ),
                    format!(
                        "不成立：{to_zh}请求 {request} 被 {rules} 放行{}",
                        cost("，附带义务 ")
                    ),
                )
            }
            Self::Undecided { because } if because.rule.is_empty() => (
                "cannot be decided: too many cases; narrow its scope".to_owned(),
                "无法判定：情形过多，请缩小范围".to_owned(),
            ),
            Self::Undecided { because } if because.clause.is_empty() => (
                format!(
                    "cannot be decided: too many cases at {}; narrow the scope",
                    because.rule
                ),
                format!("无法判定：在 {} 处情形过多，请缩小范围", because.rule),
            ),
            Self::Undecided { because } => (
                format!(
                    "cannot be decided: {} asks `{}`, which the analysis does not see through",
                    because.rule, because.clause
                ),
                format!(
                    "无法判定：{} 的条件 `{}` 超出分析能力",
                    because.rule, because.clause
                ),
            ),
        }
    }

    /// The verdict on roles, whose witness is no request.
    pub(super) fn told_of_roles(&self) -> (String, String) {
        match self {
            Self::Proved { .. } => ("holds of everybody".to_owned(), "对所有人员成立".to_owned()),
            Self::Refuted { witness } => {
                let (holder, rules) = (&witness.request, witness.rules.join(", "));
                let by = |word: &str| {
                    if rules.is_empty() {
                        String::new()
                    } else {
                        format!("{word}{rules}")
                    }
                };
                (
                    format!("does not hold: {holder} through {}", by("")),
                    format!("不成立：{holder}{}", by("，依据 ")),
                )
            }
            Self::Undecided { .. } => self.told(),
        }
    }
}
