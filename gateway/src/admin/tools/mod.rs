//! Questions about the policy in force or a candidate: what `hangu policy lint`, `test`, `prove`, `explain`, `who-can`,
//! `what-can`, `diff` and `replay` answer, with the same objects.
//!
//! Nothing here changes anything. A question takes long at worst, so each has a bound: its body, its rows, its events,
//! its time and its answer; one at a time for each administrator, and half of the processors for all of them
//! together.

mod asked;
mod newest;
mod room;

use std::io::{self, Write};

use axum::Extension;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use hangu_policy::analysis::patience::Patience;
use hangu_policy::cli::Error;
use hangu_policy::cli::tools::{Form, Inquiry};
use hangu_policy::lifecycle::Text;
use hangu_policy::{Mistake, Revision, Snapshot as Policy};

use self::asked::{Asked, Question};
use self::newest::Newest;
pub use self::room::Room;
use crate::admin::act;
use crate::admin::context::{Context, Who};
use crate::admin::problem::Problem;
use crate::admin::strict::{Named, Strict};
use crate::gateway::Gateway;
use crate::world::world;

/// The largest body, in bytes: 100,000 rows with their tests fit.
const LARGEST: usize = 8 << 20;
/// The largest answer, in bytes; chosen for what a browser can show.
const LARGEST_ANSWER: usize = 32 << 20;
/// Mistakes of a candidate that are named; chosen for reading.
const NAMED: usize = 200;

/// Asks a tool.
pub async fn ask(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(name): Named<String>,
    request: Request,
) -> Result<Response, Problem> {
    let tool = name.parse().map_err(|()| Problem::not_found())?;
    // Before the body: who waits for an answer does not make the gateway hold another one.
    let turn = context.admin.tools.turn(&who.caller.id)?;
    let Strict(asked) = Strict::<Asked, LARGEST>::from_request(request, &()).await?;
    let question = asked.about(tool)?;
    act::begins(&context, &who, &name, question.of_candidate()).await?;
    let gateway = std::sync::Arc::clone(&context.admin.gateway);
    let answer = turn.work(move |patience| answer(&gateway, &question, patience));
    // The call has left its event; why it got no answer is between the administrator and the tool.
    let answer = answer.await.map_err(Problem::recorded)?;
    Ok(([(CONTENT_TYPE, "application/json")], answer).into_response())
}

fn answer(
    gateway: &Gateway,
    question: &Question,
    patience: &Patience<'_>,
) -> Result<Vec<u8>, Problem> {
    let snapshot = gateway.snapshot.load_full();
    let (texts, loaded);
    let (asked, policy): (_, &Policy) = match question.candidate(&snapshot.policy.bundle) {
        None => (&snapshot.policy.bundle, &snapshot.policy.compiled),
        Some(candidate) => {
            texts = candidate;
            let live = &snapshot.policy;
            loaded = texts
                .snapshot_near(&live.bundle, &live.compiled)
                .map_err(refused)?;
            (&texts, &loaded)
        }
    };
    let inquiry = Inquiry {
        policy,
        form: Form::Json,
        patience,
    };
    let mut lines = Lines::new(policy.revision());
    let answered = match question {
        Question::Lint { .. } => inquiry.lint(&mut lines),
        Question::Test { faults, .. } => inquiry.test(
            asked.model.source(),
            &asked.cases.iter().map(Text::source).collect::<Vec<_>>(),
            *faults,
            &mut lines,
        ),
        Question::Prove { .. } => {
            let statements: Vec<_> = asked.statements.iter().map(Text::source).collect();
            let world = world(&snapshot.configuration);
            inquiry.prove(&statements, Some(&world), &mut lines)
        }
        Question::Explain { request, .. } => inquiry.explain(request.as_slice(), &mut lines),
        Question::WhoCan { request, .. } => inquiry.who_can(request.as_slice(), &mut lines),
        Question::WhatCan { request, .. } => inquiry.what_can(request.as_slice(), &mut lines),
        Question::Diff { .. } => inquiry.diff(&snapshot.policy.compiled, &mut lines),
        Question::Replay { events, .. } => {
            let mut newest = Newest::new(gateway, &snapshot, *events);
            inquiry.replay(|| newest.next(), &mut lines)
        }
    };
    match answered {
        Ok(_) => Ok(lines.whole()),
        Err(error) => Err(unanswered(error, &lines)),
    }
}

