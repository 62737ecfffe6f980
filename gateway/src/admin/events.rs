//! The audit log as the console lists it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use hangu_audit::Timestamp;
use hangu_audit::event::{
    API_ACTIVITY, AUTHENTICATION, DETECTION_FINDING, HTTP_ACTIVITY, Owned, REMEDIATION_ACTIVITY,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::context::{Context, blocking};
use crate::admin::problem::Problem;
use crate::admin::strict::{Asking, Named};
use crate::gateway::Gateway;
use crate::watch::EventSummary;

/// Events that one call may look at; what is older comes with the next call.
const SCANNED: usize = 20_000;
/// Events that are read at once.
const PAGE: usize = 5_000;
/// Events that one call gives at most.
const LISTED: usize = 500;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    before: Option<u64>,
    limit: Option<usize>,
    zone: Option<String>,
    caller: Option<String>,
    outcome: Option<Outcome>,
    reason: Option<String>,
    portal: Option<String>,
    address: Option<String>,
    q: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Allowed,
    Refused,
}

impl Filter {
    fn is_open(&self) -> bool {
        let texts = [
            &self.zone,
            &self.caller,
            &self.reason,
            &self.portal,
            &self.address,
            &self.q,
        ];
        self.outcome.is_none() && texts.iter().all(|text| text.is_none())
    }

    fn wants(&self, event: &EventSummary) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == value)
        };
        let has = |wanted: &Option<String>, value: &str| {
            wanted
                .as_deref()
                .is_none_or(|wanted| value.contains(wanted))
        };
        let outcome = match self.outcome {
            None => true,
            Some(Outcome::Allowed) => event.outcome == "allowed",
            Some(Outcome::Refused) => event.outcome == "refused",
        };
        outcome
            && is(&self.zone, &event.zone)
            && is(&self.reason, event.reason.as_deref().unwrap_or_default())
            && has(&self.caller, &event.caller)
            && has(&self.portal, event.portal.as_deref().unwrap_or_default())
            && has(&self.address, &event.address)
            && self.q.as_deref().is_none_or(|q| mentions(event, q))
    }
}

/// Whether a text occurs in an event, whatever its case.
fn mentions(event: &EventSummary, text: &str) -> bool {
    let text = text.to_lowercase();
    let fields = [
        Some(event.request_id.as_str()),
        event.reason.as_deref(),
        event.portal.as_deref(),
        event.to_zone.as_deref(),
        Some(&event.zone),
        Some(&event.address),
        Some(&event.caller),
        Some(&event.method),
        Some(&event.host),
        Some(&event.path),
    ];
    fields
        .into_iter()
        .flatten()
        .any(|field| field.to_lowercase().contains(&text))
}

/// One record as the console lists it; nothing where it cannot be read.
pub fn summary(index: u64, record: &[u8]) -> Option<EventSummary> {
    serde_json::from_slice(record)
        .ok()
        .map(|owned| of(index, owned))
}

/// An event as the console lists it. What is no request is put in the same words: signing in, an act, an alert.
pub fn of(index: u64, event: Owned) -> EventSummary {
    let refused = event.status_id == 2;
    let decision_id = event
        .decision_id()
        .filter(|_| event.class_uid == HTTP_ACTIVITY)
        .map(str::to_owned);
    let request = event.http_request.unwrap_or_default();
    let path = match event.class_uid {
        AUTHENTICATION => if event.activity_id == 2 {
            "sign-out"
        } else {
            "sign-in"
        }
        .to_owned(),
        DETECTION_FINDING => event.finding_info.map(|f| f.title).unwrap_or_default(),
        REMEDIATION_ACTIVITY => event
            .unmapped
            .remedy
            .as_ref()
            .map(|r| r.kind.clone())
            .unwrap_or_default(),
        HTTP_ACTIVITY | API_ACTIVITY => request.url.path.unwrap_or_default(),
        _ => String::new(),
    };
    let caller = event
        .actor
        .map(|actor| actor.user.uid)
        .or_else(|| event.user.map(|user| user.uid))
        .or(event.unmapped.subject)
        .or_else(|| event.unmapped.remedy.map(|remedy| remedy.subject))
        .unwrap_or_default();
    let at_console = event.unmapped.portal.as_deref() == Some("console");
    let Timestamp(time) = event.time;
    EventSummary {
        index,
        time_ms: u64::try_from(time).unwrap_or(0),
        decision_id,
        request_id: event.metadata.uid,
        zone: event
            .src_endpoint
            .zone
            .unwrap_or_else(|| if at_console { "console" } else { "" }.to_owned()),
        to_zone: event.dst_endpoint.zone,
        address: event
            .src_endpoint
            .ip
            .map_or_else(String::new, |ip| ip.to_string()),
        caller,
        portal: event.unmapped.portal,
        method: request.http_method,
        host: request.url.hostname.unwrap_or_default(),
        path,
        status: event.http_response.map_or(0, |r| r.code),
        outcome: if refused { "refused" } else { "allowed" },
        reason: event.status_code,
        score: event
            .unmapped
            .findings
            .iter()
            .map(|f| f.score)
            .fold(0, u32::saturating_add),
        redacted: event
            .unmapped
            .redactions
            .values()
            .copied()
            .fold(0, u64::saturating_add),
        duration_us: event.unmapped.duration_us.unwrap_or(0),
    }
}

/// Reads the log off the console's thread, no more than a few at once.
///
/// # Errors
/// As `work`.
pub async fn reading<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce(&Gateway) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let _room = context
        .admin
        .reads
        .acquire()
        .await
        .map_err(|error| Problem::failed(&error))?;
    let gateway = Arc::clone(&context.admin.gateway);
    blocking(move || work(&gateway)).await
}

/// Lists events, newest first.
pub async fn list(
    State(context): State<Context>,
    Asking(filter): Asking<Filter>,
) -> Result<Response, Problem> {
    let (events, next_before) = reading(&context, move |gateway| search(gateway, &filter)).await?;
    Ok(Json(json!({ "events": events, "next_before": next_before })).into_response())
}

/// The newest events that fit, and where to go on.
fn search(gateway: &Gateway, filter: &Filter) -> Result<(Vec<EventSummary>, Option<u64>), Problem> {
    let limit = filter.limit.unwrap_or(50).clamp(1, LISTED);
    let page = if filter.is_open() { limit } else { PAGE };
    let mut found = Vec::new();
    let mut before = filter.before;
    for _ in 0..SCANNED.div_ceil(page) {
        let records = gateway
            .journal
            .read_back(before, page)
            .map_err(|error| Problem::failed(&error))?;
        let whole = records.len() == page;
        for (number, record) in records {
            before = Some(number);
            found.extend(summary(number, &record.event).filter(|event| filter.wants(event)));
            if found.len() == limit {
                return Ok((found, before));
            }
        }
        if !whole {
            return Ok((found, None));
        }
    }
    Ok((found, before))
}

/// One event, whole.
pub async fn one(
    State(context): State<Context>,
    Named(index): Named<u64>,
) -> Result<Response, Problem> {
    let record = reading(&context, move |gateway| {
        gateway
            .journal
            .read_one(index)
            .map_err(|_| Problem::not_found())
    });
    let record = record.await?.ok_or_else(Problem::not_found)?;
    let raw: Value =
        serde_json::from_slice(&record.event).map_err(|error| Problem::failed(&error))?;
    let summary = summary(index, &record.event)
        .ok_or_else(|| Problem::failed(&"the event cannot be read"))?;
    Ok(Json(json!({ "summary": summary, "raw": raw })).into_response())
}
