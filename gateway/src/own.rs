//! The gateway's own pages on every portal host, under `/.hangu/`: signing in and out, who one is, the keys of assertions.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use hangu_audit::event::Logon;
use hangu_identity::Caller;
use hangu_identity::assertion::jwks;
use hangu_identity::local::SignInRefusal;
use hangu_identity::session::cookie;
use hangu_limit::AddressKey;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue,
    LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;

use crate::answer::{Language, PAGE_POLICY, document, escape, wants_page};
use crate::body::response::ResponseBody;
use crate::clock;
use crate::exchange::Exchange;
use crate::refusal::Refusal;
use crate::stage::identify;
use crate::stage::limit::limited;
use crate::stage::record::{self, Signer};

/// The largest form that is read.
const LARGEST_FORM: usize = 8 << 10;

/// Whether a path is the gateway's own.
pub fn is_own(path: &str) -> bool {
    path == "/.hangu" || path.starts_with("/.hangu/")
}

/// Serves one of the gateway's own pages.
///
/// # Errors
/// Where there is no such page, and as signing in is refused.
pub async fn serve(
    exchange: &mut Exchange,
    parts: &mut Parts,
    body: Incoming,
) -> Result<Response<ResponseBody>, Refusal> {
    let path = exchange.path.clone();
    match (&parts.method, path.as_str()) {
        (&Method::GET, "/.hangu/sign-in") => {
            let language = Language::of(&parts.headers);
            Ok(sign_in_page(
                language,
                &return_of(parts.uri.query()),
                None,
                StatusCode::OK,
            ))
        }
        (&Method::POST, "/.hangu/sign-in") => sign_in(exchange, parts, body).await,
        (&Method::GET, "/.hangu/sign-out") => sign_out_page(exchange, parts).await,
        (&Method::POST, "/.hangu/sign-out") => sign_out(exchange, parts, body).await,
        (&Method::GET, "/.hangu/me") => me(exchange, parts).await,
        (&Method::GET, "/.hangu/jwks.json") => {
            let text = jwks(&[&exchange.snapshot.signer]);
            Ok(own(StatusCode::OK, "application/jwk-set+json", text))
        }
        _ => Err(Refusal::NoPortal),
    }
}

fn own(status: StatusCode, media: &'static str, body: String) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::from(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    headers.insert(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        HeaderName::from_static("referrer-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

fn redirect(to: &str, set_cookie: Option<&str>) -> Response<ResponseBody> {
    let mut response = own(
        StatusCode::SEE_OTHER,
        "text/plain; charset=utf-8",
        String::new(),
    );
    if let Ok(value) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, value);
    }
    if let Some(value) = set_cookie.and_then(|c| HeaderValue::from_str(c).ok()) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
    response
}

/// A path on this host to go back to; anything that could lead elsewhere becomes `/`.
fn safe_return(text: &str) -> String {
    let plain = text.starts_with('/')
        && !text.starts_with("//")
        && !is_own(text)
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if plain && text.len() <= 2048 {
        text.to_owned()
    } else {
        "/".to_owned()
    }
}

fn return_of(query: Option<&str>) -> String {
    let value = query
        .into_iter()
        .flat_map(|q| q.split('&'))
        .find_map(|pair| pair.strip_prefix("return="))
        .and_then(decode_form)
        .unwrap_or_default();
    safe_return(&value)
}

/// Decodes one value of a form; none where it is no UTF-8.
fn decode_form(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                let high = digit(bytes.next())?;
                let low = digit(bytes.next())?;
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

/// Percent-encodes a path for a query.
fn encode_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Where a refusal leads a person to the sign-in page instead: a page that was opened and needs somebody.
pub fn to_sign_in(
    exchange: &Exchange,
    refusal: &Refusal,
    parts: &Parts,
) -> Option<Response<ResponseBody>> {
    let opened = parts.method == Method::GET && wants_page(&parts.headers);
    if !opened || *refusal != Refusal::Unidentified || exchange.snapshot.identities.local.is_empty()
    {
        return None;
    }
    let back = parts
        .uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    Some(redirect(
        &format!("/.hangu/sign-in?return={}", encode_query(back)),
        None,
    ))
}

fn sign_in_page(
    language: Language,
    back: &str,
    error: Option<(&'static str, &'static str)>,
    status: StatusCode,
) -> Response<ResponseBody> {
    let title = language.pick("登录", "Sign in");
    let mut body = format!("<h1>{title}</h1>");
    if let Some((zh, en)) = error {
        // Writing to a string cannot fail.
        let _written = write!(
            body,
            "<p class=\"error\" role=\"alert\">{}</p>",
            language.pick(zh, en)
        );
    }
    let _written = write!(
        body,
        "<form method=\"post\" action=\"/.hangu/sign-in\"><input type=\"hidden\" name=\"return\" value=\"{}\">\
         <label for=\"login\">{}</label><input id=\"login\" name=\"login\" autocomplete=\"username\" required autofocus>\
         <label for=\"password\">{}</label><input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\
         <button type=\"submit\">{title}</button></form>\
         <p class=\"ref\">{}</p>",
        escape(back),
        language.pick("用户名", "User name"),
        language.pick("密码", "Password"),
        language.pick(
            "登录由安全网关函谷完成。每次登录都会被记录。",
            "You sign in at the security gateway Hangu. Every sign-in is recorded."
        ),
    );
    own(
        status,
        "text/html; charset=utf-8",
        document(language, title, &body),
    )
}

/// Whether a form was sent by a page of this very host (Fetch Metadata, else `Origin`).
fn is_same_origin(parts: &Parts) -> bool {
    const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    if let Some(site) = parts.headers.get(SITE) {
        return site.as_bytes() == b"same-origin";
    }
    let host = parts
        .headers
        .get(HOST)
        .and_then(|v| v.to_str().ok())
        .or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    let origin = parts.headers.get(ORIGIN).and_then(|v| v.to_str().ok());
    match (origin, host) {
        (Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, o)| o.eq_ignore_ascii_case(host)),
        // Programs send neither; a browser sends `Origin` with every form.
        (None, _) => true,
        (Some(_), None) => false,
    }
}

