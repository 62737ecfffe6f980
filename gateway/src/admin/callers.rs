//! Callers that have been seen, and throwing them out.

use std::cmp::Reverse;
use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use hangu_audit::event::Countermeasure;
use hangu_situational::Entity;
use serde_json::{Value, json};

use crate::admin::act;
use crate::admin::context::{Context, Who, blocking};
use crate::admin::problem::Problem;
use crate::admin::strict::Named;
use crate::clock;
use crate::watch::{end_sessions, record_remedy};

/// Callers that one answer lists: the most recent ones.
const LISTED: usize = 2000;

/// Lists callers, the last one seen first.
pub fn list(context: &Context) -> Response {
    let gateway = &context.admin.gateway;
    let mut seen = gateway.tower.callers();
    seen.sort_by_key(|(_, caller)| Reverse(caller.last_ms));
    seen.truncate(LISTED);
    let risks: HashMap<String, u8> = gateway
        .tower
        .situation()
        .risk()
        .list(clock::wall_ms())
        .into_iter()
        .filter_map(|(entity, standing)| match entity {
            Entity::Caller(id) => Some((id, standing.risk)),
            Entity::Address(_) | Entity::Certificate(_) | Entity::Gateway(_) => None,
        })
        .collect();
    let mut sessions: HashMap<String, u64> = HashMap::new();
    for session in gateway.sessions.list(None, clock::now()) {
        *sessions.entry(session.caller.id.clone()).or_default() += 1;
    }
    let callers: Vec<Value> = seen
        .into_iter()
        .map(|(id, caller)| {
            json!({
                "risk": risks.get(&id).copied().unwrap_or(0),
                "sessions": sessions.get(&id).copied().unwrap_or(0),
                "requests": caller.requests,
                "refused": caller.refused,
                "last_ms": caller.last_ms,
                "addresses": caller.addresses,
                "caller": id,
            })
        })
        .collect();
    Json(json!({ "callers": callers })).into_response()
}

/// Ends a caller's sessions and open streams.
pub async fn end_sessions_of(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    Named(caller): Named<String>,
) -> Result<Response, Problem> {
    act::begins(&context, &who, &caller, None).await?;
    let gateway = std::sync::Arc::clone(&context.admin.gateway);
    let ended = blocking(move || {
        let ended = end_sessions(&gateway, &caller);
        record_remedy(
            &gateway,
            Countermeasure::Evict,
            "end-session",
            &caller,
            None,
            None,
        );
        Ok(ended)
    });
    Ok(Json(json!({ "ended": ended.await? })).into_response())
}
