//! Every call of the administration, once: where it is, what its event says, and who answers it.

use axum::extract::State;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};
use hangu_audit::event::Act;

use crate::admin::context::{Context, Who};
use crate::admin::problem::Problem;
use crate::admin::{
    alerts, bans, callers, changes, decisions, events, inspection, openapi, overview, policy,
    redaction, session, stream, system, tools,
};

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Signs in.
    SignIn,
    /// Tells who is signed in.
    Session,
    /// Signs out.
    SignOut,
    /// Describes the calls.
    Describe,
    /// Live figures.
    Overview,
    /// What happens, as it happens.
    Stream,
    /// Lists events.
    Events,
    /// One event.
    Event,
    /// Explains a decision.
    Decision,
    /// The policy in force.
    Policy,
    /// Every policy change.
    PolicyChanges,
    /// One policy change.
    PolicyChange,
    /// Proposes a policy change.
    Propose,
    /// Writes a policy change anew.
    Revise,
    /// Approves a policy change.
    Approve,
    /// Refuses a policy change.
    Reject,
    /// Takes back a policy change of one's own.
    Withdraw,
    /// Tries a policy change, or puts it into force.
    Advance,
    /// Takes a policy change back.
    TakeBack,
    /// Notes that an emergency was looked at.
    Review,
    /// Goes back to the policy that was live before.
    RollBack,
    /// The texts of the policy in force.
    PolicySources,
    /// Asks about the policy in force or a candidate.
    PolicyTool,
    /// Tries redaction on a text.
    TryRedaction,
    /// Brings back an encrypted value.
    Reveal,
    /// Names a person as events do.
    Person,
    /// Which field carries which kind of personal data.
    Fields,
    /// Rules that were seen, and how often they were right.
    InspectedRules,
    /// Lists requests in which something was seen.
    Inspected,
    /// One request in which something was seen.
    InspectedOne,
    /// Says what a finding turned out to be.
    Mark,
    /// Lists exceptions.
    Exceptions,
    /// The narrowest exception, and what it would have let through.
    FindException,
    /// Proposes an exception.
    Except,
    /// Approves an exception.
    ApproveException,
    /// Refuses an exception.
    RejectException,
    /// Takes back an exception of one's own.
    WithdrawException,
    /// Ends an exception.
    EndException,
    /// Lists alerts.
    Alerts,
    /// Says that somebody works on an alert.
    Acknowledge,
    /// Closes an alert.
    Close,
    /// Takes back what was done about an alert.
    Undo,
    /// Lists callers.
    Callers,
    /// Ends a caller's sessions.
    EndSessions,
    /// Lists bans.
    Bans,
    /// Makes a ban.
    Ban,
    /// Lifts a ban.
    Lift,
    /// The state of the gateway.
    Status,
    /// Puts the configuration in its files into force.
    Reload,
    /// Nothing that exists.
    Unknown,
}

/// A call.
#[derive(Debug)]
pub struct Route {
    /// What it does.
    pub operation: Operation,
    /// Its method.
    pub method: &'static str,
    /// Its path, with variable parts in braces.
    pub path: &'static str,
    /// Its name in events.
    pub name: &'static str,
    /// The kind of thing that it is about.
    pub resource: &'static str,
    /// What it does to that.
    pub act: Act,
}

const fn route(
    operation: Operation,
    method: &'static str,
    path: &'static str,
    name: &'static str,
    resource: &'static str,
    act: Act,
) -> Route {
    Route {
        operation,
        method,
        path,
        name,
        resource,
        act,
    }
}

/// A call that does not exist.
pub static UNKNOWN: Route = route(Operation::Unknown, "", "", "unknown", "api", Act::Read);

