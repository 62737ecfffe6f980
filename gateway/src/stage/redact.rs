//! How an answer is redacted: the level, what the request must ask for, what the answer must look like.

mod request;

pub use request::request;

use std::borrow::Cow;
use std::sync::Arc;

use hangu_policy::{Permit, RedactLevel};
use hangu_redact::{
    BodyRedactor, Coding, Content, Counts, Level, Limits, Media, Recipient, Rules,
    Unreadable as Parts, Watermark, redact_header,
};
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, IF_RANGE, RANGE, SEC_WEBSOCKET_EXTENSIONS,
};
use http::request::Parts as Head;
use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::{Body as _, Incoming};

use crate::body::leaks;
use crate::config::{InspectResponses, Unreadable};
use crate::discovery::Sampling;
use crate::exchange::Exchange;
use crate::messages;
use crate::refusal::Refusal;
use crate::stage::forward::Answer;
use crate::upstream::pool::Lease;

/// What the decision asks of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    level: Option<Level>,
    /// What it asks of the request.
    requests: Option<Level>,
    head_only: bool,
    /// Whether the answer is marked for its recipient.
    marked: bool,
    /// Whether the answer is a sample of what the portal's fields carry.
    sampled: bool,
}

/// An answer that is ready to be passed on.
pub struct Prepared {
    /// Its head, and the upstream's body.
    pub response: Response<Incoming>,
    /// What redacts the body.
    pub redactor: Option<Box<BodyRedactor>>,
    /// What tries another level on it, which changes nothing.
    pub trial: Option<(Level, Box<BodyRedactor>)>,
    /// What takes a sample of it.
    pub sampling: Option<Box<Sampling>>,
    /// The upstream's connection.
    pub lease: Lease,
    /// The other half of an upgraded connection, on its way.
    pub upgraded: bool,
}

/// Bounds on what a compressed answer may grow to. Chosen: honest text compresses up to about 1 : 200.
const LIMITS: Limits = Limits {
    max_inflated_ratio: 1_000,
    max_inflated_bytes: 64 << 30,
};

const fn level_of(level: RedactLevel) -> Level {
    match level {
        RedactLevel::L1 => Level::L1,
        RedactLevel::L2 => Level::L2,
        RedactLevel::L3 => Level::L3,
        RedactLevel::L4 => Level::L4,
    }
}

/// The level, the strictest of what the decision and the crossing ask for; and a request that can be redacted.
pub fn plan(exchange: &mut Exchange, permit: &Permit, parts: &mut Head) -> Plan {
    let asked = permit.obligations().redact.map(level_of);
    let crossing = exchange.portal().ok().and_then(|portal| {
        let (from, to) = (exchange.connection.zone, portal.settings.zone);
        exchange.snapshot.crossing(from, to)
    });
    let level = asked.max(crossing.and_then(|crossing| crossing.redact));
    let requests = crossing.and_then(|crossing| crossing.redact_requests);
    if let Some(decided) = &mut exchange.decision {
        decided.redact = level;
        decided.redact_requests = requests;
    }
    if messages::are_read(exchange) {
        // What extensions make of messages, compression most of all, is not undone.
        parts.headers.remove(SEC_WEBSOCKET_EXTENSIONS);
    }
    let marked = permit.obligations().watermark;
    if level.is_some() || marked {
        parts.headers.remove(RANGE);
        parts.headers.remove(IF_RANGE);
        limit_codings(parts);
    }
    let sampled = exchange.portal().is_ok_and(|portal| {
        let discovery = &exchange.gateway.discovery;
        discovery.wants(&portal.settings.name, &exchange.path, exchange.begun_ms)
    });
    let read = exchange
        .portal()
        .is_ok_and(|portal| leaks::wants_plain(&portal.settings.inspect));
    if sampled || read {
        let identity = HeaderValue::from_static("identity");
        parts.headers.insert(ACCEPT_ENCODING, identity);
    }
    Plan {
        level,
        requests,
        head_only: parts.method == Method::HEAD,
        marked,
        sampled,
    }
}

