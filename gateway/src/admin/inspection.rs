//! Living with inspection: which rules fire and how often they are right, what people say of findings, and exceptions.

mod asked;
mod told;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

use self::asked::{Asked, Question};
use crate::admin::act;
use crate::admin::bans::reason;
use crate::admin::context::{Context, Who, blocking};
use crate::admin::events::reading;
use crate::admin::problem::Problem;
use crate::admin::strict::{Asking, Named, Strict};
use crate::clock;
use crate::gateway::Gateway;
use crate::triage::Fault;
use crate::triage::exception::{Deed, LASTS, LONGEST, Step, Terms};
use crate::triage::mark::{Mark, Verdict};
use crate::triage::scope::Scope;
use crate::triage::sighting::{Sighting, sighting};

/// The longest note, in bytes.
const LONGEST_NOTE: usize = 4096;
/// Requests that a proposal shows.
const SAMPLES: usize = 20;

/// What a finding turned out to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    mark: Verdict,
    rule: String,
    #[serde(default)]
    note: String,
}

/// An exception as it is proposed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    scope: Scope,
    reason: String,
    #[serde(default)]
    until_ms: Option<u64>,
    #[serde(default)]
    event: Option<u64>,
}

/// A step that takes a reason only.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    reason: String,
}

/// Rules that were seen in the recorded past, by portal, with how often they were right.
pub async fn rules(State(context): State<Context>) -> Result<Response, Problem> {
    let answer = reading(&context, |gateway| told::rules(gateway, clock::wall_ms()));
    Ok(Json(answer.await?).into_response())
}

/// Requests in which something was seen, newest first.
pub async fn events(
    State(context): State<Context>,
    Asking(filter): Asking<told::Filter>,
) -> Result<Response, Problem> {
    let answer = reading(&context, move |gateway| {
        told::events(gateway, &filter, clock::wall_ms())
    });
    Ok(Json(answer.await?).into_response())
}

/// One request in which something was seen.
pub async fn event(
    State(context): State<Context>,
    Named(index): Named<u64>,
) -> Result<Response, Problem> {
    let answer = reading(&context, move |gateway| {
        let one = seen(gateway, index)?;
        told_of(gateway, &one)
    });
    answer.await
}

/// The recorded request with this number.
fn seen(gateway: &Gateway, index: u64) -> Result<Sighting, Problem> {
    let record = gateway.journal.read_one(index);
    // A number of a log that is not there names nothing.
    let record = record.ok().flatten().ok_or_else(Problem::not_found)?;
    sighting(index, &record.event).ok_or_else(Problem::not_found)
}

fn told_of(gateway: &Gateway, one: &Sighting) -> Result<Response, Problem> {
    let told = gateway
        .triage
        .read(clock::wall_ms(), |book| told::sighting(one, book));
    Ok(Json(told.map_err(|fault| problem(&fault))?).into_response())
}

/// Says what a finding turned out to be; the last word counts.
pub async fn mark(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(index): Named<u64>,
    Strict(said): Strict<Said>,
) -> Result<Response, Problem> {
    if said.note.len() > LONGEST_NOTE {
        return Err(Problem::malformed(
            "`note` has at most 4096 bytes",
            "说明不超过 4096 字节",
        ));
    }
    let one = reading(&context, move |gateway| seen(gateway, index)).await?;
    if !one.findings.iter().any(|found| found.rule == said.rule) {
        return Err(Problem::malformed(
            format!("`{}` is no rule that was found in this event", said.rule),
            format!("此事件中没有规则“{}”的命中", said.rule),
        ));
    }
    let change = format!("{} {}: {}", said.rule, told::word(said.mark), said.note);
    act::begins(&context, &who, &index.to_string(), Some(change.trim())).await?;
    let gateway = Arc::clone(&context.admin.gateway);
    let by = who.caller.id.clone();
    blocking(move || {
        let mark = Mark {
            event: index,
            rule: said.rule,
            portal: one.portal.clone().unwrap_or_default(),
            mark: said.mark,
            note: said.note,
            by,
            at_ms: clock::wall_ms(),
        };
        gateway.triage.mark(mark).map_err(|fault| problem(&fault))?;
        told_of(&gateway, &one)
    })
    .await
}

