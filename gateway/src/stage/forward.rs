//! Carries a permitted request to an upstream and its answer's head back.
//!
//! Nothing is forwarded without a [`Permit`]. A request goes out a second time only when it was never sent, or when
//! its method is safe and it has no body; and then once, to another address where there is one.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use hangu_identity::Caller;
use hangu_identity::assertion::MIN_REMAINING;
use hangu_identity::binding::Bound;
use hangu_identity::headers::is_reserved;
use hangu_identity::session::cookie;
use hangu_policy::Permit;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    UPGRADE,
};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;

use crate::body::request::RequestBody;
use crate::canon;
use crate::clock;
use crate::config::Balance;
use crate::connection::Asserted;
use crate::exchange::Exchange;
use crate::refusal::Refusal;
use crate::snapshot::Portal;
use crate::stage::identify::Credential;
use crate::stage::route::{is_hop, remove_where};
use crate::upstream::pool::{Address, Lease, Origin, SendError, Sender};
use crate::upstream::{Outcome, Upstream};

/// Where a request goes, as routing found it.
#[derive(Debug)]
pub struct Place {
    /// Whether the client asks to go on as WebSocket.
    pub websocket: bool,
}

/// The head of an answer, with its body to come.
#[derive(Debug)]
pub struct Answer {
    /// The answer.
    pub response: Response<Incoming>,
    /// The upstream's connection.
    pub lease: Lease,
    /// Whether the upstream agreed to go on as WebSocket.
    pub upgraded: bool,
}

/// Forwards a request.
///
/// # Errors
/// `no-upstream`, `upstream-failed`, `upstream-slow`, `upgrade-not-forwarded`, and what broke the body off.
pub async fn forward(
    exchange: &mut Exchange,
    caller: &Arc<Caller>,
    permit: Permit,
    place: &Place,
    parts: &mut Parts,
    body: RequestBody,
) -> Result<Answer, Refusal> {
    let portal = Arc::clone(exchange.portal()?);
    if place.websocket && !portal.settings.websocket {
        return Err(Refusal::Upgrade);
    }
    let path = outbound_path(exchange, &parts.uri)?;
    outbound_headers(exchange, caller, &portal, place, parts, &path, &body)?;
    // The permit is spent: one decision lets one request through.
    drop(permit);
    let upstream = Arc::clone(&portal.upstream);
    let sent = send(
        exchange,
        &upstream,
        caller,
        parts,
        &path,
        body,
        place.websocket,
    )
    .await;
    let (mut response, lease) = match sent {
        Ok(answered) => answered,
        Err(refusal) => return Err(blame(exchange, refusal)),
    };
    exchange.upstream = Some(Arc::clone(lease.address()));
    let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if upgraded && !(place.websocket && agrees_on_websocket(response.headers())) {
        return Err(Refusal::UpstreamFailed);
    }
    inbound_headers(response.headers_mut(), upgraded);
    *response.version_mut() = parts.version;
    Ok(Answer {
        response,
        lease,
        upgraded,
    })
}

/// Where the client broke its own body off, the upstream is not to blame.
fn blame(exchange: &Exchange, refusal: Refusal) -> Refusal {
    match exchange.sent.as_ref().and_then(|sent| sent.fault()) {
        Some(fault) => fault.into(),
        None => refusal,
    }
}

/// The canonical path with the query as sent, or what redaction has left of it.
fn outbound_path(exchange: &Exchange, sent: &Uri) -> Result<PathAndQuery, Refusal> {
    let path = canon::encode(&exchange.path);
    let query = exchange
        .forwarded_query
        .as_ref()
        .or(exchange.query.as_ref());
    if let Some(sent) = sent.path_and_query()
        && sent.path() == path
        && sent.query() == query.map(String::as_str)
    {
        return Ok(sent.clone());
    }
    let text = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.into_owned(),
    };
    PathAndQuery::try_from(text).map_err(|_| Refusal::Undecided)
}