/// All calls.
pub static ROUTES: [Route; 49] = [
    route(
        Operation::SignIn,
        "POST",
        "/admin/session",
        "session.start",
        "session",
        Act::Create,
    ),
    route(
        Operation::Session,
        "GET",
        "/admin/session",
        "session.read",
        "session",
        Act::Read,
    ),
    route(
        Operation::SignOut,
        "DELETE",
        "/admin/session",
        "session.end",
        "session",
        Act::Delete,
    ),
    route(
        Operation::Describe,
        "GET",
        "/admin/openapi.json",
        "api.read",
        "api",
        Act::Read,
    ),
    route(
        Operation::Overview,
        "GET",
        "/admin/situational/overview",
        "overview.read",
        "overview",
        Act::Read,
    ),
    route(
        Operation::Stream,
        "GET",
        "/admin/situational/stream",
        "stream.read",
        "stream",
        Act::Read,
    ),
    route(
        Operation::Events,
        "GET",
        "/admin/audit/events",
        "events.list",
        "event",
        Act::Read,
    ),
    route(
        Operation::Event,
        "GET",
        "/admin/audit/events/{index}",
        "event.read",
        "event",
        Act::Read,
    ),
    route(
        Operation::Decision,
        "GET",
        "/admin/policy/decisions/{id}",
        "decision.explain",
        "decision",
        Act::Read,
    ),
    route(
        Operation::Policy,
        "GET",
        "/admin/policy/current",
        "policy.read",
        "policy",
        Act::Read,
    ),
    route(
        Operation::PolicyChanges,
        "GET",
        "/admin/policy/changes",
        "policy-change.list",
        "policy-change",
        Act::Read,
    ),
    route(
        Operation::PolicyChange,
        "GET",
        "/admin/policy/changes/{id}",
        "policy-change.read",
        "policy-change",
        Act::Read,
    ),
    route(
        Operation::Propose,
        "POST",
        "/admin/policy/changes",
        "policy-change.propose",
        "policy-change",
        Act::Create,
    ),
    route(
        Operation::Revise,
        "POST",
        "/admin/policy/changes/{id}/revise",
        "policy-change.revise",
        "policy-change",
        Act::Update,
    ),
    route(
        Operation::Approve,
        "POST",
        "/admin/policy/changes/{id}/approve",
        "policy-change.approve",
        "policy-change",
        Act::Update,
    ),
    route(
        Operation::Reject,
        "POST",
        "/admin/policy/changes/{id}/reject",
        "policy-change.reject",
        "policy-change",
        Act::Update,
    ),
    route(
        Operation::Withdraw,
        "POST",
        "/admin/policy/changes/{id}/withdraw",
        "policy-change.withdraw",
        "policy-change",
        Act::Update,
    ),
    route(
        Operation::Advance,
        "POST",
        "/admin/policy/changes/{id}/advance",
        "policy-change.advance",
        "policy-change",
        Act::Update,
    ),
    route(
        Operation::TakeBack,
        "POST",
        "/admin/policy/changes/{id}/rollback",
        "policy-change.roll-back",
        "policy-change",
        Act::Update,
    ),
    route(
        Operation::Review,
        "POST",
        "/admin/policy/changes/{id}/review",
        "policy-change.review",
        "policy-change",
        Act::Update,
    ),
    route(
        Operation::RollBack,
        "POST",
        "/admin/policy/rollback",
        "policy.roll-back",
        "policy-change",
        Act::Update,
    ),
    route(
        Operation::PolicySources,
        "GET",
        "/admin/policy/sources",
        "policy.sources",
        "policy",
        Act::Read,
    ),
    route(
        Operation::PolicyTool,
        "POST",
        "/admin/policy/tools/{tool}",
        "policy.ask",
        "policy",
        Act::Read,
    ),
    route(
        Operation::TryRedaction,
        "POST",
        "/admin/redaction/trial",
        "redaction.try",
        "redaction",
        Act::Read,
    ),
    route(
        Operation::Reveal,
        "POST",
        "/admin/redaction/reveal",
        "redaction.reveal",
        "personal-data",
        Act::Read,
    ),
    route(
        Operation::Person,
        "POST",
        "/admin/redaction/person",
        "redaction.name",
        "personal-data",
        Act::Read,
    ),
    route(
        Operation::Fields,
        "GET",
        "/admin/redaction/fields",
        "redaction.fields",
        "redaction",
        Act::Read,
    ),
    route(
        Operation::InspectedRules,
        "GET",
        "/admin/inspection/rules",
        "inspection-rules.list",
        "inspection-rule",
        Act::Read,
    ),
    route(
        Operation::Inspected,
        "GET",
        "/admin/inspection/events",
        "inspection-events.list",
        "event",
        Act::Read,
    ),
    route(
        Operation::InspectedOne,
        "GET",
        "/admin/inspection/events/{index}",
        "inspection-event.read",
        "event",
        Act::Read,
    ),
    route(
        Operation::Mark,
        "POST",
        "/admin/inspection/events/{index}/mark",
        "inspection-event.mark",
        "event",
        Act::Update,
    ),
    route(
        Operation::Exceptions,
        "GET",
        "/admin/inspection/exceptions",
        "inspection-exceptions.list",
        "inspection-exception",
        Act::Read,
    ),
    route(
        Operation::FindException,
        "POST",
        "/admin/inspection/exceptions/propose",
        "inspection-exception.propose",
        "inspection-exception",
        Act::Read,
    ),
    route(
        Operation::Except,
        "POST",
        "/admin/inspection/exceptions",
        "inspection-exception.create",
        "inspection-exception",
        Act::Create,
    ),
    route(
        Operation::ApproveException,
        "POST",
        "/admin/inspection/exceptions/{id}/approve",
        "inspection-exception.approve",
        "inspection-exception",
        Act::Update,
    ),
    route(
        Operation::RejectException,
        "POST",
        "/admin/inspection/exceptions/{id}/reject",
        "inspection-exception.reject",
        "inspection-exception",
        Act::Update,
    ),
    route(
        Operation::WithdrawException,
        "POST",
        "/admin/inspection/exceptions/{id}/withdraw",
        "inspection-exception.withdraw",
        "inspection-exception",
        Act::Update,
    ),
    route(
        Operation::EndException,
        "POST",
        "/admin/inspection/exceptions/{id}/end",
        "inspection-exception.end",
        "inspection-exception",
        Act::Delete,
    ),
    route(
        Operation::Alerts,
        "GET",
        "/admin/situational/alerts",
        "alerts.list",
        "alert",
        Act::Read,
    ),
    route(
        Operation::Acknowledge,
        "POST",
        "/admin/situational/alerts/{id}/acknowledge",
        "alert.acknowledge",
        "alert",
        Act::Update,
    ),
    route(
        Operation::Close,
        "POST",
        "/admin/situational/alerts/{id}/close",
        "alert.close",
        "alert",
        Act::Update,
    ),
    route(
        Operation::Undo,
        "DELETE",
        "/admin/situational/alerts/{id}/response",
        "response.undo",
        "response",
        Act::Delete,
    ),
    route(
        Operation::Callers,
        "GET",
        "/admin/situational/callers",
        "callers.list",
        "caller",
        Act::Read,
    ),
    route(
        Operation::EndSessions,
        "DELETE",
        "/admin/situational/callers/{id}/sessions",
        "caller.end-sessions",
        "caller",
        Act::Delete,
    ),
    route(
        Operation::Bans,
        "GET",
        "/admin/situational/bans",
        "bans.list",
        "ban",
        Act::Read,
    ),
    route(
        Operation::Ban,
        "POST",
        "/admin/situational/bans",
        "ban.create",
        "ban",
        Act::Create,
    ),
    route(
        Operation::Lift,
        "DELETE",
        "/admin/situational/bans/{id}",
        "ban.lift",
        "ban",
        Act::Delete,
    ),
    route(
        Operation::Status,
        "GET",
        "/admin/system/status",
        "system.read",
        "system",
        Act::Read,
    ),
    route(
        Operation::Reload,
        "POST",
        "/admin/system/reload",
        "system.reload",
        "configuration",
        Act::Update,
    ),
];