/// Every exception: those that were granted, and those of the configuration.
pub async fn exceptions(State(context): State<Context>) -> Result<Response, Problem> {
    let gateway = Arc::clone(&context.admin.gateway);
    blocking(move || Ok(Json(told::exceptions(&gateway, clock::wall_ms())).into_response())).await
}

/// The narrowest exception for a finding, or one that was written by hand, with what it would have let through.
pub async fn propose(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Strict(asked): Strict<Asked>,
) -> Result<Response, Problem> {
    let question = asked.question()?;
    let scope = reading(&context, move |gateway| match question {
        Question::Scope(scope) => checked(gateway, scope),
        Question::Finding { event, rule, place } => {
            let one = seen(gateway, event)?;
            checked(gateway, asked::narrowest(&one, &rule, place.as_deref())?)
        }
    });
    let scope = scope.await?;
    act::begins(&context, &who, &told::line(&scope), None).await?;
    let answer = reading(&context, move |gateway| {
        let now_ms = clock::wall_ms();
        let reach = reach(gateway, &scope, now_ms).map_err(Problem::recorded)?;
        let because = Terms::wide(&scope, &reach.counted);
        Ok(json!({
            "scope": scope,
            "reach": reach.counted,
            "samples": reach.samples,
            "window": reach.window,
            "threshold": reach.threshold,
            "unknown": told::UNKNOWN,
            "approvals": Terms::needed(&because),
            "because": because,
            "until_ms": now_ms.saturating_add(LASTS),
            "longest_ms": LONGEST,
        }))
    });
    Ok(Json(answer.await?).into_response())
}

/// A scope that this gateway can hold.
fn checked(gateway: &Gateway, scope: Scope) -> Result<Scope, Problem> {
    let scope = scope.checked().map_err(|error| {
        Problem::malformed(error.to_string(), format!("例外的范围不可用：{error}"))
    })?;
    let snapshot = gateway.snapshot.load();
    if snapshot
        .portals
        .iter()
        .all(|portal| portal.settings.name != scope.portal)
    {
        return Err(Problem::malformed(
            format!("there is no portal `{}`", scope.portal),
            format!("没有名为“{}”的门户", scope.portal),
        ));
    }
    Ok(scope)
}

fn reach(gateway: &Gateway, scope: &Scope, now_ms: u64) -> Result<told::Reach, Problem> {
    let snapshot = gateway.snapshot.load();
    let portal = snapshot
        .portals
        .iter()
        .find(|portal| portal.settings.name == scope.portal);
    let threshold = portal.map_or(hangu_inspect::inspector::THRESHOLD, |portal| {
        portal.settings.inspect.threshold
    });
    told::reach(gateway, scope, threshold, SAMPLES, now_ms)
}

