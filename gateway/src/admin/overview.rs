//! The page that is open all night: traffic, alerts, upstreams, the audit log.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use hangu_audit::Health;
use hangu_situational::AlertStatus;
use serde_json::{Value, json};

use crate::admin::context::Context;
use crate::clock;
use crate::connection::millis;
use crate::gateway::Gateway;
use crate::snapshot::{Portal, Snapshot};

/// The width of a point of the chart.
const BUCKET_MS: u64 = 10_000;

/// Live figures.
pub fn read(context: &Context) -> Response {
    let gateway = &context.admin.gateway;
    let snapshot = gateway.snapshot.load();
    let now = clock::wall_ms();
    let alerts_open = gateway
        .tower
        .situation()
        .alerts()
        .list(Some(AlertStatus::Open))
        .count();
    let upstreams: Vec<Value> = snapshot
        .portals
        .iter()
        .flat_map(|portal| {
            upstreams(portal).into_iter().map(|mut upstream| {
                if let Some(fields) = upstream.as_object_mut() {
                    fields.insert("portal".to_owned(), json!(portal.settings.name));
                }
                upstream
            })
        })
        .collect();
    Json(json!({
        "now_ms": now,
        "uptime_s": now.saturating_sub(gateway.started_ms) / 1000,
        "version": env!("CARGO_PKG_VERSION"),
        "revision": snapshot.policy.revision,
        "zones": zones(gateway, &snapshot),
        "series": series(gateway),
        "alerts_open": alerts_open,
        "bans_active": gateway.bans.list(now).len(),
        "upstreams": upstreams,
        "audit": audit(gateway),
    }))
    .into_response()
}

fn zones(gateway: &Gateway, snapshot: &Snapshot) -> Vec<Value> {
    let zone = |(index, zone): (usize, &crate::snapshot::Zone)| {
        let counters = gateway.metrics.zone(index);
        let (allowed, refused) = counters.map_or((0, 0), |c| (c.allowed.get(), c.refused.get()));
        json!({
            "name": zone.settings.name,
            "listeners": zone.settings.listen,
            "connections": counters.map_or(0, |c| c.connections.load(Ordering::Relaxed)),
            "requests_total": allowed + refused,
            "refused_total": refused,
        })
    };
    snapshot.zones().iter().enumerate().map(zone).collect()
}

fn series(gateway: &Gateway) -> Vec<Value> {
    let mut points: BTreeMap<(u64, String), (u64, u64)> = BTreeMap::new();
    for second in gateway.tower.seconds() {
        for zone in &second.zones {
            let key = (second.t_ms - second.t_ms % BUCKET_MS, zone.name.clone());
            let point = points.entry(key).or_default();
            point.0 += zone.allowed;
            point.1 += zone.refused;
        }
    }
    let point = |((t_ms, zone), (allowed, refused))| json!({ "t_ms": t_ms, "zone": zone, "allowed": allowed, "refused": refused });
    points.into_iter().map(point).collect()
}

/// A portal's upstreams and how they are.
pub fn upstreams(portal: &Portal) -> Vec<Value> {
    let now = millis(clock::monotonic());
    let upstream = |(address, healthy): (&std::sync::Arc<crate::upstream::pool::Address>, bool)| {
        json!({
            "address": address.at,
            "healthy": healthy,
            "ejected": address.is_ejected(now),
            "active": address.active(),
        })
    };
    portal.upstream.addresses().map(upstream).collect()
}

/// How the audit log is.
pub fn audit(gateway: &Gateway) -> Value {
    let health = match gateway.journal.health() {
        Health::Running => "running".to_owned(),
        Health::Failed(why) => format!("failed: {why}"),
        Health::Closed => "closed".to_owned(),
    };
    let checkpoint = gateway.journal.checkpoint();
    json!({
        "size": gateway.journal.size(),
        "health": health,
        "lost": gateway.journal.lost(),
        "checkpoint_size": checkpoint.as_ref().map_or(0, |c| c.size),
        "checkpoint_time_ms": checkpoint.as_ref().map_or(0, |c| c.time.0),
    })
}
