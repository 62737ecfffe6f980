//! The policy in force, row by row.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use hangu_policy::RuleView;
use serde_json::{Map, Value, json};

use crate::admin::context::Context;

/// The policy in force.
pub fn current(context: &Context) -> Response {
    let snapshot = context.admin.gateway.snapshot.load();
    let policy = &snapshot.policy.compiled;
    let columns: Vec<&str> = policy.columns().collect();
    let rule = |rule: RuleView<'_>| {
        let fields: Map<String, Value> = columns
            .iter()
            .zip(&rule.fields)
            .map(|(name, field)| ((*name).to_owned(), json!(field)))
            .collect();
        json!({ "id": rule.ordinal, "file": rule.file, "line": rule.line, "fields": fields })
    };
    let settings = &snapshot.configuration.policy;
    let files: Vec<_> = std::iter::once(&settings.model)
        .chain(&settings.rules)
        .collect();
    Json(json!({
        "revision": snapshot.policy.revision,
        "loaded_ms": snapshot.loaded_ms,
        "model": snapshot.policy.bundle.model.text,
        "files": files,
        "rules": policy.rules().map(rule).collect::<Vec<_>>(),
        "roles": policy.roles().map(|r| json!({ "kind": r.section, "fields": r.fields })).collect::<Vec<_>>(),
    }))
    .into_response()
}

/// The texts of the policy in force, as they were loaded.
pub fn sources(context: &Context) -> Response {
    let snapshot = context.admin.gateway.snapshot.load();
    let (policy, sources) = (&snapshot.policy.compiled, &snapshot.policy.bundle);
    Json(json!({
        "revision": snapshot.policy.revision,
        "model": sources.model,
        "rules": sources.rules,
        "cases": sources.cases,
        "statements": sources.statements,
        "columns": policy.columns().collect::<Vec<_>>(),
        "fields": policy.fields().collect::<Vec<_>>(),
    }))
    .into_response()
}

/// A rule as its file has it.
pub fn text(rule: &RuleView<'_>) -> Value {
    json!({
        "id": rule.ordinal,
        "file": rule.file,
        "line": rule.line,
        "text": format!("p, {}", rule.fields.join(", ")),
    })
}
