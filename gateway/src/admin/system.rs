//! The gateway itself: its configuration, and reading that again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::admin::act;
use crate::admin::context::{Context, Who, blocking};
use crate::admin::overview::{audit, upstreams};
use crate::admin::problem::Problem;
use crate::config::ClientCertificates;
use crate::reload;
use crate::snapshot::Snapshot;

/// The state of the gateway.
pub fn status(context: &Context) -> Response {
    let gateway = &context.admin.gateway;
    let snapshot = gateway.snapshot.load();
    let configuration = &snapshot.configuration;
    let errors = gateway.last_errors.load();
    let zone_name = |index: usize| {
        snapshot
            .zone(index)
            .map_or("", |z| z.settings.name.as_str())
    };
    let portal = |portal: &Arc<crate::snapshot::Portal>| {
        json!({
            "name": portal.settings.name,
            "zone": zone_name(portal.settings.zone),
            "hosts": portal.settings.hosts,
            "department": portal.settings.department,
            "upstreams": upstreams(portal),
        })
    };
    let crossing =
        |c: &crate::config::Crossing| json!({ "from": zone_name(c.from), "to": zone_name(c.to) });
    Json(json!({
        "config": {
            "path": configuration.path,
            "revision": snapshot.policy.revision,
            "loaded_ms": snapshot.loaded_ms,
            "last_error": if errors.is_empty() { Value::Null } else { json!(**errors) },
        },
        "portals": snapshot.portals.iter().map(portal).collect::<Vec<_>>(),
        "zones": zones(context, &snapshot),
        "crossings": configuration.crossings.iter().map(crossing).collect::<Vec<_>>(),
        "certificates": certificates(context, &snapshot),
        "audit": audit(gateway),
    }))
    .into_response()
}

fn zones(context: &Context, snapshot: &Snapshot) -> Vec<Value> {
    let zone = |(index, zone): (usize, &crate::snapshot::Zone)| {
        let counters = context.admin.gateway.metrics.zone(index);
        let settings = &zone.settings;
        let client_certificates =
            settings
                .tls
                .as_ref()
                .map_or("cleartext", |tls| match tls.client_certificates {
                    ClientCertificates::Off => "off",
                    ClientCertificates::Optional => "optional",
                    ClientCertificates::Required => "required",
                });
        json!({
            "name": settings.name,
            "listeners": settings.listen,
            "client_certificates": client_certificates,
            "connections": counters.map_or(0, |c| c.connections.load(Ordering::Relaxed)),
            "limit": settings.bounds.connections,
        })
    };
    snapshot.zones().iter().enumerate().map(zone).collect()
}

fn certificates(context: &Context, snapshot: &Snapshot) -> Vec<Value> {
    let line = |place: &str, (subject, end): &(String, i64)| json!({ "name": format!("{place}: {subject}"), "not_after_ms": end.saturating_mul(1000) });
    let zones = snapshot.zones().iter().flat_map(|zone| {
        let ends = zone.tls.iter().flat_map(|tls| tls.ends.iter());
        ends.map(|end| line(&zone.settings.name, end))
            .collect::<Vec<_>>()
    });
    let console = context.admin.certificate_ends();
    zones
        .chain(console.iter().map(|end| line("console", end)))
        .collect()
}

/// Puts the configuration in its files into force.
pub async fn reload(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
) -> Result<Response, Problem> {
    let gateway = Arc::clone(&context.admin.gateway);
    let path = gateway
        .snapshot
        .load()
        .configuration
        .path
        .display()
        .to_string();
    act::begins(&context, &who, &path, None).await?;
    let handle = tokio::runtime::Handle::current();
    let reloaded = blocking(move || {
        let _runtime = handle.enter();
        Ok(reload::reload(&gateway))
    });
    match reloaded.await? {
        Ok(snapshot) => Ok(
            Json(json!({ "changed": true, "revision": snapshot.policy.revision })).into_response(),
        ),
        Err(mistakes) => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "configuration-refused",
            "the configuration has mistakes; the running one stays",
            "配置有误，仍使用当前配置",
        )
        .errors(mistakes)),
    }
}