impl Route {
    /// The path with `0` for every variable part.
    pub fn example(&self) -> String {
        let parts = self
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { "0" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    fn fits(&self, path: &str) -> bool {
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if wanted == given => {}
                (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
                (Some(_) | None, Some(_) | None) => return false,
            }
        }
    }
}

/// The call with this method and path.
pub fn find(method: &Method, path: &str) -> Option<&'static Route> {
    ROUTES
        .iter()
        .find(|route| route.method == method.as_str() && route.fits(path))
}

impl Operation {
    /// Whether it concerns nothing but the administrator's own session and this interface; every role may do that.
    pub fn is_own(self) -> bool {
        matches!(self, Self::Session | Self::SignOut | Self::Describe)
    }

    fn handler(self, method: MethodFilter) -> MethodRouter<Context> {
        match self {
            Self::SignIn => on(method, session::sign_in),
            Self::Session => on(
                method,
                |State(context): State<Context>, Extension(who): Extension<Who>| async move {
                    session::read(&context, &who)
                },
            ),
            Self::SignOut => on(method, session::sign_out),
            Self::Describe => on(method, || async { openapi::read() }),
            Self::Overview => on(method, |State(context): State<Context>| async move {
                overview::read(&context)
            }),
            Self::Stream => on(method, |state, who| async { stream::open(state, who) }),
            Self::Events => on(method, events::list),
            Self::Event => on(method, events::one),
            Self::Decision => on(method, decisions::explain),
            Self::Policy => on(method, |State(context): State<Context>| async move {
                policy::current(&context)
            }),
            Self::PolicyChanges => on(method, changes::list),
            Self::PolicyChange => on(method, changes::one),
            Self::Propose => on(method, changes::propose),
            Self::Revise => on(method, changes::revise),
            Self::Approve => on(method, changes::approve),
            Self::Reject => on(method, changes::reject),
            Self::Withdraw => on(method, changes::withdraw),
            Self::Advance => on(method, changes::advance),
            Self::TakeBack => on(method, changes::roll_back_one),
            Self::Review => on(method, changes::review),
            Self::RollBack => on(method, changes::roll_back),
            Self::PolicySources => on(method, |State(context): State<Context>| async move {
                policy::sources(&context)
            }),
            Self::PolicyTool => on(method, tools::ask),
            Self::TryRedaction => on(method, redaction::trial),
            Self::Reveal => on(method, redaction::reveal),
            Self::Person => on(method, redaction::person),
            Self::Fields => on(method, |State(context): State<Context>| async move {
                redaction::fields(&context)
            }),
            Self::InspectedRules => on(method, inspection::rules),
            Self::Inspected => on(method, inspection::events),
            Self::InspectedOne => on(method, inspection::event),
            Self::Mark => on(method, inspection::mark),
            Self::Exceptions => on(method, inspection::exceptions),
            Self::FindException => on(method, inspection::propose),
            Self::Except => on(method, inspection::create),
            Self::ApproveException => on(method, inspection::approve),
            Self::RejectException => on(method, inspection::reject),
            Self::WithdrawException => on(method, inspection::withdraw),
            Self::EndException => on(method, inspection::end),
            Self::Alerts => on(method, alerts::list),
            Self::Acknowledge => on(method, alerts::acknowledge),
            Self::Close => on(method, alerts::close),
            Self::Undo => on(method, alerts::undo),
            Self::Callers => on(method, |State(context): State<Context>| async move {
                callers::list(&context)
            }),
            Self::EndSessions => on(method, callers::end_sessions_of),
            Self::Bans => on(method, |State(context): State<Context>| async move {
                bans::list(&context)
            }),
            Self::Ban => on(method, bans::create),
            Self::Lift => on(method, bans::lift),
            Self::Status => on(method, |State(context): State<Context>| async move {
                system::status(&context)
            }),
            Self::Reload => on(method, system::reload),
            Self::Unknown => on(method, || async { Problem::not_found() }),
        }
    }
}

/// A router over all calls.
pub fn router() -> Router<Context> {
    let mut router = Router::new();
    for route in &ROUTES {
        let method = match route.method {
            "POST" => MethodFilter::POST,
            "DELETE" => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        router = router.route(route.path, route.operation.handler(method));
    }
    router
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_found_by_its_method_and_whole_path() {
        let name = |method: Method, path: &str| find(&method, path).map(|r| r.name);
        assert_eq!(
            name(Method::GET, "/admin/audit/events/17"),
            Some("event.read")
        );
        assert_eq!(name(Method::GET, "/admin/audit/events/"), None);
        assert_eq!(name(Method::GET, "/admin/audit/events/17/18"), None);
        assert_eq!(name(Method::DELETE, "/admin/situational/bans"), None);
        assert_eq!(
            name(Method::DELETE, "/admin/situational/callers/u%3Ali/sessions"),
            Some("caller.end-sessions")
        );
    }
}
