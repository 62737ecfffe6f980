//! What the gateway does by itself about policy changes: an emergency ends, a candidate that refuses is taken back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hangu_audit::Timestamp;
use hangu_audit::event::{Act, Administration, Event, Severity, What};

use crate::clock;
use crate::gateway::Gateway;
use crate::policy::office::Done;

/// How late an end may be, at most.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks after the record of changes until the process ends.
pub async fn keep(gateway: Arc<Gateway>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        // A process that drains leaves the record to the one that took over.
        if gateway.draining.load(Ordering::Acquire) {
            return;
        }
        let blocking = Arc::clone(&gateway);
        let tended = tokio::task::spawn_blocking(move || once(&blocking)).await;
        for done in tended.unwrap_or_else(|error| {
            tracing::error!(%error, "policy changes were not looked after");
            Vec::new()
        }) {
            let event = told(&gateway, &done);
            if gateway.journal.durable(&event, None).await.is_err() {
                tracing::error!("a policy that went back left no event");
            }
        }
    }
}

fn once(gateway: &Gateway) -> Vec<Done> {
    let office = gateway.office.as_ref();
    office.map_or_else(Vec::new, |office| office.tend(gateway, clock::wall_ms()))
}

/// The event of what was done; a log line as well, for whoever has no console.
fn told(gateway: &Gateway, done: &Done) -> Vec<u8> {
    let (operation, change, why) = match done {
        Done::Expired(change) => (
            "policy-change.expire",
            change,
            "已到期且无人批准 · it has run out and nobody approved it",
        ),
        Done::TakenBack(change, why) => ("policy-change.roll-back", change, why.as_str()),
    };
    tracing::warn!(%change, why, "policy went back");
    let resource = change.0.to_string();
    let id = gateway.ids.next();
    let what = What::Administration(Administration {
        activity: Act::Update,
        operation,
        resource_kind: "policy-change",
        resource: &resource,
        change: Some(why),
    });
    let now = Timestamp(i64::try_from(clock::wall_ms()).unwrap_or(i64::MAX));
    let mut event = Event::new(now, what, id.as_str());
    event.gateway = Some("hangu");
    event.severity = Severity::Medium;
    event.to_record()
}
