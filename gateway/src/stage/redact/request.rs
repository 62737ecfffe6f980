//! How a request is redacted on its way to the upstream: its query, its head, its body.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use hangu_redact::{BodyRedactor, Counts, Level, Rules, redact_header, redact_query};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_RANGE, HeaderName, HeaderValue};
use http::request::Parts as Head;

use super::{LIMITS, Plan, Said, describe_anew, parts as parts_of, read_as};
use crate::body::redacted::Redacted;
use crate::body::request::{BodyState, RequestBody};
use crate::config::Unreadable;
use crate::exchange::Exchange;
use crate::refusal::Refusal;

const OF_REQUESTS: Said = Said {
    coding: "the request's content coding is not known",
    codings: "the request has several content codings",
    untyped: "the request has no readable content type",
    media: "the request's content type is not redacted",
};

/// Takes what is personal out of a request, where the crossing asks for it. The path stays: it is what was decided on.
///
/// # Errors
/// `unredactable-request`, unless the portal passes what cannot be read.
pub fn request(
    exchange: &mut Exchange,
    plan: Plan,
    parts: &mut Head,
    body: RequestBody,
) -> Result<RequestBody, Refusal> {
    let Some(level) = plan.requests else {
        return Ok(body);
    };
    let rules = Arc::clone(&exchange.snapshot.configuration.redact.rules);
    let mut counts = Counts::default();
    if let Some(query) = &exchange.query {
        let redacted = redact_query(&rules, level, query);
        counts += redacted.summary.counts;
        if let Cow::Owned(masked) = redacted.value {
            let masked = String::from_utf8(masked).map_err(|_| Refusal::Undecided)?;
            exchange.forwarded_query = Some(masked);
        }
    }
    redact_head(&rules, level, &mut parts.headers, &mut counts);
    exchange.asked_counts = Some(Box::new(counts));
    let unreadable = exchange.portal()?.settings.unreadable;
    let redactor = match redactor(&parts.headers, &body, rules, level, unreadable) {
        Ok(None) => return Ok(body),
        Ok(Some(redactor)) => redactor,
        Err(why) if unreadable == Unreadable::Pass => {
            exchange.unread.push(why);
            return Ok(body);
        }
        Err(why) => return Err(Refusal::UnredactableRequest(why)),
    };
    describe_anew(&mut parts.headers);
    let state = exchange.sent.get_or_insert_default();
    match body {
        RequestBody::Whole { bytes, trailers } => whole(&bytes, trailers, redactor, state),
        body @ (RequestBody::Empty | RequestBody::Stream { .. } | RequestBody::Redacted(_)) => Ok(
            RequestBody::Redacted(Box::new(Redacted::new(body, redactor, Arc::clone(state)))),
        ),
    }
}

/// A body that is all there: what is wrong with it is known before any of it leaves.
fn whole(
    bytes: &[u8],
    trailers: Option<HeaderMap>,
    mut redactor: BodyRedactor,
    state: &BodyState,
) -> Result<RequestBody, Refusal> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let done = redactor
        .feed(bytes, &mut out)
        .and_then(|()| redactor.finish(&mut out));
    state.note_redactor(&redactor);
    done.map_err(|error| {
        tracing::debug!(%error, "body not redacted");
        Refusal::UnredactableRequest(
            "the body is not what its type or coding says, or has a part that cannot be read",
        )
    })?;
    Ok(RequestBody::Whole {
        bytes: Bytes::from(out),
        trailers,
    })
}

/// What redacts a body, where there is one; or why it cannot be read.
fn redactor(
    headers: &HeaderMap,
    body: &RequestBody,
    rules: Arc<Rules>,
    level: Level,
    unreadable: Unreadable,
) -> Result<Option<BodyRedactor>, &'static str> {
    if body.is_empty() {
        return Ok(None);
    }
    if headers.contains_key(CONTENT_RANGE) {
        return Err("the request is a part of a document, which is not redacted");
    }
    let (content, coding) = read_as(headers, &OF_REQUESTS)?;
    let unreadable = parts_of(unreadable);
    Ok(Some(BodyRedactor::of(
        rules, level, content, coding, LIMITS, unreadable,
    )))
}

/// Masks what is personal in the head. Credentials stay, and what two programs agree on a WebSocket with.
fn redact_head(rules: &Arc<Rules>, level: Level, headers: &mut HeaderMap, counts: &mut Counts) {
    let stays =
        |name: &HeaderName| *name == AUTHORIZATION || name.as_str().starts_with("sec-websocket-");
    for (name, value) in headers.iter_mut().filter(|(name, _)| !stays(name)) {
        let redacted = redact_header(rules, level, name.as_str(), value.as_bytes());
        *counts += redacted.summary.counts;
        if let Cow::Owned(masked) = &redacted.value {
            // Masks are ASCII; what could be no header is nothing.
            *value = HeaderValue::from_bytes(masked).unwrap_or(HeaderValue::from_static(""));
        }
    }
}

#[cfg(test)]
mod tests {
    use hangu_redact::Kind;

    use super::*;

    #[test]
    fn a_head_loses_what_is_personal_and_keeps_its_credentials() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Basic 13812345678"),
            ("referer", "https://a.example/x?phone=13812345678"),
            ("sec-websocket-key", "13812345678"),
            ("x-phone", "13812345678"),
            ("host", "portal.gov.example"),
        ] {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let mut counts = Counts::default();
        redact_head(&Rules::shipped(), Level::L2, &mut headers, &mut counts);
        assert_eq!(headers["authorization"], "Basic 13812345678");
        assert_eq!(headers["sec-websocket-key"], "13812345678");
        assert_eq!(headers["referer"], "https://a.example/x?phone=138****5678");
        assert_eq!(headers["x-phone"], "138****5678");
        assert_eq!(counts.get(Kind::Mobile), 2);
    }
}