/// The fields of a form of this page.
struct Form {
    login: String,
    password: String,
    back: String,
    token: String,
}

async fn form(body: Incoming) -> Result<Form, Refusal> {
    let limited = Limited::new(body, LARGEST_FORM).collect();
    let bytes = tokio::time::timeout(std::time::Duration::from_secs(10), limited)
        .await
        .map_err(|_| Refusal::TooSlow(crate::refusal::Slow::Body))?
        .map_err(|_| Refusal::BodyTooLarge)?
        .to_bytes();
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Refusal::Uninspectable("the form is not UTF-8"))?;
    let field = |name: &str| {
        text.split('&')
            .find_map(|pair| {
                pair.split_once('=')
                    .filter(|(n, _)| *n == name)
                    .map(|(_, v)| v)
            })
            .and_then(decode_form)
            .unwrap_or_default()
    };
    Ok(Form {
        login: field("login"),
        password: field("password"),
        back: field("return"),
        token: field("token"),
    })
}

async fn sign_in(
    exchange: &mut Exchange,
    parts: &Parts,
    body: Incoming,
) -> Result<Response<ResponseBody>, Refusal> {
    if !is_same_origin(parts) {
        return Err(Refusal::Header("origin"));
    }
    let gateway = Arc::clone(&exchange.gateway);
    let address = exchange.address();
    let rate = &exchange.snapshot.rates.sign_in;
    let outcome = gateway
        .sign_ins
        .check(&AddressKey::from(address), rate, clock::monotonic(), 1);
    limited("sign-in", &outcome)?;
    let form = form(body).await?;
    let language = Language::of(&parts.headers);
    let portal = exchange.portal()?.settings.name.clone();
    let login = form.login.clone();
    let checked = check_password(exchange, &form.login, form.password).await;
    let outcome = checked.as_ref().map(|_| ()).map_err(SignInRefusal::code);
    let signer = Signer {
        user: &login,
        client: exchange.connection.client,
        zone: Some(exchange.connection.zone),
        portal: Some(&portal),
    };
    record::sign_in(&gateway, &signer, Logon::Logon, outcome)
        .await
        .map_err(|_| Refusal::NoRecord)?;
    let back = safe_return(&form.back);
    match checked {
        Ok(caller) => {
            let previous = session_cookie(parts);
            let certificate = exchange.connection.peer().map(|p| p.digest);
            let id = gateway
                .sessions
                .start(Arc::clone(&caller), previous, certificate, clock::now())
                .map_err(|error| {
                    tracing::error!(%error, "no session could be started");
                    Refusal::Undecided
                })?;
            exchange.caller = Some(caller);
            let lifetime = exchange.snapshot.configuration.identity.session.absolute;
            Ok(redirect(&back, Some(&cookie::set(&id, lifetime))))
        }
        Err(SignInRefusal::Wrong) => {
            let words = (
                "用户名或密码不正确。",
                "The user name or the password is wrong.",
            );
            Ok(sign_in_page(
                language,
                &back,
                Some(words),
                StatusCode::UNAUTHORIZED,
            ))
        }
        Err(SignInRefusal::Locked { until }) => {
            let words = (
                "失败次数过多，已暂时锁定。请稍后再试。",
                "Too many failed attempts. Signing in is locked for a while; try again later.",
            );
            let mut page =
                sign_in_page(language, &back, Some(words), StatusCode::TOO_MANY_REQUESTS);
            let seconds = until.duration_since(clock::now()).as_secs().max(1);
            page.headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
            Ok(page)
        }
        Err(SignInRefusal::Unavailable) => Err(Refusal::Undecided),
    }
}

