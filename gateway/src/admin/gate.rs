//! What every call passes: the session, the form token, the console's policy, and the record of what was refused.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hangu_identity::session::cookie;
use hangu_limit::{AddressKey, Outcome, Rate};

use crate::admin::act::{self, Call, Refusal};
use crate::admin::authority::Answer;
use crate::admin::context::{Context, Who};
use crate::admin::problem::{Problem, Refused};
use crate::admin::routes::{self, Operation, Route};
use crate::admin::users::Role;
use crate::clock;

/// The header of the form token.
const CSRF: &str = "hangu-csrf";

/// Calls of one address: 50 a second, 200 at once. Chosen; a page that opens makes ten.
pub fn rate() -> Result<Rate, String> {
    let (count, burst) = (
        NonZeroU32::MIN.saturating_add(49),
        NonZeroU32::MIN.saturating_add(199),
    );
    Rate::new(count, Duration::from_secs(1), burst).map_err(|e| e.to_string())
}

/// The session id in a request's cookies.
pub fn session_id(headers: &HeaderMap) -> Option<&str> {
    cookie::find(
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok()),
    )
}

/// Lets a call through, or refuses and records that.
pub async fn gate(State(context): State<Context>, mut request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path: Arc<str> = request.uri().path().into();
    let route = routes::find(&method, &path);
    let (who, admitted) = admit(&context, &request, route, &path);
    let response = match admitted {
        Ok(()) => {
            if let Some(who) = &who {
                request.extensions_mut().insert(who.clone());
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    let Some(refused) = response.extensions().get::<Refused>().copied() else {
        return response;
    };
    let status = response.status();
    if refused.recorded || !leaves_event(&method, route, status) {
        return response;
    }
    let call = Call {
        route,
        method: method.as_str(),
        path: &path,
        who: who.as_ref(),
    };
    match act::refused(
        &context,
        call,
        Refusal {
            reason: refused.reason,
            status: status.as_u16(),
        },
    )
    .await
    {
        Ok(()) => response,
        Err(problem) => problem.into_response(),
    }
}

/// Reading what is not there is no refusal, and neither is asking whether one is signed in.
fn leaves_event(method: &Method, route: Option<&Route>, status: StatusCode) -> bool {
    let refused = matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
    );
    let asks = route.is_some_and(|r| r.operation == Operation::Session)
        && status == StatusCode::UNAUTHORIZED;
    (refused || !reads(method)) && !asks
}

fn reads(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Who calls, as far as that is known, and whether the call may go on.
fn admit(
    context: &Context,
    request: &Request,
    route: Option<&'static Route>,
    path: &Arc<str>,
) -> (Option<Who>, Result<(), Problem>) {
    let admin = &context.admin;
    let key = AddressKey::from(context.peer.ip());
    if let Outcome::Limited {
        retry_after,
        allowance,
    } = admin.calls.check(&key, &admin.rate, clock::monotonic(), 1)
    {
        let wait = retry_after.unwrap_or(allowance.window).as_secs() + 1;
        return (None, Err(too_many(wait)));
    }
    if route.is_some_and(|r| r.operation == Operation::SignIn) {
        return (None, Ok(()));
    }
    let mut who = match recognise(context, request.headers(), route, path) {
        Ok(who) => who,
        Err(problem) => return (None, Err(problem)),
    };
    if !reads(request.method()) {
        let token = request
            .headers()
            .get(CSRF)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        let genuine =
            session_id(request.headers()).is_some_and(|id| cookie::is_form_token(id, token));
        if !genuine {
            return (Some(who), Err(foreign()));
        }
    }
    // Routed by the very same text: what the policy was asked about is what is done.
    let answer = decide(context, &who, request.method().as_str(), path);
    let verdict = match answer {
        Ok(answer) => {
            let allow = answer.allow || route.is_some_and(|r| r.operation.is_own());
            who.answer = answer;
            if allow { Ok(()) } else { Err(forbidden()) }
        }
        Err(problem) => Err(problem),
    };
    (Some(who), verdict)
}

fn decide(context: &Context, who: &Who, method: &str, path: &str) -> Result<Answer, Problem> {
    let asked = context.asked(&who.caller, who.role, method, path);
    context
        .authority()?
        .answer(&asked)
        .map_err(|refusal| Problem::failed(&refusal.reason()))
}

/// The administrator of a session, as the file of administrators has them now.
fn recognise(
    context: &Context,
    headers: &HeaderMap,
    route: Option<&'static Route>,
    path: &Arc<str>,
) -> Result<Who, Problem> {
    let id = session_id(headers).ok_or_else(signed_out)?;
    let session = context
        .admin
        .sessions
        .find(id, None, clock::now())
        .map_err(|_| signed_out())?;
    let caller = Arc::clone(session.caller());
    let authority = context.authority()?;
    let role = Role::of(&caller).filter(|_| authority.administrators.local.has_caller(&caller));
    let Some(role) = role else {
        // Taken out of the file, or given another role, since signing in.
        if let Err(error) = context.admin.sessions.end(id, clock::now()) {
            tracing::warn!(%error, "a session's end could not be kept");
        }
        return Err(signed_out());
    };
    Ok(Who {
        caller,
        role,
        session,
        csrf: cookie::form_token(id).into(),
        route: route.unwrap_or(&routes::UNKNOWN),
        path: Arc::clone(path),
        answer: Answer {
            allow: false,
            grounds: "default-deny",
            rules: Vec::new(),
        },
        revision: authority.revision.as_str().into(),
    })
}

/// Too many calls from an address.
pub fn too_many(seconds: u64) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "rate-limited",
        "too many requests; try again later",
        "请求过多，请稍后再试",
    )
    .retry_after(seconds)
}

fn signed_out() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "session-missing",
        "nobody is signed in",
        "未登录或会话已结束",
    )
}

fn foreign() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "csrf-missing",
        "the call did not come from the console's own page",
        "请求并非来自控制台页面",
    )
    .detail(
        "send the `csrf` of the session in the header `Hangu-Csrf`",
        "请在 Hangu-Csrf 请求头中携带会话返回的 csrf 值",
    )
}

fn forbidden() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "role-may-not",
        "your role may not do this",
        "您的角色不能执行此操作",
    )
}