/// Asks the upstream only for codings that redaction can undo, and only for those the client takes.
fn limit_codings(parts: &mut Head) {
    let accepted = |coding: &str| {
        parts
            .headers
            .get_all(ACCEPT_ENCODING)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .any(|item| {
                let mut pieces = item.split(';');
                let name = pieces.next().unwrap_or_default().trim();
                let refused =
                    pieces.any(|p| matches!(p.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
                name.eq_ignore_ascii_case(coding) && !refused
            })
    };
    let value = match (accepted("gzip"), accepted("br"), accepted("zstd")) {
        (true, true, true) => "gzip, br, zstd",
        (true, true, false) => "gzip, br",
        (true, false, true) => "gzip, zstd",
        (true, false, false) => "gzip",
        (false, true, true) => "br, zstd",
        (false, true, false) => "br",
        (false, false, true) => "zstd",
        (false, false, false) if accepted("deflate") => "deflate",
        (false, false, false) => "identity",
    };
    parts
        .headers
        .insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
}

/// Why an answer cannot be redacted, or how it is.
enum Reading {
    Redactor(Box<BodyRedactor>),
    NoBody,
}

fn reading(
    response: &Response<Incoming>,
    redaction: Option<(Arc<Rules>, Level, Parts)>,
    mark: Option<Watermark>,
    head_only: bool,
) -> Result<Reading, &'static str> {
    // What follows a switch of protocols is no body; its messages are read.
    let no_content = matches!(
        response.status(),
        StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    if head_only || no_content || response.body().is_end_stream() {
        return Ok(Reading::NoBody);
    }
    if response.status() == StatusCode::PARTIAL_CONTENT {
        return Err("a part of a document is not redacted");
    }
    let (content, coding) = read_as(response.headers(), &OF_ANSWERS)?;
    let redactor = match (mark, redaction) {
        (None, None) => return Ok(Reading::NoBody),
        (None, Some((rules, level, unreadable))) => {
            BodyRedactor::of(rules, level, content, coding, LIMITS, unreadable)
        }
        (Some(mark), redaction) => {
            BodyRedactor::marked(redaction, mark, content, coding, LIMITS)
                .map_err(|_| "no watermark can stand in an answer of this type")?
        }
    };
    Ok(Reading::Redactor(Box::new(redactor)))
}

/// What marks an answer for whoever asked: by the caller's name, or the address of nobody. Answers that are no success
/// are no exports.
fn mark(exchange: &Exchange, plan: Plan, status: StatusCode) -> Result<Option<Watermark>, Refusal> {
    if !plan.marked {
        return Ok(None);
    }
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Refusal::Unredactable(
            "an upgraded connection carries no watermark",
        ));
    }
    // A permit with this obligation is given only where there is a key.
    let Some(marking) = &exchange.snapshot.configuration.redact.watermark else {
        return Err(Refusal::Obligation);
    };
    let caller = exchange.caller();
    let recipient = if caller.is_nobody() {
        Recipient::named(&marking.key, &exchange.address().to_string())
    } else {
        Recipient::named(&marking.key, &caller.id)
    };
    Ok(status.is_success().then(|| Watermark {
        key: Arc::clone(&marking.key),
        recipient,
        carriers: marking.carriers,
    }))
}

/// What is said of bodies that cannot be read.
struct Said {
    coding: &'static str,
    codings: &'static str,
    untyped: &'static str,
    media: &'static str,
}

const OF_ANSWERS: Said = Said {
    coding: "the answer's content coding is not known",
    codings: "the answer has several content codings",
    untyped: "the answer has no readable content type",
    media: "the answer's content type is not redacted",
};

/// What a body is by its head; or why it cannot be read.
fn read_as(headers: &HeaderMap, said: &Said) -> Result<(Content, Coding), &'static str> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let coding = match (codings.next(), codings.next()) {
        (None, _) => Coding::Identity,
        (Some(one), None) => one
            .to_str()
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .ok_or(said.coding)?,
        (Some(_), Some(_)) => return Err(said.codings),
    };
    let media = headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .ok_or(said.untyped)?;
    let content = Content::from_content_type(media).map_err(|_| said.media)?;
    Ok((content, coding))
}

/// Makes an answer ready: its body gets a redactor, its head says nothing any more about the body as it was.
///
/// # Errors
/// `unredactable-answer`, unless the portal passes what cannot be read.
pub fn prepare(exchange: &mut Exchange, plan: Plan, answer: Answer) -> Result<Prepared, Refusal> {
    let Answer {
        mut response,
        lease,
        upgraded,
    } = answer;
    let portal = Arc::clone(exchange.portal()?);
    if upgraded
        && response.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS)
        && messages::are_read(exchange)
    {
        // Nobody offered one.
        return Err(Refusal::UpstreamFailed);
    }
    if leaks::is_coded(&portal.settings.inspect, response.headers())
        && !plan.head_only
        && !response.body().is_end_stream()
    {
        const WHY: &str =
            "the answer came with a content coding, and cannot be read for what it gives away";
        let withholds = portal.settings.inspect.responses == InspectResponses::Block;
        if withholds && portal.settings.unreadable == Unreadable::Refuse {
            return Err(Refusal::Unredactable(WHY));
        }
        exchange.unread.push(WHY);
    }
    let (sampling, trial) = (
        sampling(exchange, plan, &response),
        trial(exchange, plan, &response),
    );
    let mark = mark(exchange, plan, response.status())?;
    if plan.level.is_none() && mark.is_none() {
        return Ok(Prepared {
            response,
            redactor: None,
            trial,
            sampling,
            lease,
            upgraded,
        });
    }
    let rules = Arc::clone(&exchange.snapshot.configuration.redact.rules);
    let parts = parts(portal.settings.unreadable);
    if let Some(level) = plan.level {
        redact_head(exchange, &rules, level, response.headers_mut());
    }
    let redaction = plan.level.map(|level| (rules, level, parts));
    let redactor = match reading(&response, redaction, mark, plan.head_only) {
        Ok(Reading::Redactor(redactor)) => Some(redactor),
        Ok(Reading::NoBody) => None,
        Err(why) if portal.settings.unreadable == Unreadable::Pass => {
            exchange.unread.push(why);
            return Ok(Prepared {
                response,
                redactor: None,
                trial: None,
                sampling: None,
                lease,
                upgraded,
            });
        }
        Err(why) => return Err(Refusal::Unredactable(why)),
    };
    if redactor.is_some() || plan.head_only {
        describe_anew(response.headers_mut());
    }
    Ok(Prepared {
        response,
        redactor,
        trial,
        sampling,
        lease,
        upgraded,
    })
}

