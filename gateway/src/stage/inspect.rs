//! What in a request looks like an attack. The head before the decision, the body after it.
//!
//! A body is only read for callers that may send one here: reading it for everybody would be a way to keep the
//! gateway busy without any right.

use std::borrow::Cow;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use hangu_inspect::openapi;
use hangu_inspect::seclang::{Connection, RequestHead, judge};
use hangu_inspect::{Completeness, Head, Inspector};
use http::Version;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use hyper::body::{Body as _, Incoming};
use smallvec::SmallVec;

use crate::body::request::{BodyBounds, Bounded, RequestBody};
use crate::canon;
use crate::config::{InspectMode, Unreadable};
use crate::exchange::Exchange;
use crate::refusal::Refusal;
use crate::snapshot::Portal;

/// Matches of rules that an event keeps. Chosen: more say nothing new.
const RULED: usize = 16;

/// Inspects path, query and headers.
///
/// # Errors
/// `attack`, where the portal blocks.
pub fn head(exchange: &mut Exchange, parts: &Parts) -> Result<(), Refusal> {
    let portal = Arc::clone(exchange.portal()?);
    let settings = &portal.settings.inspect;
    if settings.mode == InspectMode::Off {
        return Ok(());
    }
    let headers = header_slices(parts);
    // What will be forwarded: a detour that is resolved within the root is no attack, and one above it was refused.
    let path = canon::encode(&exchange.path);
    let head = Head {
        method: parts.method.as_str(),
        target_path: path.as_bytes(),
        query: parts.uri.query().map(str::as_bytes),
        headers: &headers,
    };
    let verdict = inspector(exchange, &portal).head(&head);
    let blocks = settings.mode == InspectMode::Block && verdict.blocks(settings.threshold);
    exchange.verdict = verdict;
    if blocks { Err(Refusal::Attack) } else { Ok(()) }
}

/// The inspector as the portal wants it, for this request.
pub fn inspector(exchange: &Exchange, portal: &Portal) -> Inspector {
    let inspector = &exchange.snapshot.inspector;
    let exceptions = portal.exceptions(&exchange.path, exchange.connection.zone, exchange.begun_ms);
    inspector
        .with_sensitivity(portal.settings.inspect.sensitivity)
        .with_exceptions(exceptions)
        .with_honeypots(portal.settings.inspect.honeypots.clone())
}

/// The body of a request that has none; or the body, back.
pub fn no_body(incoming: Incoming) -> Result<RequestBody, Incoming> {
    if incoming.is_end_stream() {
        Ok(RequestBody::Empty)
    } else {
        Err(incoming)
    }
}

/// Bounds the body, and inspects its begin.
///
/// # Errors
/// `attack`, `uninspectable-body`, and what breaks a body off.
pub async fn body(
    exchange: &mut Exchange,
    parts: &Parts,
    incoming: Incoming,
) -> Result<RequestBody, Refusal> {
    let snapshot = Arc::clone(&exchange.snapshot);
    let portal = Arc::clone(exchange.portal()?);
    let zone = snapshot
        .zone(exchange.connection.zone)
        .ok_or(Refusal::Undecided)?;
    let bounds = BodyBounds {
        size: portal.settings.body_size,
        time: zone.settings.bounds.body_time,
        rate: zone.settings.bounds.body_rate,
    };
    if incoming.size_hint().lower() > bounds.size {
        return Err(Refusal::BodyTooLarge);
    }
    let mut body = Bounded::new(incoming, bounds);
    exchange.sent = Some(Arc::clone(body.state()));
    let settings = &portal.settings.inspect;
    let media = text(parts, &CONTENT_TYPE);
    if settings.mode == InspectMode::Off || media.is_some_and(|m| m.starts_with("application/grpc"))
    {
        if settings.mode != InspectMode::Off {
            exchange.unread.push("grpc-body");
        }
        return Ok(RequestBody::Stream {
            begin: bytes::Bytes::new(),
            rest: Box::new(body),
        });
    }
    let begin = body.head(settings.body).await?;
    let completeness = if begin.whole {
        Completeness::Whole
    } else {
        Completeness::Truncated
    };
    if !begin.whole {
        if settings.over_bound == Unreadable::Refuse {
            return Err(Refusal::Uninspectable(
                "the body is larger than the bound of inspection",
            ));
        }
        exchange.unread.push("body-over-bound");
    }
    match inspector(exchange, &portal).body(
        media,
        text(parts, &CONTENT_ENCODING),
        &begin.bytes,
        completeness,
    ) {
        Ok(verdict) => exchange.verdict.merge(verdict),
        Err(undecodable) => {
            tracing::debug!(?undecodable, "body not decoded");
            if settings.undecodable == Unreadable::Refuse {
                return Err(Refusal::Uninspectable("the body cannot be decoded"));
            }
            exchange.unread.push("undecodable-body");
        }
    }
    if settings.mode == InspectMode::Block && exchange.verdict.blocks(settings.threshold) {
        return Err(Refusal::Attack);
    }
    Ok(if begin.whole {
        RequestBody::Whole {
            bytes: begin.bytes,
            trailers: begin.trailers,
        }
    } else {
        RequestBody::Stream {
            begin: begin.bytes,
            rest: Box::new(body),
        }
    })
}

