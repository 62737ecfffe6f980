//! What administrators do leaves an event, on disk before it is done: an act that cannot be recorded does not happen.

use std::borrow::Cow;

use hangu_audit::Timestamp;
use hangu_audit::event::{
    Actor, Administration, CallerKind, Decision, Effect, Endpoint, Event, Request, Response,
    Severity, Status, What,
};
use hangu_redact::{Level, mask_str};

use crate::admin::context::{Context, Who};
use crate::admin::problem::Problem;
use crate::admin::routes::Route;
use crate::clock;

/// What of a person's text is kept, in characters. Chosen: a reason that is given in an incident fits.
const KEPT: usize = 512;

fn masked(text: &str) -> Cow<'_, str> {
    let end = text.char_indices().nth(KEPT).map_or(text.len(), |(i, _)| i);
    mask_str(Level::L3, text.get(..end).unwrap_or_default())
}

/// A call that was refused.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// The reason.
    pub reason: &'a str,
    /// The status that the client sees.
    pub status: u16,
}

/// A call as its event tells it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The route, where there is one.
    pub route: Option<&'static Route>,
    /// The method.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// Who called, where that is known.
    pub who: Option<&'a Who>,
}

/// Records a call that was refused.
///
/// # Errors
/// When it could not be recorded.
pub async fn refused(
    context: &Context,
    call: Call<'_>,
    refusal: Refusal<'_>,
) -> Result<(), Problem> {
    let event = event(context, call, "", None, Some(refusal));
    context
        .admin
        .gateway
        .journal
        .durable(&event, None)
        .await
        .map(|_| ())
        .map_err(|_| Problem::not_recorded())
}

/// Records that an administrator is about to change something; what follows is done only if this succeeds.
///
/// # Errors
/// When it could not be recorded.
pub async fn begins(
    context: &Context,
    who: &Who,
    resource: &str,
    change: Option<&str>,
) -> Result<(), Problem> {
    let call = Call {
        route: Some(who.route),
        method: who.route.method,
        path: &who.path,
        who: Some(who),
    };
    let event = event(context, call, resource, change, None);
    context
        .admin
        .gateway
        .journal
        .durable(&event, None)
        .await
        .map(|_| ())
        .map_err(|_| Problem::not_recorded())
}

fn event(
    context: &Context,
    call: Call<'_>,
    resource: &str,
    change: Option<&str>,
    refusal: Option<Refusal<'_>>,
) -> Vec<u8> {
    let id = context.admin.gateway.ids.next();
    let (operation, kind, activity) = call
        .route
        .map_or(("unknown", "api", hangu_audit::event::Act::Read), |route| {
            (route.name, route.resource, route.act)
        });
    let (resource, path) = (masked(resource), masked(call.path));
    let change = change.map(masked);
    let what = What::Administration(Administration {
        activity,
        operation,
        resource_kind: kind,
        resource: &resource,
        change: change.as_deref(),
    });
    let now = Timestamp(i64::try_from(clock::wall_ms()).unwrap_or(i64::MAX));
    let mut event = Event::new(now, what, id.as_str());
    event.gateway = Some("hangu");
    event.portal = Some("console");
    event.source = Endpoint {
        ip: Some(context.peer.ip()),
        port: Some(context.peer.port()),
        zone: None,
        hostname: None,
    };
    event.request = Some(Request {
        method: call.method,
        path: Some(&path),
        ..Request::default()
    });
    event.actor = call.who.map(|who| Actor {
        id: &who.caller.id,
        kind: CallerKind::Administrator,
        department: who.caller.department.as_deref(),
        method: Some("session"),
        assurance: Some(who.caller.assurance.level()),
        ..Actor::default()
    });
    let rules: Vec<&str> = call
        .who
        .iter()
        .flat_map(|who| who.answer.rules.iter())
        .map(String::as_str)
        .collect();
    event.decision = call.who.map(|who| Decision {
        id: id.as_str(),
        effect: if who.answer.allow {
            Effect::Allow
        } else {
            Effect::Deny
        },
        rules: &rules,
        revision: &who.revision,
        grounds: Some(who.answer.grounds),
        obligations: &[],
    });
    event.severity = Severity::Low;
    if let Some(refusal) = refusal {
        event.severity = Severity::Medium;
        event.status = Status::Failure;
        event.reason = Some(refusal.reason);
        event.response = Some(Response {
            code: refusal.status,
            ..Response::default()
        });
    }
    event.to_record()
}
