//! Policy changes: proposed, reviewed, tried, put into force, taken back.

mod refused;
mod told;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use hangu_policy::lifecycle::{Actor, Bundle, BundleId, ChangeId, Role, Stage, Text};
use serde::Deserialize;
use serde_json::Value;

use self::refused::problem;
use crate::admin::act;
use crate::admin::context::{Context, Who, blocking};
use crate::admin::problem::Problem;
use crate::admin::strict::{Named, Strict};
use crate::admin::users;
use crate::clock;
use crate::gateway::Gateway;
use crate::policy::office::{Fault, Office, Record, canary};

/// The largest policy that a call can carry: 8 MiB, some 100,000 rules.
const LARGEST_POLICY: usize = 8 << 20;

/// A change as it is proposed. What is left out stays as it is live.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    reason: String,
    #[serde(default)]
    model: Option<Text>,
    rules: Vec<Text>,
    #[serde(default)]
    statements: Option<Vec<Text>>,
    #[serde(default)]
    cases: Option<Vec<Text>>,
    /// Makes it live at once until then, in milliseconds since the epoch, unless it is approved meanwhile.
    #[serde(default)]
    emergency_until_ms: Option<u64>,
}

/// A step that takes a reason only.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    reason: String,
}

/// An approval, of what was looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    reason: String,
    /// The bundle that was looked at.
    bundle: String,
}

/// Where an approved change goes next.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    to: Goal,
    reason: String,
    #[serde(default)]
    departments: Vec<String>,
    #[serde(default)]
    share: Option<u8>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Goal {
    Shadow,
    Canary,
    Live,
}

/// Every change, the live policy and the candidate.
pub async fn list(State(context): State<Context>) -> Result<Response, Problem> {
    let gateway = Arc::clone(&context.admin.gateway);
    blocking(move || Ok(Json(told::all(&gateway)).into_response())).await
}

/// One change with what it brings.
pub async fn one(
    State(context): State<Context>,
    Named(id): Named<u64>,
) -> Result<Response, Problem> {
    let gateway = Arc::clone(&context.admin.gateway);
    blocking(move || {
        let change = office(&gateway)?.read(|record| told::whole(record, ChangeId(id)));
        // Compared after the record is free again for others.
        let change = change.map_err(|fault| problem(&fault))?.compared();
        Ok(Json(change).into_response())
    })
    .await
}

/// Proposes a change for review, or puts it into force as an emergency.
pub async fn propose(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Strict(proposal): Strict<Proposal, LARGEST_POLICY>,
) -> Result<Response, Problem> {
    let gateway = Arc::clone(&context.admin.gateway);
    let (reason, until_ms) = (proposal.reason.clone(), proposal.emergency_until_ms);
    let bundle = proposed(gateway, proposal).await?;
    let what = match until_ms {
        None => format!("{reason} (bundle {})", bundle.id()),
        Some(until) => format!("{reason} (emergency until {until}, bundle {})", bundle.id()),
    };
    let change = step(&context, &who, ("policy", &what), move |record, by, now| {
        let id = match until_ms {
            Some(until) => record.emergency(&bundle, until, by, &reason, now)?,
            None => {
                let id = record.draft(&bundle, by, &reason, now)?;
                submit(record, id, by, &reason, now)?;
                id
            }
        };
        Ok(id)
    })
    .await?;
    Ok((StatusCode::CREATED, change).into_response())
}

/// Writes one's own change anew on top of what is live; its approvals lapse.
pub async fn revise(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(id): Named<u64>,
    Strict(proposal): Strict<Proposal, LARGEST_POLICY>,
) -> Result<Response, Problem> {
    if proposal.emergency_until_ms.is_some() {
        return Err(Problem::malformed(
            "`emergency_until_ms` belongs to a new change only",
            "只有新提出的变更可以设为紧急变更",
        ));
    }
    let gateway = Arc::clone(&context.admin.gateway);
    let reason = proposal.reason.clone();
    let bundle = proposed(gateway, proposal).await?;
    let what = format!("{reason} (bundle {})", bundle.id());
    let resource = id.to_string();
    let change = step(
        &context,
        &who,
        (&resource, &what),
        move |record, by, now| {
            let id = ChangeId(id);
            record.revise(id, &bundle, by, &reason, now)?;
            record.submit(id, by, &reason, now)?;
            Ok(id)
        },
    )
    .await?;
    Ok(change.into_response())
}