/// Takes out what the gateway alone may say, its own credentials included, and says it.
fn outbound_headers(
    exchange: &Exchange,
    caller: &Arc<Caller>,
    portal: &Portal,
    place: &Place,
    parts: &mut Parts,
    path: &PathAndQuery,
    body: &RequestBody,
) -> Result<(), Refusal> {
    const REQUEST_ID: HeaderName = HeaderName::from_static("hangu-request-id");
    const ASSERTION: HeaderName = HeaderName::from_static("hangu-assertion");
    const BINDING: HeaderName = HeaderName::from_static("hangu-binding");
    const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
    const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
    let headers = &mut parts.headers;
    remove_where(headers, |name| is_reserved(name.as_str()));
    if exchange.credential == Some(Credential::Authorization) {
        headers.remove(AUTHORIZATION);
    }
    strip_session_cookie(headers);
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Refusal::Undecided);
    let mut trace = exchange.trace.header(&exchange.id);
    let id = trace.split_to(exchange.id.as_str().len());
    for (name, bytes) in [(REQUEST_ID, id), (TRACEPARENT, trace)] {
        let value = HeaderValue::from_maybe_shared(bytes).map_err(|_| Refusal::Undecided)?;
        headers.insert(name, value);
    }
    let client = &exchange.connection.forwarded_for;
    let client = match client.get() {
        Some(client) => client.clone(),
        None => {
            let text = value(&exchange.address().to_string())?;
            client.get_or_init(|| text).clone()
        }
    };
    headers.insert(FORWARDED_FOR, client);
    let scheme = if exchange.connection.tls.is_some() {
        "https"
    } else {
        "http"
    };
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    if !caller.is_nobody() {
        let asserted = assertion(exchange, caller, &portal.settings.name)?;
        headers.insert(ASSERTION, asserted.value.clone());
        if let Some(key) = &portal.binding_key {
            let digest = body_digest(body);
            let bound = Bound {
                assertion: &asserted.assertion.digest,
                method: parts.method.as_str(),
                path: path.as_str(),
                body: digest.as_ref(),
            };
            let binding = key
                .bind(bound, exchange.id.as_str(), clock::now())
                .map_err(|_| Refusal::Undecided)?;
            headers.insert(BINDING, value(&binding)?);
        }
    }
    if place.websocket {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let grpc = headers
        .get(CONTENT_TYPE)
        .is_some_and(|v| v.as_bytes().starts_with(b"application/grpc"));
    if grpc {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if !headers.contains_key(HOST) {
        headers.insert(HOST, value(&exchange.host)?);
    }
    Ok(())
}

/// The assertion about a caller for a portal, as it stands in a header. A connection keeps the last one, which most of
/// its requests carry.
fn assertion(
    exchange: &Exchange,
    caller: &Arc<Caller>,
    portal: &str,
) -> Result<Arc<Asserted>, Refusal> {
    let (connection, snapshot, now) = (&exchange.connection, &exchange.snapshot, exchange.now());
    let index = exchange.portal.ok_or(Refusal::NoPortal)?;
    let last = connection.asserted.load_full().filter(|last| {
        Arc::ptr_eq(&last.caller, caller)
            && last.portal == index
            && last.serial == snapshot.serial
            && last.usable.contains(&now)
    });
    if let Some(last) = last {
        return Ok(last);
    }
    let fingerprint = connection.peer().map(|p| &p.digest);
    let assertion = snapshot
        .signer
        .assertion(caller, portal, fingerprint, now)
        .map_err(|error| {
            tracing::error!(%error, "no assertion");
            Refusal::Undecided
        })?;
    let until = assertion
        .expires
        .checked_sub(MIN_REMAINING)
        .map_err(|_| Refusal::Undecided)?;
    let asserted = Arc::new(Asserted {
        caller: Arc::clone(caller),
        portal: index,
        serial: snapshot.serial,
        usable: now..until,
        value: HeaderValue::from_str(&assertion.text).map_err(|_| Refusal::Undecided)?,
        assertion,
    });
    connection.asserted.store(Some(Arc::clone(&asserted)));
    Ok(asserted)
}

/// The digest of a body that is known whole; a stream has none.
fn body_digest(body: &RequestBody) -> Option<[u8; 32]> {
    let bytes: &[u8] = match body {
        RequestBody::Empty => b"",
        RequestBody::Whole { bytes, .. } => bytes,
        RequestBody::Stream { .. } | RequestBody::Redacted(_) => return None,
    };
    digest(&SHA256, bytes).as_ref().try_into().ok()
}

/// Takes the session cookie out of `Cookie`, and nothing else.
fn strip_session_cookie(headers: &mut HeaderMap) {
    let ours = |v: &HeaderValue| memchr::memmem::find(v.as_bytes(), b"hangu").is_some();
    if !headers.get_all(COOKIE).iter().any(ours) {
        return;
    }
    let kept: Vec<String> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .filter_map(cookie::strip)
        .collect();
    headers.remove(COOKIE);
    if let Ok(value) = HeaderValue::from_str(&kept.join("; "))
        && !kept.is_empty()
    {
        headers.insert(COOKIE, value);
    }
}

fn agrees_on_websocket(headers: &HeaderMap) -> bool {
    headers
        .get(UPGRADE)
        .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Takes out of an answer what concerns only the hop to the upstream, and what only the gateway may say.
fn inbound_headers(headers: &mut HeaderMap, upgraded: bool) {
    if headers.contains_key(CONNECTION) {
        let nominated: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .filter_map(|token| token.trim().parse().ok())
            .filter(|name| {
                !matches!(
                    *name,
                    CONNECTION | http::header::CONTENT_LENGTH | http::header::SET_COOKIE
                )
            })
            .collect();
        for name in nominated {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    remove_where(headers, |name| {
        is_hop(name) || name.as_str().starts_with("hangu-")
    });
    if upgraded {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
}

/// One request as it can be made again for another connection.
struct Outbound<'a> {
    parts: &'a mut Parts,
    path: &'a PathAndQuery,
    host: &'a str,
    tls: bool,
}

impl Outbound<'_> {
    /// The request for a connection; `keep` leaves the headers for a second try.
    fn request(
        &mut self,
        sender: &Sender,
        body: RequestBody,
        keep: bool,
    ) -> Result<Request<RequestBody>, Refusal> {
        let mut request = Request::new(body);
        *request.method_mut() = self.parts.method.clone();
        *request.headers_mut() = if keep {
            self.parts.headers.clone()
        } else {
            std::mem::take(&mut self.parts.headers)
        };
        match sender {
            Sender::Http1(_) => {
                *request.version_mut() = Version::HTTP_11;
                *request.uri_mut() = Uri::from(self.path.clone());
            }
            Sender::Http2(_) => {
                *request.version_mut() = Version::HTTP_2;
                request.headers_mut().remove(HOST);
                request.headers_mut().remove(CONNECTION);
                let mut uri = http::uri::Parts::default();
                uri.scheme = Some(if self.tls {
                    Scheme::HTTPS
                } else {
                    Scheme::HTTP
                });
                uri.authority = Some(Authority::try_from(self.host).map_err(|_| Refusal::BadHost)?);
                uri.path_and_query = Some(self.path.clone());
                *request.uri_mut() = Uri::from_parts(uri).map_err(|_| Refusal::Undecided)?;
            }
        }
        Ok(request)
    }
}

/// What a consistent hash goes by: the caller, or the address where nobody is identified.
fn hash_key(exchange: &Exchange, upstream: &Upstream, caller: &Caller) -> String {
    match upstream.settings.balance {
        Balance::RoundRobin | Balance::LeastConnections => String::new(),
        Balance::ConsistentHash if caller.is_nobody() => exchange.address().to_string(),
        Balance::ConsistentHash => caller.id.clone(),
    }
}

/// What became of one try.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one match, and the large one is the way back of a retry"
)]
enum Try {
    Answered(Box<(Response<Incoming>, Lease)>),
    /// Never sent: the request as it was.
    Back(RequestBody, HeaderMap),
    /// Perhaps read by the upstream.
    Broken,
    Slow,
}

async fn send(
    exchange: &Exchange,
    upstream: &Arc<Upstream>,
    caller: &Caller,
    parts: &mut Parts,
    path: &PathAndQuery,
    body: RequestBody,
    websocket: bool,
) -> Result<(Response<Incoming>, Lease), Refusal> {
    let repeatable = parts.method.is_safe() && body.is_empty() && !websocket;
    let key = hash_key(exchange, upstream, caller);
    let tls = upstream.settings.tls.is_some();
    let mut out = Outbound {
        parts,
        path,
        host: &exchange.host,
        tls,
    };
    let mut body = Some(body);
    let mut first: Option<Arc<Address>> = None;
    let mut fresh_only = false;
    for _try in 0..3 {
        let begun = clock::monotonic();
        let address = match (&first, fresh_only) {
            // A kept connection had gone stale: the address is not to blame.
            (Some(same), true) => Arc::clone(same),
            (not, _) => match upstream.choose(key.as_bytes(), not.as_ref(), begun) {
                Some(address) => address,
                None => break,
            },
        };
        let kept = if fresh_only {
            None
        } else {
            address.kept(begun)
        };
        let connected = match kept {
            Some(sender) => Ok((sender, Origin::Kept)),
            // Boxed: it is rare, and every request would keep room for a handshake.
            None => Box::pin(address.open(&upstream.connector))
                .await
                .map(|sender| (sender, Origin::Fresh)),
        };
        let (sender, origin) = match connected {
            Ok(connected) => connected,
            Err(error) => {
                tracing::warn!(address = %address.at, %error, "no connection to upstream");
                upstream.learn(&address, Outcome::Failed, std::time::Duration::ZERO);
                if first.is_some() {
                    break;
                }
                first = Some(address);
                fresh_only = false;
                continue;
            }
        };
        let Some(payload) = body.take() else { break };
        let request = out.request(&sender, payload, repeatable)?;
        match attempt(sender, &address, request, upstream).await {
            Try::Answered(answered) => {
                let down = matches!(answered.0.status().as_u16(), 502..=504);
                let outcome = if down {
                    Outcome::Failed
                } else {
                    Outcome::Answered
                };
                upstream.learn(&address, outcome, clock::monotonic().saturating_sub(begun));
                return Ok(*answered);
            }
            Try::Back(payload, headers) => {
                if !repeatable {
                    out.parts.headers = headers;
                }
                body = Some(payload);
                fresh_only = origin == Origin::Kept;
                if !fresh_only {
                    upstream.learn(
                        &address,
                        Outcome::Failed,
                        clock::monotonic().saturating_sub(begun),
                    );
                }
            }
            Try::Broken => {
                let stale = origin == Origin::Kept;
                if !stale {
                    upstream.learn(
                        &address,
                        Outcome::Failed,
                        clock::monotonic().saturating_sub(begun),
                    );
                }
                if !repeatable || (first.is_some() && !stale) {
                    return Err(Refusal::UpstreamFailed);
                }
                body = Some(RequestBody::Empty);
                fresh_only = stale;
            }
            Try::Slow => {
                upstream.learn(
                    &address,
                    Outcome::Failed,
                    clock::monotonic().saturating_sub(begun),
                );
                return Err(Refusal::UpstreamSlow);
            }
        }
        first = Some(address);
    }
    Err(Refusal::NoUpstream)
}

async fn attempt(
    sender: Sender,
    address: &Arc<Address>,
    request: Request<RequestBody>,
    upstream: &Upstream,
) -> Try {
    let answer_time = upstream.settings.answer_time;
    let sent = sender.send(address, request);
    match tokio::time::timeout(answer_time, sent).await {
        Err(_) => Try::Slow,
        Ok(Ok(answered)) => Try::Answered(Box::new(answered)),
        Ok(Err(SendError::NotSent(request))) => {
            let (parts, body) = request.into_parts();
            Try::Back(body, parts.headers)
        }
        Ok(Err(SendError::Broken(error))) => {
            tracing::debug!(address = %address.at, %error, "upstream broke off");
            Try::Broken
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_session_cookie_is_taken_out() {
        let mut headers = HeaderMap::new();
        headers.append(
            COOKIE,
            HeaderValue::from_static("a=1; __Host-hangu=secret; b=2"),
        );
        headers.append(COOKIE, HeaderValue::from_static("c=3;__Host-hangu=other"));
        strip_session_cookie(&mut headers);
        assert_eq!(headers[COOKIE], "a=1; b=2; c=3");
        let mut alone = HeaderMap::new();
        alone.insert(COOKIE, HeaderValue::from_static("__Host-hangu=secret"));
        strip_session_cookie(&mut alone);
        assert!(!alone.contains_key(COOKIE));
    }

    #[test]
    fn an_answer_cannot_speak_for_the_gateway() {
        let mut headers = HeaderMap::new();
        headers.insert("hangu-request-id", HeaderValue::from_static("forged"));
        headers.insert("connection", HeaderValue::from_static("x-hop"));
        headers.insert("x-hop", HeaderValue::from_static("1"));
        headers.insert("x-end", HeaderValue::from_static("1"));
        inbound_headers(&mut headers, false);
        assert_eq!(
            headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["x-end"]
        );
    }
}
