//! What happens to exceptions by itself: they end, and what another process decided comes into force here as well.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hangu_audit::Timestamp;
use hangu_audit::event::{Act, Administration, Event, Severity, What};

use super::exception::Granted;
use crate::clock;
use crate::gateway::Gateway;

/// How late what another process decided comes into force here, at most. What ends, ends to the millisecond.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks after exceptions until the process ends.
pub async fn keep(gateway: Arc<Gateway>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let blocking = Arc::clone(&gateway);
        let tended = tokio::task::spawn_blocking(move || once(&blocking)).await;
        for ended in tended.unwrap_or_else(|error| {
            tracing::error!(%error, "exceptions were not looked after");
            Vec::new()
        }) {
            let event = told(&gateway, &ended);
            if gateway.journal.durable(&event, None).await.is_err() {
                tracing::error!(
                    exception = ended.id,
                    "an exception that ended left no event"
                );
            }
        }
    }
}

fn once(gateway: &Gateway) -> Vec<Granted> {
    let now_ms = clock::wall_ms();
    // A process that drains writes nothing more, but reads what the one that took over has written.
    if gateway.draining.load(Ordering::Acquire) {
        let _logged = gateway.triage.read(now_ms, |_| ());
        return Vec::new();
    }
    gateway.triage.expire(now_ms).unwrap_or_default()
}

fn told(gateway: &Gateway, ended: &Granted) -> Vec<u8> {
    tracing::info!(exception = ended.id, "an exception has ended");
    let resource = ended.id.to_string();
    let id = gateway.ids.next();
    let what = What::Administration(Administration {
        activity: Act::Update,
        operation: "inspection-exception.expire",
        resource_kind: "inspection-exception",
        resource: &resource,
        change: Some("已到期 · its time is up"),
    });
    let now = Timestamp(i64::try_from(clock::wall_ms()).unwrap_or(i64::MAX));
    let mut event = Event::new(now, what, id.as_str());
    event.gateway = Some("hangu");
    event.severity = Severity::Low;
    event.to_record()
}