/// Approves what a change brings.
pub async fn approve(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(id): Named<u64>,
    Strict(approval): Strict<Approval>,
) -> Result<Response, Problem> {
    let Approval { reason, bundle } = approval;
    let seen = bundle.parse::<BundleId>().map_err(|error| {
        Problem::malformed(error.to_string(), "bundle 应为 64 位小写十六进制数")
    })?;
    let (resource, what) = (id.to_string(), reason.clone());
    let change = step(
        &context,
        &who,
        (&resource, &what),
        move |record, by, now| {
            let id = ChangeId(id);
            record.approve(id, &seen, by, &reason, now)?;
            Ok(id)
        },
    )
    .await?;
    Ok(change.into_response())
}

/// Refuses a change, for good.
pub async fn reject(
    context: State<Context>,
    who: Extension<Who>,
    id: Named<u64>,
    reason: Strict<Reason>,
) -> Result<Response, Problem> {
    simple(context, who, id, reason, Record::reject).await
}

/// Takes back one's own change.
pub async fn withdraw(
    context: State<Context>,
    who: Extension<Who>,
    id: Named<u64>,
    reason: Strict<Reason>,
) -> Result<Response, Problem> {
    simple(context, who, id, reason, Record::withdraw).await
}

/// Notes that an emergency that ended was looked at.
pub async fn review(
    context: State<Context>,
    who: Extension<Who>,
    id: Named<u64>,
    reason: Strict<Reason>,
) -> Result<Response, Problem> {
    simple(context, who, id, reason, Record::review).await
}

/// Takes back a candidate, or a live change by going back to what was live before it.
pub async fn roll_back_one(
    context: State<Context>,
    who: Extension<Who>,
    id: Named<u64>,
    reason: Strict<Reason>,
) -> Result<Response, Problem> {
    simple(context, who, id, reason, |record, id, by, reason, now| {
        if record.change(id)?.stage == Stage::Live {
            return record.roll_back(by, reason, now).map(|_| ());
        }
        record.take_back(id, by, reason, now)
    })
    .await
}

/// Goes back to what was live before.
pub async fn roll_back(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Strict(Reason { reason }): Strict<Reason>,
) -> Result<Response, Problem> {
    let what = reason.clone();
    let change = step(&context, &who, ("policy", &what), move |record, by, now| {
        Ok(record.roll_back(by, &reason, now)?)
    })
    .await?;
    Ok(change.into_response())
}

/// Lets an approved change be compared, decide for some, or for everybody.
pub async fn advance(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(id): Named<u64>,
    Strict(advance): Strict<Advance>,
) -> Result<Response, Problem> {
    let Advance {
        to,
        reason,
        departments,
        share,
    } = advance;
    if !matches!(to, Goal::Canary) && (share.is_some() || !departments.is_empty()) {
        return Err(Problem::malformed(
            "`departments` and `share` belong to `canary` only",
            "只有灰度（canary）可以指定部门和比例",
        ));
    }
    let what = match to {
        Goal::Shadow => format!("{reason} (shadow)"),
        Goal::Live => format!("{reason} (live)"),
        Goal::Canary => format!(
            "{reason} (canary, {} %, departments: {})",
            share.unwrap_or(100),
            departments.join(", ")
        ),
    };
    let resource = id.to_string();
    let change = step(
        &context,
        &who,
        (&resource, &what),
        move |record, by, now| {
            let id = ChangeId(id);
            match to {
                Goal::Shadow => record.shadow(id, by, &reason, now)?,
                Goal::Live => record.promote(id, by, &reason, now)?,
                Goal::Canary => {
                    let some = canary(departments.clone(), share.unwrap_or(100))?;
                    record.canary(id, some, by, &reason, now)?;
                }
            }
            Ok(id)
        },
    )
    .await?;
    Ok(change.into_response())
}