/// Proposes an exception; others approve it.
pub async fn create(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Strict(proposal): Strict<Proposal>,
) -> Result<Response, Problem> {
    let why = reason(&proposal.reason)?.to_owned();
    let now_ms = clock::wall_ms();
    let until_ms = proposal.until_ms.unwrap_or(now_ms.saturating_add(LASTS));
    if until_ms <= now_ms || until_ms > now_ms.saturating_add(LONGEST) {
        return Err(Problem::malformed(
            "`until_ms` is in the past or more than 180 days ahead; what lasts longer belongs in the configuration",
            "结束时间已过或超过 180 天；更长期的例外应写入配置",
        ));
    }
    let by = who.caller.id.clone();
    let terms = reading(&context, move |gateway| {
        gateway
            .triage
            .has_room(now_ms)
            .map_err(|fault| problem(&fault))?;
        let scope = checked(gateway, proposal.scope)?;
        if let Some(event) = proposal.event {
            seen(gateway, event)?;
        }
        let reach = reach(gateway, &scope, now_ms)?.counted;
        let because = Terms::wide(&scope, &reach);
        Ok(Terms {
            scope,
            reason: why,
            by,
            created_ms: now_ms,
            until_ms,
            approvals: Terms::needed(&because),
            because,
            event: proposal.event,
            reach,
        })
    });
    let terms = terms.await?;
    let change = format!(
        "{} (until {}, approvals {}, would have let through {})",
        terms.reason,
        clock::timestamp(until_ms),
        terms.approvals,
        terms.reach.let_through,
    );
    act::begins(&context, &who, &told::line(&terms.scope), Some(&change)).await?;
    let gateway = Arc::clone(&context.admin.gateway);
    let made = blocking(move || {
        let made = gateway.triage.propose(terms);
        made.map_err(|fault| problem(&fault))
    });
    let made = told::exception(&made.await?, now_ms);
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Approves an exception of somebody else's. With enough approvals it is in force at once.
pub async fn approve(
    context: State<Context>,
    who: Extension<Who>,
    id: Named<u64>,
    reason: Strict<Reason>,
) -> Result<Response, Problem> {
    step(context, who, id, reason, Deed::Approve).await
}

/// Refuses an exception of somebody else's, for good.
pub async fn reject(
    context: State<Context>,
    who: Extension<Who>,
    id: Named<u64>,
    reason: Strict<Reason>,
) -> Result<Response, Problem> {
    step(context, who, id, reason, Deed::Reject).await
}

/// Takes back one's own exception before it is in force.
pub async fn withdraw(
    context: State<Context>,
    who: Extension<Who>,
    id: Named<u64>,
    reason: Strict<Reason>,
) -> Result<Response, Problem> {
    step(context, who, id, reason, Deed::Withdraw).await
}

/// Ends an exception that is in force.
pub async fn end(
    context: State<Context>,
    who: Extension<Who>,
    id: Named<u64>,
    reason: Strict<Reason>,
) -> Result<Response, Problem> {
    step(context, who, id, reason, Deed::End).await
}

async fn step(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(id): Named<u64>,
    Strict(given): Strict<Reason>,
    what: Deed,
) -> Result<Response, Problem> {
    let why = reason(&given.reason)?.to_owned();
    let (gateway, by) = (Arc::clone(&context.admin.gateway), who.caller.id.clone());
    let asking = blocking(move || {
        let known = gateway.triage.may(id, what, &by, clock::wall_ms());
        known.map_err(|fault| problem(&fault))
    });
    let known = asking.await?;
    let change = format!("{why} ({})", told::line(&known.terms.scope));
    act::begins(&context, &who, &id.to_string(), Some(&change)).await?;
    let (gateway, by) = (Arc::clone(&context.admin.gateway), who.caller.id.clone());
    let stepped = blocking(move || {
        let now_ms = clock::wall_ms();
        let step = Step {
            what,
            by,
            reason: why,
            at_ms: now_ms,
        };
        let stepped = gateway
            .triage
            .step(id, step)
            .map_err(|fault| problem(&fault))?;
        Ok(told::exception(&stepped, now_ms))
    });
    Ok(Json(stepped.await?).into_response())
}

/// What an administrator is told of it.
fn problem(fault: &Fault) -> Problem {
    use crate::triage::exception::Refused;
    match fault {
        Fault::Unknown => Problem::not_found(),
        Fault::Refused(refused) => {
            let zh = match refused {
                Refused::NotPending => "此例外不在等待批准",
                Refused::NotInForce => "此例外未在生效",
                Refused::OwnException => "提出例外的人不能批准或驳回它",
                Refused::NotTheAuthor => "只有提出例外的人可以撤回它",
                Refused::Twice => "您已批准过此例外",
            };
            Problem::new(
                StatusCode::CONFLICT,
                "exception-step",
                "this cannot be done to the exception as it stands",
                "按例外的当前状态不能这样做",
            )
            .detail(refused.to_string(), zh)
        }
        Fault::Full => Problem::new(
            StatusCode::CONFLICT,
            "exceptions-full",
            "there are as many exceptions as there may be",
            "例外数量已达上限",
        )
        .detail(fault.to_string(), "例外数量已达上限；请先结束一些"),
        Fault::Store(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "inspection-store",
            "marks and exceptions cannot be read or written",
            "标记与例外无法读写",
        )
        .detail(
            fault.to_string(),
            format!("标记与例外的存储不可用，没有例外在生效：{fault}"),
        ),
    }
}