async fn check_password(
    exchange: &Exchange,
    login: &str,
    password: String,
) -> Result<Arc<Caller>, SignInRefusal> {
    let Ok(_room) = exchange.gateway.password_checks.acquire().await else {
        return Err(SignInRefusal::Unavailable);
    };
    let local = Arc::clone(&exchange.snapshot.identities.local);
    let (login, address) = (login.to_owned(), exchange.address());
    tokio::task::spawn_blocking(move || local.verify(&login, &password, address, clock::now()))
        .await
        .unwrap_or(Err(SignInRefusal::Unavailable))
}

fn session_cookie(parts: &Parts) -> Option<&str> {
    cookie::find(
        parts
            .headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok()),
    )
}

async fn sign_out_page(
    exchange: &mut Exchange,
    parts: &mut Parts,
) -> Result<Response<ResponseBody>, Refusal> {
    let caller = identify::caller(exchange, parts).await?;
    let language = Language::of(&parts.headers);
    let title = language.pick("退出登录", "Sign out");
    let Some(id) = session_cookie(parts).filter(|_| exchange.session.is_some()) else {
        let body = format!(
            "<h1>{title}</h1><p>{}</p>",
            language.pick("您没有登录。", "You are not signed in.")
        );
        return Ok(own(
            StatusCode::OK,
            "text/html; charset=utf-8",
            document(language, title, &body),
        ));
    };
    let body = format!(
        "<h1>{title}</h1><p>{} <strong>{}</strong></p><form method=\"post\" action=\"/.hangu/sign-out\">\
         <input type=\"hidden\" name=\"token\" value=\"{}\"><button type=\"submit\">{title}</button></form>",
        language.pick("当前身份：", "You are signed in as"),
        escape(&caller.name),
        cookie::form_token(id),
    );
    Ok(own(
        StatusCode::OK,
        "text/html; charset=utf-8",
        document(language, title, &body),
    ))
}

async fn sign_out(
    exchange: &mut Exchange,
    parts: &mut Parts,
    body: Incoming,
) -> Result<Response<ResponseBody>, Refusal> {
    let caller = identify::caller(exchange, parts).await?;
    let Some(id) = session_cookie(parts).map(str::to_owned) else {
        return Ok(redirect("/.hangu/sign-in", Some(&cookie::clear())));
    };
    let form = form(body).await?;
    let own_form = cookie::is_form_token(&id, &form.token);
    let own_page = parts.headers.contains_key(ORIGIN) && is_same_origin(parts);
    if !own_form && !own_page {
        return Err(Refusal::Header("origin"));
    }
    let gateway = Arc::clone(&exchange.gateway);
    let handle = exchange.session.as_ref().map(|s| s.handle());
    gateway.sessions.end(&id, clock::now()).map_err(|error| {
        tracing::error!(%error, "a session's end could not be kept");
        Refusal::NoRecord
    })?;
    if let Some(handle) = &handle {
        gateway.streams.end(crate::streams::Whose::Session(handle));
        let portal = exchange.portal()?.settings.name.clone();
        let signer = Signer {
            user: &caller.id,
            client: exchange.connection.client,
            zone: Some(exchange.connection.zone),
            portal: Some(&portal),
        };
        record::sign_in(&gateway, &signer, Logon::Logoff, Ok(()))
            .await
            .map_err(|_| Refusal::NoRecord)?;
    }
    Ok(redirect("/.hangu/sign-in", Some(&cookie::clear())))
}

/// Who the gateway takes the client for.
async fn me(exchange: &mut Exchange, parts: &mut Parts) -> Result<Response<ResponseBody>, Refusal> {
    let caller = identify::caller(exchange, parts).await?;
    let body = serde_json::json!({
        "caller": caller.id,
        "name": caller.name,
        "kind": caller.kind,
        "proof": caller.proof,
        "assurance": caller.assurance,
        "clearance": caller.clearance,
        "department": caller.department,
    });
    Ok(own(StatusCode::OK, "application/json", body.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_never_leads_to_another_site() {
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil",
            "evil",
            "/a b",
            "/.hangu/sign-out",
        ] {
            assert_eq!(safe_return(bad), "/", "{bad}");
        }
        assert_eq!(safe_return("/a?b=c"), "/a?b=c");
    }

    #[test]
    fn a_form_value_is_decoded_once() {
        assert_eq!(
            decode_form("a+b%20%E4%B8%AD%2541").as_deref(),
            Some("a b 中%41")
        );
        assert_eq!(decode_form("%e4"), None);
        assert_eq!(decode_form("%zz"), None);
    }
}