type Step =
    fn(&mut Record, ChangeId, &Actor, &str, u64) -> Result<(), hangu_policy::lifecycle::Failed>;

async fn simple(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(id): Named<u64>,
    Strict(Reason { reason }): Strict<Reason>,
    take: Step,
) -> Result<Response, Problem> {
    let (resource, what) = (id.to_string(), reason.clone());
    let change = step(
        &context,
        &who,
        (&resource, &what),
        move |record, by, now| {
            take(record, ChangeId(id), by, &reason, now)?;
            Ok(ChangeId(id))
        },
    )
    .await?;
    Ok(change.into_response())
}

/// Takes steps in the name of the caller; answers with the change that they are about.
///
/// They are rehearsed before the act is put on record, so that the record of acts has those that were done, and a step
/// that is refused leaves its refusal alone.
async fn step(
    context: &Context,
    who: &Who,
    (resource, what): (&str, &str),
    steps: impl Fn(&mut Record, &Actor, u64) -> Result<ChangeId, Fault> + Clone + Send + 'static,
) -> Result<Json<Value>, Problem> {
    let gateway = Arc::clone(&context.admin.gateway);
    let by = Actor::new(who.caller.id.clone(), role(who.role));
    let (rehearsal, actor) = (steps.clone(), by.clone());
    let rehearsed = blocking(move || {
        let now = clock::wall_ms();
        office(&gateway)?
            .rehearse(&gateway, now, |record| rehearsal(record, &actor, now))
            .map_err(|fault| problem(&fault))
    });
    rehearsed.await?;
    act::begins(context, who, resource, Some(what)).await?;
    let gateway = Arc::clone(&context.admin.gateway);
    blocking(move || {
        let now = clock::wall_ms();
        office(&gateway)?
            .act(&gateway, now, |record| {
                let id = steps(record, &by, now)?;
                Ok(told::change(record.change(id)?))
            })
            .map(Json)
            .map_err(|fault| problem(&fault))
    })
    .await
}

fn role(role: users::Role) -> Role {
    match role {
        users::Role::SysAdmin => Role::SystemAdministrator,
        users::Role::SecAdmin => Role::SecurityAdministrator,
        users::Role::Auditor => Role::Auditor,
    }
}

fn office(gateway: &Gateway) -> Result<&Office, Problem> {
    gateway.office.as_ref().ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "changes-not-reviewed",
            "policy follows its files here",
            "此处策略以文件为准",
        )
        .detail(
            "policy follows its files here; write `[policy.review]` into the configuration to review changes",
            "此处策略以文件为准；要启用变更评审，请在配置中写入 [policy.review]",
        )
    })
}

/// What a proposal brings, on top of what is live; what could not be served is refused before anything is written.
async fn proposed(gateway: Arc<Gateway>, proposal: Proposal) -> Result<Bundle, Problem> {
    let brings = |record: &mut Record| -> Result<Bundle, Fault> {
        let live = record.live()?.bundle;
        let live = record.bundle(&live)?;
        Ok(Bundle {
            model: proposal.model.unwrap_or(live.model),
            rules: proposal.rules,
            statements: proposal.statements.unwrap_or(live.statements),
            cases: proposal.cases.unwrap_or(live.cases),
        })
    };
    blocking(move || {
        let bundle = office(&gateway)?.read(brings);
        let suits = bundle.and_then(|bundle| {
            Office::suits(&gateway, bundle.clone())?;
            Ok(bundle)
        });
        suits.map_err(|fault| problem(&fault))
    })
    .await
}

/// Hands a draft to review; one that cannot be does not stay behind.
fn submit(
    record: &mut Record,
    id: ChangeId,
    by: &Actor,
    reason: &str,
    now: u64,
) -> Result<(), Fault> {
    record.submit(id, by, reason, now).map_err(|failed| {
        if let Err(error) = record.withdraw(
            id,
            by,
            "未能提交评审 · it could not be handed to review",
            now,
        ) {
            tracing::warn!(%error, %id, "a draft stays behind");
        }
        failed.into()
    })
}