/// Lets the rules in SecLang that the portal names judge what is about to be forwarded.
///
/// They run once a caller may do what is asked: they cost more than everything before them. What those in shadow find
/// is noted, and nothing else becomes of it.
///
/// # Errors
/// `attack`, where a rule refuses and the portal blocks.
pub fn rules(exchange: &mut Exchange, parts: &Parts, body: &RequestBody) -> Result<(), Refusal> {
    let portal = Arc::clone(exchange.portal()?);
    let settings = &portal.settings.inspect;
    let none = portal.rules.is_empty() && portal.shadow.is_empty();
    if none || settings.mode == InspectMode::Off {
        return Ok(());
    }
    let headers = header_slices(parts);
    let mut target = canon::encode(&exchange.path).into_owned();
    if let Some(query) = parts.uri.query() {
        target.push('?');
        target.push_str(query);
    }
    let zone = exchange.snapshot.zone(exchange.connection.zone);
    let listens = zone.and_then(|zone| zone.settings.listen.first().copied());
    let server = listens.unwrap_or_else(|| (Ipv6Addr::UNSPECIFIED, 443).into());
    let connection = Connection {
        client: exchange.address(),
        client_port: exchange.connection.client.port(),
        server: server.ip(),
        server_port: server.port(),
        now: Duration::from_millis(exchange.begun_ms),
        id: exchange.id.as_str(),
        place: &[],
        listed: &[],
    };
    let head = RequestHead {
        method: parts.method.as_str().as_bytes(),
        target: target.as_bytes(),
        protocol: protocol(parts.version),
        headers: &headers,
    };
    let (bytes, completeness): (&[u8], _) = match body {
        RequestBody::Empty => (&[], Completeness::Whole),
        RequestBody::Whole { bytes, .. } => (bytes, Completeness::Whole),
        RequestBody::Stream { begin, .. } => (begin, Completeness::Truncated),
        // Redaction comes after inspection.
        RequestBody::Redacted(_) => (&[], Completeness::Truncated),
    };
    let coding = text(parts, &CONTENT_ENCODING);
    let mut refused = false;
    for rules in &portal.rules {
        let outcome = judge(rules, &connection, &head, coding, bytes, completeness);
        refused |= outcome.interruption.is_some();
        let room = RULED.saturating_sub(exchange.ruled.len());
        exchange
            .ruled
            .extend(outcome.matches.into_iter().take(room));
    }
    // Also of what was refused: new rules are compared with those that count.
    for rules in &portal.shadow {
        let outcome = judge(rules, &connection, &head, coding, bytes, completeness);
        let room = RULED.saturating_sub(exchange.shadowed.len());
        exchange
            .shadowed
            .extend(outcome.matches.into_iter().take(room));
    }
    if refused && settings.mode == InspectMode::Block {
        return Err(Refusal::Attack);
    }
    Ok(())
}

/// Holds what is about to be forwarded against the portal's OpenAPI document.
///
/// # Errors
/// `not-described`, where the portal blocks; `uninspectable-body`, where the body is too large to be held against it.
pub fn described(
    exchange: &mut Exchange,
    parts: &Parts,
    body: &RequestBody,
) -> Result<(), Refusal> {
    let portal = Arc::clone(exchange.portal()?);
    let settings = &portal.settings.inspect;
    let Some(document) = portal
        .openapi
        .as_ref()
        .filter(|_| settings.mode != InspectMode::Off)
    else {
        return Ok(());
    };
    let headers = header_slices(parts);
    // A body that is passed unread is no reason to leave path, method and parameters unchecked.
    let plain = match body {
        RequestBody::Empty => Some(Cow::Borrowed(&[][..])),
        RequestBody::Whole { bytes, .. } => {
            hangu_inspect::plain(text(parts, &CONTENT_ENCODING), bytes).ok()
        }
        RequestBody::Stream { .. } | RequestBody::Redacted(_)
            if settings.over_bound == Unreadable::Pass =>
        {
            None
        }
        RequestBody::Stream { .. } | RequestBody::Redacted(_) => {
            return Err(Refusal::Uninspectable(
                "the body is too large to be held against the OpenAPI document",
            ));
        }
    };
    let departures = document.check(&openapi::Request {
        method: parts.method.as_str(),
        path: &canon::encode(&exchange.path),
        query: parts.uri.query().map(str::as_bytes),
        headers: &headers,
        body: plain.as_deref(),
    });
    if departures.is_empty() {
        return Ok(());
    }
    exchange.departures = departures.iter().map(ToString::to_string).collect();
    if settings.mode == InspectMode::Block {
        return Err(Refusal::NotDescribed);
    }
    Ok(())
}

fn header_slices(parts: &Parts) -> SmallVec<[(&str, &[u8]); 24]> {
    let headers = parts.headers.iter();
    headers
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}

const fn protocol(version: Version) -> &'static [u8] {
    match version {
        Version::HTTP_10 => b"HTTP/1.0",
        Version::HTTP_2 => b"HTTP/2.0",
        _ => b"HTTP/1.1",
    }
}

fn text<'a>(parts: &'a Parts, name: &http::HeaderName) -> Option<&'a str> {
    parts.headers.get(name).and_then(|v| v.to_str().ok())
}
