//! Alerts, and what people make of them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use hangu_situational::{Alert, AlertError, AlertStatus, Taken, Verdict};
use serde::Deserialize;
use serde_json::json;

use crate::admin::act;
use crate::admin::bans::{Why, lift_answering};
use crate::admin::context::{Context, Who, blocking};
use crate::admin::problem::Problem;
use crate::admin::strict::{Asking, Named, Strict};
use crate::clock;
use crate::gateway::Gateway;

/// Alerts that one answer lists: the newest ones.
const LISTED: usize = 1000;
/// The longest note, in bytes.
const LONGEST_NOTE: usize = 4096;

/// Which alerts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    status: Option<AlertStatus>,
}

/// What is said about an alert.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    note: String,
}

/// What was found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    note: String,
    verdict: Verdict,
}

/// Lists alerts, newest first.
pub async fn list(
    State(context): State<Context>,
    Asking(filter): Asking<Filter>,
) -> Result<Response, Problem> {
    let gateway = Arc::clone(&context.admin.gateway);
    let alerts: Vec<Alert> = blocking(move || {
        Ok(gateway
            .tower
            .situation()
            .alerts()
            .list(filter.status)
            .take(LISTED)
            .cloned()
            .collect())
    })
    .await?;
    Ok(Json(json!({ "alerts": alerts })).into_response())
}

/// Says that somebody works on an alert.
pub async fn acknowledge(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(id): Named<u64>,
    Strict(remark): Strict<Remark>,
) -> Result<Response, Problem> {
    let gateway = &context.admin.gateway;
    possible(gateway, id, &remark.note)?;
    act::begins(&context, &who, &id.to_string(), Some(&remark.note)).await?;
    let changed = gateway
        .tower
        .situation()
        .acknowledge(id, &who.caller.id, &remark.note, clock::wall_ms())
        .cloned()
        .map_err(|error| refused(&error))?;
    keep(gateway, &changed);
    Ok(Json(changed).into_response())
}

/// Closes an alert. One that was false takes its responses back.
pub async fn close(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(id): Named<u64>,
    Strict(finding): Strict<Finding>,
) -> Result<Response, Problem> {
    let gateway = &context.admin.gateway;
    possible(gateway, id, &finding.note)?;
    let verdict = match finding.verdict {
        Verdict::TruePositive => "true_positive",
        Verdict::FalsePositive => "false_positive",
    };
    act::begins(
        &context,
        &who,
        &id.to_string(),
        Some(&format!("{verdict}: {}", finding.note)),
    )
    .await?;
    let (alert, orders) = gateway
        .tower
        .situation()
        .close(
            id,
            finding.verdict,
            &who.caller.id,
            &finding.note,
            clock::wall_ms(),
        )
        .map_err(|error| refused(&error))?;
    if finding.verdict == Verdict::FalsePositive {
        lift_answering(gateway, id, &who.caller.id, &finding.note, &orders)?;
    }
    keep(gateway, &alert);
    Ok(Json(alert).into_response())
}

/// Takes back what was done about an alert: a ban is lifted, a throttle ends. The alert stays as it is.
pub async fn undo(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(id): Named<u64>,
    Asking(why): Asking<Why>,
) -> Result<Response, Problem> {
    let why = why.reason()?.to_owned();
    let gateway = Arc::clone(&context.admin.gateway);
    let response = gateway
        .tower
        .situation()
        .alerts()
        .get(id)
        .map(|alert| alert.response.clone())
        .ok_or_else(Problem::not_found)?;
    let now = clock::wall_ms();
    let lasts = |taken: &Taken| taken.until_ms.is_some_and(|until| until > now);
    if !response.as_ref().is_some_and(lasts) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "nothing-to-undo",
            "nothing is in force that answers this alert",
            "没有仍在生效的处置",
        ));
    }
    act::begins(&context, &who, &id.to_string(), Some(&why)).await?;
    let by = who.caller.id.clone();
    let undone = blocking(move || {
        let orders = gateway.tower.situation().undo(id, &by, &why, now);
        lift_answering(&gateway, id, &by, &why, &orders)?;
        let changed = gateway.tower.situation().alerts().get(id).cloned();
        let changed = changed.ok_or_else(Problem::not_found)?;
        keep(&gateway, &changed);
        Ok(changed)
    });
    Ok(Json(undone.await?).into_response())
}

/// Keeps an alert over a restart and tells the consoles.
pub fn keep(gateway: &Gateway, alert: &Alert) {
    gateway.alerts_file.keep(alert);
    gateway.tower.tell(alert);
}

/// Whether an alert can be worked on, asked before that is recorded.
fn possible(gateway: &Gateway, id: u64, note: &str) -> Result<(), Problem> {
    let status = gateway
        .tower
        .situation()
        .alerts()
        .get(id)
        .map(|alert| alert.status);
    let error = match status {
        None => Some(AlertError::Unknown { id }),
        Some(AlertStatus::Closed) => Some(AlertError::Closed { id }),
        Some(AlertStatus::Open | AlertStatus::Acknowledged) => {
            (note.trim().is_empty() || note.len() > LONGEST_NOTE).then_some(AlertError::Note)
        }
    };
    error.map_or(Ok(()), |error| Err(refused(&error)))
}

fn refused(error: &AlertError) -> Problem {
    match error {
        AlertError::Unknown { .. } => Problem::not_found(),
        AlertError::Closed { .. } => Problem::new(
            StatusCode::CONFLICT,
            "alert-closed",
            "the alert is closed",
            "该告警已关闭",
        )
        .detail(error.to_string(), "该告警已关闭；若再次发生会产生新的告警"),
        AlertError::Note => {
            Problem::malformed(error.to_string(), "请填写说明，长度不超过 4096 字节")
        }
    }
}
