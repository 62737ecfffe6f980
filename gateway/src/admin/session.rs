//! Signing in to the console, and out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use hangu_audit::event::Logon;
use hangu_identity::Caller;
use hangu_identity::local::SignInRefusal;
use hangu_identity::session::cookie;
use hangu_limit::{AddressKey, Outcome};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::admin::context::{Context, Who};
use crate::admin::gate;
use crate::admin::problem::Problem;
use crate::admin::routes::ROUTES;
use crate::admin::strict::Strict;
use crate::admin::users::Role;
use crate::clock;
use crate::stage::record::{self, Signer};

/// How long an administrator stays signed in at most: one shift.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(8);

/// Name and password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    username: String,
    password: String,
}

#[derive(Serialize)]
struct Session {
    user: String,
    name: String,
    role: Role,
    csrf: String,
    expires_ms: i64,
    permissions: Vec<String>,
}

/// Signs in.
pub async fn sign_in(
    State(context): State<Context>,
    headers: HeaderMap,
    Strict(credentials): Strict<Credentials>,
) -> Result<Response, Problem> {
    let gateway = &context.admin.gateway;
    same_origin(&headers)?;
    let address = context.peer.ip();
    if gateway.bans.address(address, clock::wall_ms()).is_some() {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "banned",
            "this address is banned",
            "该地址已被封禁",
        ));
    }
    let rate = gateway.snapshot.load().rates.sign_in;
    if let Outcome::Limited {
        retry_after,
        allowance,
    } = gateway
        .sign_ins
        .check(&AddressKey::from(address), &rate, clock::monotonic(), 1)
    {
        return Err(gate::too_many(
            retry_after.unwrap_or(allowance.window).as_secs() + 1,
        ));
    }
    let user = credentials.username.clone();
    let checked = check(&context, credentials).await?;
    let outcome = checked.as_ref().map(|_| ()).map_err(SignInRefusal::code);
    log(&context, &user, Logon::Logon, outcome).await?;
    let (caller, role) = checked.map_err(|refusal| refused(&refusal))?;
    let now = clock::now();
    let id = context
        .admin
        .sessions
        .start(Arc::clone(&caller), gate::session_id(&headers), None, now)
        .map_err(|error| Problem::failed(&error))?;
    let body = told(
        &context,
        &caller,
        role,
        now,
        cookie::form_token(id.as_str()),
    );
    let mut response = Json(body).into_response();
    let cookie = HeaderValue::from_str(&cookie::set(&id, LIFETIME))
        .map_err(|error| Problem::failed(&error))?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

/// Browsers say where a request comes from; signing somebody in from another site is refused.
fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    match headers.get(SITE).map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "foreign-origin",
            "the call came from another site",
            "请求来自其他网站",
        )),
    }
}

async fn check(
    context: &Context,
    credentials: Credentials,
) -> Result<Result<(Arc<Caller>, Role), SignInRefusal>, Problem> {
    let authority = context.authority()?;
    let address = context.peer.ip();
    let Ok(_room) = context.admin.gateway.password_checks.acquire().await else {
        return Ok(Err(SignInRefusal::Unavailable));
    };
    let verified = tokio::task::spawn_blocking(move || {
        let local = &authority.administrators.local;
        local.verify(
            &credentials.username,
            &credentials.password,
            address,
            clock::now(),
        )
    });
    let verified = verified.await.unwrap_or(Err(SignInRefusal::Unavailable));
    Ok(verified.and_then(|caller| match Role::of(&caller) {
        Some(role) => Ok((caller, role)),
        None => Err(SignInRefusal::Wrong),
    }))
}

async fn log(
    context: &Context,
    user: &str,
    logon: Logon,
    outcome: Result<(), &'static str>,
) -> Result<(), Problem> {
    let signer = Signer {
        user,
        client: context.peer,
        zone: None,
        portal: Some("console"),
    };
    record::sign_in(&context.admin.gateway, &signer, logon, outcome)
        .await
        .map_err(|_| Problem::not_recorded())
}

fn refused(refusal: &SignInRefusal) -> Problem {
    let problem = match refusal {
        SignInRefusal::Wrong => Problem::new(
            StatusCode::UNAUTHORIZED,
            "credentials-wrong",
            "the user name or the password is wrong",
            "用户名或密码不正确",
        ),
        SignInRefusal::Locked { until } => {
            let seconds = until.duration_since(clock::now()).as_secs().max(1);
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "locked",
                "too many failed attempts; signing in is locked for a while",
                "失败次数过多，已暂时锁定，请稍后再试",
            )
            .retry_after(u64::try_from(seconds).unwrap_or(1))
        }
        SignInRefusal::Unavailable => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-checked",
            "the password could not be checked",
            "暂时无法校验密码",
        ),
    };
    problem.recorded()
}

/// Tells who is signed in.
pub fn read(context: &Context, who: &Who) -> Response {
    Json(told(
        context,
        &who.caller,
        who.role,
        who.session.started(),
        who.csrf.to_string(),
    ))
    .into_response()
}

/// Signs out.
pub async fn sign_out(
    State(context): State<Context>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    log(&context, &who.caller.id, Logon::Logoff, Ok(())).await?;
    if let Some(id) = gate::session_id(&headers) {
        context
            .admin
            .sessions
            .end(id, clock::now())
            .map_err(|error| Problem::failed(&error))?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie::clear()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

fn told(
    context: &Context,
    caller: &Caller,
    role: Role,
    started: Timestamp,
    csrf: String,
) -> Session {
    Session {
        user: caller.id.clone(),
        name: caller.name.clone(),
        role,
        csrf,
        expires_ms: started
            .checked_add(LIFETIME)
            .unwrap_or(started)
            .as_millisecond(),
        permissions: permissions(context, caller, role),
    }
}

/// Every call that the policy would allow now, with `0` for variable parts: asked, not read out of the rules, so that
/// the console draws as disabled exactly what would be refused.
fn permissions(context: &Context, caller: &Caller, role: Role) -> Vec<String> {
    let allowed = |(method, path): &(&str, String)| context.may(caller, role, method, path);
    let calls = ROUTES
        .iter()
        .filter(|route| !route.path.starts_with("/admin/session"));
    calls
        .map(|route| (route.method, route.example()))
        .filter(allowed)
        .map(|(method, path)| format!("{method} {path}"))
        .collect()
}
