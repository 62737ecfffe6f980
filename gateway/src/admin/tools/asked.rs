//! What a tool is asked, read strictly: a member that the tool does not look at is refused rather than ignored.

use std::str::FromStr;

use hangu_policy::cli::tools::Faults;
use hangu_policy::lifecycle::{Bundle, Text};
use serde::Deserialize;
use serde_json::Value;

use crate::admin::problem::Problem;

/// Most lines of rules and of tests; chosen, a time's worth of loading.
const MOST_LINES: usize = 100_000;
/// Most texts of one kind; chosen.
const MOST_TEXTS: usize = 256;
/// The longest name of a text, in bytes; every finding repeats it.
const LONGEST_NAME: usize = 512;
/// Decisions that are replayed where nobody says how many.
const EVENTS: usize = 10_000;
/// Most decisions that are replayed.
const MOST_EVENTS: usize = 100_000;

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Lint,
    Test,
    Prove,
    Explain,
    WhoCan,
    WhatCan,
    Diff,
    Replay,
}

impl FromStr for Tool {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "lint" => Ok(Self::Lint),
            "test" => Ok(Self::Test),
            "prove" => Ok(Self::Prove),
            "explain" => Ok(Self::Explain),
            "who-can" => Ok(Self::WhoCan),
            "what-can" => Ok(Self::WhatCan),
            "diff" => Ok(Self::Diff),
            "replay" => Ok(Self::Replay),
            _ => Err(()),
        }
    }
}

/// A question as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    model: Option<Text>,
    rules: Option<Vec<Text>>,
    cases: Option<Vec<Text>>,
    statements: Option<Vec<Text>>,
    faults: Option<bool>,
    request: Option<Value>,
    events: Option<usize>,
}

/// The candidate that a question is about; what is left out is as in force.
#[derive(Debug)]
pub(super) struct Candidate {
    model: Option<Text>,
    rules: Option<Vec<Text>>,
    cases: Option<Vec<Text>>,
    statements: Option<Vec<Text>>,
}

/// A question as it is meant.
#[derive(Debug)]
pub(super) enum Question {
    Lint {
        of: Candidate,
    },
    Test {
        of: Candidate,
        faults: Faults,
    },
    Prove {
        of: Candidate,
    },
    /// The request as one line of JSON.
    Explain {
        of: Candidate,
        request: Vec<u8>,
    },
    WhoCan {
        of: Candidate,
        request: Vec<u8>,
    },
    WhatCan {
        of: Candidate,
        request: Vec<u8>,
    },
    Diff {
        of: Candidate,
    },
    Replay {
        of: Candidate,
        events: usize,
    },
}

impl Asked {
    /// The question to a tool.
    ///
    /// # Errors
    /// Members that the tool does not take or lacks, and more than may be asked about.
    pub(super) fn about(self, tool: Tool) -> Result<Question, Problem> {
        let asks = matches!(tool, Tool::Explain | Tool::WhoCan | Tool::WhatCan);
        let tests = tool == Tool::Test;
        let members = [
            ("cases", self.cases.is_some(), tests),
            ("statements", self.statements.is_some(), tool == Tool::Prove),
            ("faults", self.faults.is_some(), tests),
            ("request", self.request.is_some(), asks),
            ("events", self.events.is_some(), tool == Tool::Replay),
        ];
        if let Some((name, ..)) = members.iter().find(|(_, given, taken)| *given && !taken) {
            return Err(Problem::malformed(
                format!("`{name}` is nothing that this tool looks at; leave it out"),
                format!("此工具不使用 {name}，请去掉"),
            ));
        }
        let of = Candidate {
            model: self.model,
            rules: self.rules,
            cases: self.cases,
            statements: self.statements,
        };
        of.check()?;
        let request = match self.request {
            Some(request) => request.to_string().into_bytes(),
            None if asks => {
                return Err(Problem::malformed(
                    "`request` is missing; give an object of the model's fields",
                    "缺少 request；请按模型字段给出对象",
                ));
            }
            None => Vec::new(),
        };
        Ok(match tool {
            Tool::Lint => Question::Lint { of },
            Tool::Test => Question::Test {
                of,
                faults: if self.faults == Some(true) {
                    Faults::Put
                } else {
                    Faults::None
                },
            },
            Tool::Prove => Question::Prove { of },
            Tool::Explain => Question::Explain { of, request },
            Tool::WhoCan => Question::WhoCan { of, request },
            Tool::WhatCan => Question::WhatCan { of, request },
            Tool::Diff if of.rules.is_none() && of.model.is_none() => {
                return Err(Problem::malformed(
                    "there is nothing to compare with the policy in force; give `rules` or `model`",
                    "没有可与当前策略比较的内容；请给出 rules 或 model",
                ));
            }
            Tool::Diff => Question::Diff { of },
            Tool::Replay => Question::Replay {
                of,
                events: events(self.events)?,
            },
        })
    }
}