fn unanswered(error: Error, lines: &Lines) -> Problem {
    let too_much = |reason, en: String, zh: String| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            reason,
            "this is too much for one question",
            "一次查询的工作量过大",
        )
        .detail(en, zh)
    };
    match error {
        Error::Load(mistakes) => refused(mistakes),
        Error::Unfinished => too_much(
            "tool-unfinished",
            error.to_string(),
            "未能在限定时间内完成；请减少规则、请求或事件的数量".to_owned(),
        ),
        Error::Io(_) if lines.full => too_much(
            "answer-too-large",
            format!(
                "the answer is larger than {} MiB; ask about fewer rows, requests or events",
                LARGEST_ANSWER >> 20
            ),
            format!(
                "结果超过 {} MiB；请减少规则、请求或事件的数量",
                LARGEST_ANSWER >> 20
            ),
        ),
        Error::Io(error) => Problem::failed(&error),
    }
}

/// A candidate, or its tests, that cannot be read.
fn refused(mut mistakes: Vec<Mistake>) -> Problem {
    let all = mistakes.len();
    mistakes.truncate(NAMED);
    let named = mistakes.len();
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "policy-refused",
        "the policy cannot be loaded as it stands",
        "该策略无法加载",
    )
    .detail(
        format!("it has {all} mistakes, of which {named} are named here"),
        format!("共 {all} 处错误，此处列出 {named} 处"),
    )
    .mistakes(mistakes)
}

/// The answer as it is written: JSON Lines in, one JSON document out.
struct Lines {
    bytes: Vec<u8>,
    /// A line has ended and another has not begun.
    between: bool,
    /// There was more than may be.
    full: bool,
}

impl Lines {
    fn new(revision: &Revision) -> Self {
        Self {
            bytes: format!("{{\"revision\":\"{revision}\",\"lines\":[").into_bytes(),
            between: false,
            full: false,
        }
    }

    fn whole(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(b"]}");
        self.bytes
    }
}

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(text.len()) > LARGEST_ANSWER {
            self.full = true;
            return Err(io::Error::other("the answer is too large"));
        }
        // Within a JSON object on one line there is no line feed.
        for piece in text.split_inclusive(|byte| *byte == b'\n') {
            let line = piece.strip_suffix(b"\n");
            let content = line.unwrap_or(piece);
            if self.between && !content.is_empty() {
                self.bytes.push(b',');
                self.between = false;
            }
            self.bytes.extend_from_slice(content);
            self.between |= line.is_some();
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hangu_policy::Source;
    use hangu_policy::cli::tools;
    use serde_json::{Value, json};

    use super::*;

    fn empty() -> Lines {
        let sources = [Source {
            name: "rules",
            text: "p, *, *, *, *, /*, *, true, deny,\n",
        }];
        let model = Source {
            name: "model",
            text: include_str!("../../../../configs/policy/model.conf"),
        };
        Lines::new(tools::load(model, &sources).unwrap().revision())
    }

    #[test]
    fn lines_become_one_document_however_they_are_cut() {
        let text = b"{\"a\":\"\\n\"}\n{\"b\":[1,2]}\n{}\n";
        for size in 1..=text.len() {
            let mut lines = empty();
            for piece in text.chunks(size) {
                lines.write_all(piece).unwrap();
            }
            let whole: Value = serde_json::from_slice(&lines.whole()).unwrap();
            let expected = json!([{ "a": "\n" }, { "b": [1, 2] }, {}]);
            assert_eq!(whole["lines"], expected, "cut at {size}");
        }
    }

    #[test]
    fn an_answer_without_lines_is_an_empty_list() {
        let lines = empty();
        let whole: Value = serde_json::from_slice(&lines.whole()).unwrap();
        assert_eq!(whole["lines"], json!([]));
    }

    #[test]
    fn an_answer_that_grows_too_large_is_none() {
        let mut lines = empty();
        let line = vec![b' '; LARGEST_ANSWER / 4];
        let written = (0..5).map(|_| lines.write_all(&line)).find(Result::is_err);
        let error = Error::Io(written.unwrap().unwrap_err());
        assert_eq!(unanswered(error, &lines).reason(), "answer-too-large");
    }
}
