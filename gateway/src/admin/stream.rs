//! What happens, as it happens: server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::admin::context::{Context, Who};
use crate::clock;
use crate::watch::Live;

/// How often a silent stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(10);

struct Listener {
    live: Receiver<Live>,
    context: Context,
    who: Who,
    sees: Sees,
}

/// What an administrator may see in the stream: no more than by asking for it.
#[derive(Clone, Copy)]
struct Sees {
    events: bool,
    alerts: bool,
}

/// Opens the stream.
pub fn open(State(context): State<Context>, Extension(who): Extension<Who>) -> Response {
    let live = context.admin.gateway.tower.listen();
    let sees = sees(&context, &who);
    let listener = Listener {
        live,
        context,
        who,
        sees,
    };
    Sse::new(stream::unfold(listener, next))
        .keep_alive(KeepAlive::new().interval(HEARTBEAT))
        .into_response()
}

fn sees(context: &Context, who: &Who) -> Sees {
    let may = |path: &str| context.may(&who.caller, who.role, "GET", path);
    Sees {
        events: may("/admin/audit/events") || may("/admin/policy/decisions/0"),
        alerts: may("/admin/situational/alerts"),
    }
}

impl Listener {
    /// Asked each second: whoever signs out, or loses the right, hears no more.
    fn still_may(&mut self) -> bool {
        let authority = self.context.authority();
        let known = authority.is_ok_and(|a| a.administrators.local.has_caller(&self.who.caller));
        self.sees = sees(&self.context, &self.who);
        known
            && self.who.session.is_live(clock::now())
            && self
                .context
                .may(&self.who.caller, self.who.role, "GET", &self.who.path)
    }
}

fn event<T: Serialize>(name: &str, data: &T) -> Result<Event, Infallible> {
    // What cannot be written is told as a comment; none of these types can fail to be.
    Ok(Event::default()
        .event(name)
        .json_data(data)
        .unwrap_or_else(|_| Event::default().comment("unwritable")))
}

async fn next(mut listener: Listener) -> Option<(Result<Event, Infallible>, Listener)> {
    loop {
        let told = match listener.live.recv().await {
            Ok(Live::Traffic(second)) => {
                if !listener.still_may() {
                    return None;
                }
                event("traffic", &*second)
            }
            Ok(Live::Event(summary)) if listener.sees.events => event("event", &*summary),
            Ok(Live::Alert(alert)) if listener.sees.alerts => event("alert", &*alert),
            // A slow reader misses events; the figures of each second still add up.
            Ok(Live::Event(_) | Live::Alert(_)) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return None,
        };
        return Some((told, listener));
    }
}
