//! What in a request looks like an attack. The head before the decision, the body after it.
//!
//! A body is only read for callers that may send one here: reading it for everybody would be a way to keep the
//! gateway busy without any right.

use std::sync::Arc;

use hangu_inspect::{Completeness, Head};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use hyper::body::{Body as _, Incoming};
use smallvec::SmallVec;

use crate::body::request::{BodyBounds, Bounded, RequestBody};
use crate::config::{InspectMode, Unreadable};
use crate::exchange::Exchange;
use crate::refusal::Refusal;

/// Inspects path, query and headers.
///
/// # Errors
/// `attack`, where the portal blocks.
pub fn head(exchange: &mut Exchange, parts: &Parts) -> Result<(), Refusal> {
    let snapshot = Arc::clone(&exchange.snapshot);
    let portal = Arc::clone(exchange.portal()?);
    let settings = &portal.settings.inspect;
    if settings.mode == InspectMode::Off {
        return Ok(());
    }
    let headers: SmallVec<[(&str, &[u8]); 24]> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let head = Head {
        method: parts.method.as_str(),
        target_path: parts.uri.path().as_bytes(),
        query: parts.uri.query().map(str::as_bytes),
        headers: &headers,
    };
    let verdict = snapshot
        .inspector
        .with_sensitivity(settings.sensitivity)
        .head(&head);
    let blocks = settings.mode == InspectMode::Block && verdict.blocks(settings.threshold);
    exchange.verdict = verdict;
    if blocks { Err(Refusal::Attack) } else { Ok(()) }
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
    if incoming.is_end_stream() {
        return Ok(RequestBody::Empty);
    }
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
            exchange.unread = Some("grpc-body");
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
        exchange.unread = Some("body-over-bound");
    }
    match snapshot
        .inspector
        .with_sensitivity(settings.sensitivity)
        .body(
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
            exchange.unread = Some("undecodable-body");
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

fn text<'a>(parts: &'a Parts, name: &http::HeaderName) -> Option<&'a str> {
    parts.headers.get(name).and_then(|v| v.to_str().ok())
}