fn events(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(EVENTS) {
        0 => Err(Problem::malformed(
            "`events` is 0; at least one decision is replayed",
            "events 至少为 1",
        )),
        many if many > MOST_EVENTS => Err(Problem::malformed(
            format!("`events` is {many}; at most {MOST_EVENTS} decisions are replayed"),
            format!("events 不超过 {MOST_EVENTS}"),
        )),
        events => Ok(events),
    }
}

impl Candidate {
    fn check(&self) -> Result<(), Problem> {
        let lists = [
            ("rules", &self.rules),
            ("cases", &self.cases),
            ("statements", &self.statements),
        ];
        for (member, texts) in lists {
            let texts = texts.as_deref().unwrap_or_default();
            let lines: usize = texts.iter().map(|text| text.text.lines().count()).sum();
            if texts.len() > MOST_TEXTS || lines > MOST_LINES {
                return Err(Problem::malformed(
                    format!(
                        "`{member}` has {} texts with {lines} lines; at most {MOST_TEXTS} with {MOST_LINES} are read",
                        texts.len()
                    ),
                    format!("{member} 最多 {MOST_TEXTS} 个文件、{MOST_LINES} 行"),
                ));
            }
        }
        let names = self
            .model
            .iter()
            .chain(lists.iter().flat_map(|(_, texts)| texts.iter().flatten()))
            .map(|text| text.name.len());
        if names.max().unwrap_or(0) > LONGEST_NAME {
            return Err(Problem::malformed(
                format!("a `name` has more than {LONGEST_NAME} bytes"),
                format!("name 不超过 {LONGEST_NAME} 字节"),
            ));
        }
        Ok(())
    }
}

impl Question {
    fn of(&self) -> &Candidate {
        match self {
            Self::Lint { of }
            | Self::Test { of, .. }
            | Self::Prove { of }
            | Self::Explain { of, .. }
            | Self::WhoCan { of, .. }
            | Self::WhatCan { of, .. }
            | Self::Diff { of }
            | Self::Replay { of, .. } => of,
        }
    }

    /// What the event says of it, where it is not about the policy in force alone.
    pub(super) fn of_candidate(&self) -> Option<&'static str> {
        let of = self.of();
        let given = of.model.is_some() || of.rules.is_some() || of.statements.is_some();
        given.then_some("a candidate")
    }

    /// The texts that are asked about; `None` for those in force.
    pub(super) fn candidate(&self, in_force: &Bundle) -> Option<Bundle> {
        let of = self.of();
        let kept = of.cases.is_none() && of.statements.is_none();
        if of.model.is_none() && of.rules.is_none() && kept {
            return None;
        }
        Some(Bundle {
            model: of.model.as_ref().unwrap_or(&in_force.model).clone(),
            rules: of.rules.as_ref().unwrap_or(&in_force.rules).clone(),
            statements: of
                .statements
                .as_ref()
                .unwrap_or(&in_force.statements)
                .clone(),
            cases: of.cases.as_ref().unwrap_or(&in_force.cases).clone(),
        })
    }
}