/// What tries the portal's other level on an answer, where that is stricter than what is in force. An answer that it
/// cannot read says nothing.
fn trial(
    exchange: &Exchange,
    plan: Plan,
    response: &Response<Incoming>,
) -> Option<(Level, Box<BodyRedactor>)> {
    let level = exchange.portal().ok()?.settings.redact_trial;
    let level = level.filter(|level| plan.level.is_none_or(|present| present < *level))?;
    let rules = Arc::clone(&exchange.snapshot.configuration.redact.rules);
    let redaction = Some((rules, level, Parts::Pass));
    match reading(response, redaction, None, plan.head_only) {
        Ok(Reading::Redactor(redactor)) => Some((level, redactor)),
        Ok(Reading::NoBody) | Err(_) => None,
    }
}

/// What takes a sample of an answer, where it can be read as it stands.
fn sampling(
    exchange: &Exchange,
    plan: Plan,
    response: &Response<Incoming>,
) -> Option<Box<Sampling>> {
    let headers = response.headers();
    if !plan.sampled
        || response.status() != StatusCode::OK
        || headers.contains_key(CONTENT_ENCODING)
    {
        return None;
    }
    let media = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media = Media::from_content_type(media).ok()?;
    let portal = exchange.portal().ok()?;
    Some(Box::new(Sampling::new(
        &portal.settings.name,
        &exchange.path,
        media,
        plan.level,
        Arc::clone(&exchange.snapshot.configuration.redact.rules),
        exchange.begun_ms,
    )))
}

/// What becomes of parts that cannot be read.
const fn parts(unreadable: Unreadable) -> Parts {
    match unreadable {
        Unreadable::Refuse => Parts::Refuse,
        Unreadable::Pass => Parts::Pass,
    }
}

/// Masks what is personal in the head of an answer: redirects and cookies most of all.
fn redact_head(exchange: &mut Exchange, rules: &Arc<Rules>, level: Level, headers: &mut HeaderMap) {
    let mut counts = Counts::default();
    for (name, value) in headers.iter_mut() {
        let redacted = redact_header(rules, level, name.as_str(), value.as_bytes());
        counts += redacted.summary.counts;
        if let Cow::Owned(masked) = &redacted.value {
            // Masks are ASCII; what could be no header is nothing.
            *value = HeaderValue::from_bytes(masked).unwrap_or(HeaderValue::from_static(""));
        }
    }
    if counts.total() > 0 {
        exchange.head_counts = Some(Box::new(counts));
    }
}

/// Drops or weakens what described the bytes before redaction.
fn describe_anew(headers: &mut HeaderMap) {
    const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
    const DIGEST: HeaderName = HeaderName::from_static("digest");
    const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
    const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
    for name in [
        CONTENT_LENGTH,
        ACCEPT_RANGES,
        CONTENT_MD5,
        DIGEST,
        CONTENT_DIGEST,
        REPR_DIGEST,
    ] {
        headers.remove(name);
    }
    if let Some(tag) = headers.get(ETAG)
        && !tag.as_bytes().starts_with(b"W/")
    {
        let weak = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat());
        match weak {
            Ok(weak) => {
                headers.insert(ETAG, weak);
            }
            Err(_) => {
                headers.remove(ETAG);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upstream_is_asked_for_no_coding_that_the_client_or_redaction_does_not_take() {
        for (sent, asked) in [
            (Some("gzip, deflate, br, zstd"), "gzip, br, zstd"),
            (Some("gzip, deflate, br"), "gzip, br"),
            (Some("br;q=1.0, gzip;q=0"), "br"),
            (Some("zstd"), "zstd"),
            (Some("compress"), "identity"),
            (Some("*"), "identity"),
            (None, "identity"),
        ] {
            let mut request = http::Request::new(());
            if let Some(sent) = sent {
                request
                    .headers_mut()
                    .insert(ACCEPT_ENCODING, HeaderValue::from_static(sent));
            }
            let mut parts = request.into_parts().0;
            limit_codings(&mut parts);
            assert_eq!(parts.headers[ACCEPT_ENCODING], asked, "{sent:?}");
        }
    }

    #[test]
    fn a_redacted_answer_no_longer_describes_the_bytes_it_had() {
        let mut headers = http::HeaderMap::new();
        headers.insert(ETAG, HeaderValue::from_static("\"abc\""));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("10"));
        headers.insert("content-digest", HeaderValue::from_static("sha-256=:x:"));
        describe_anew(&mut headers);
        assert_eq!(headers[ETAG], "W/\"abc\"");
        assert_eq!(headers.len(), 1);
    }
}
