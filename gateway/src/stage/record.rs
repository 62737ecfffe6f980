//! One event for every request, sign-in and connection that never became a request: when it is written, and what waits
//! for it. What it says is `event`'s.

mod counts;
mod event;
mod noted;
pub mod ruled;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hangu_audit::event::{
    Authentication, Endpoint, Event, Logon, Response as EventResponse, Severity, Status, What,
};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::body::leaks::Leaks;
use crate::body::response::{BrokenOff, Parts, ResponseBody, Stream};
use crate::clock;
use crate::config::Record;
use crate::connection::TlsFacts;
use crate::exchange::{Ending, Exchange};
use crate::gateway::Gateway;
use crate::id::Id;
use crate::journal::NotRecorded;
use crate::messages::{Reading, ended};
use crate::refusal::Refusal;
use crate::stage::limit::Held;
use crate::stage::redact::Prepared;
use crate::streams::Stay;
use crate::tunnel;
use crate::watch::Seen;
use event::{event, masked, tls_of};
pub use event::{grounds, timestamp};

/// Nothing is served that could not be recorded.
///
/// # Errors
/// `event-not-recorded`.
pub fn possible(exchange: &Exchange) -> Result<(), Refusal> {
    if exchange.gateway.journal.accepts() {
        Ok(())
    } else {
        Err(Refusal::NoRecord)
    }
}

/// Counts the end of an exchange, which is now; no request is in progress any more.
fn end(exchange: &mut Exchange, ending: &Ending) {
    let now = clock::monotonic();
    count(exchange, ending, now);
    exchange.ended_after = Some(now.saturating_sub(exchange.begun));
    if let Some(progress) = exchange.progress.take() {
        progress.end(now);
    }
}

fn count(exchange: &Exchange, ending: &Ending, now: Duration) {
    let gateway = &exchange.gateway;
    let Some(zone) = gateway.metrics.zone(exchange.connection.zone) else {
        return;
    };
    let redacted = ending.redacted().map_or(0, |s| s.counts.total());
    match ending.refusal() {
        Some(_) => zone.refused.inc(),
        None => zone.allowed.inc(),
    };
    gateway
        .metrics
        .ended(now.saturating_sub(exchange.begun).as_secs_f64(), redacted);
}

/// Records the end of an exchange within milliseconds, without waiting.
pub fn soon(mut exchange: Box<Exchange>, ending: Ending) {
    end(&mut exchange, &ending);
    let gateway = Arc::clone(&exchange.gateway);
    let ordinary = is_ordinary(&exchange, &ending);
    if ordinary && may_only_count(&exchange) {
        gateway.tower.see_ordinary(&exchange);
    } else if ordinary && !gateway.tower.is_listened_to() {
        // Most requests: what detectors want to know of them fits in a few words, and the rest ends here and not on
        // another thread.
        event(&exchange, &ending, |record| gateway.journal.quietly(record));
        gateway.tower.see_ordinary(&exchange);
    } else {
        let record = event(&exchange, &ending, <[u8]>::to_vec);
        gateway.journal.soon(&record, Seen::new(exchange, ending));
    }
}

/// What the portal wants recorded.
fn records(exchange: &Exchange) -> Record {
    exchange
        .portal()
        .map_or(Record::Buffered, |portal| portal.settings.record)
}

/// Whether an exchange that ended as exchanges should need not be recorded: the portal wants exceptions only, and this
/// is none. What may have changed something, what was passed unread, what comes from somebody under suspicion, and what
/// the policy wants recorded is one.
fn may_only_count(exchange: &Exchange) -> bool {
    let wanted = exchange
        .decision
        .as_ref()
        .is_none_or(|decided| decided.obligations.log_full);
    records(exchange) == Record::Exceptions
        && exchange.method.is_safe()
        && exchange.unread.is_empty()
        && exchange.risk == 0
        && !wanted
}

/// Whether an exchange ended as exchanges should: no detector looks further than at who came from where.
fn is_ordinary(exchange: &Exchange, ending: &Ending) -> bool {
    match ending {
        Ending::Answered {
            status, redacted, ..
        } => {
            status.as_u16() < 400
                && redacted.as_ref().is_none_or(|r| r.counts.total() == 0)
                && exchange.head_counts.is_none()
                && exchange.tried.is_none()
                && !exchange.is_noted()
        }
        Ending::BrokenOff { .. }
        | Ending::Streamed { .. }
        | Ending::Closed { .. }
        | Ending::Refused(_)
        | Ending::Own(_) => false,
    }
}

/// Records the end of a WebSocket whose messages were read. It was counted as a request when it began.
pub fn closed(exchange: Box<Exchange>, ending: Ending) {
    let gateway = Arc::clone(&exchange.gateway);
    let redacted = ending.redacted().map_or(0, |s| s.counts.total());
    gateway.metrics.told(redacted);
    if let Some(refusal) = ending.refusal() {
        gateway.metrics.refused(refusal);
    }
    let record = event(&exchange, &ending, <[u8]>::to_vec);
    gateway.journal.soon(&record, Seen::new(exchange, ending));
}

/// What is left to do at the end of an answer whose event was written before it began.
pub fn after(number: u64, mut exchange: Box<Exchange>, ending: Ending) {
    end(&mut exchange, &ending);
    let tower = Arc::clone(&exchange.gateway.tower);
    tower.see(number, Seen::new(exchange, ending));
}

/// Records and waits until the event is on disk, where the portal asks for that; else within milliseconds.
///
/// # Errors
/// When the event could not be recorded.
pub async fn now(mut exchange: Box<Exchange>, ending: Ending) -> Result<(), NotRecorded> {
    if records(&exchange) != Record::BeforeResponse {
        soon(exchange, ending);
        return Ok(());
    }
    end(&mut exchange, &ending);
    let record = event(&exchange, &ending, <[u8]>::to_vec);
    let gateway = Arc::clone(&exchange.gateway);
    gateway
        .journal
        .durable(&record, Some(Seen::new(exchange, ending)))
        .await
        .map(|_| ())
}

/// Sends a prepared answer on its way; its event follows at its end, or goes before it where the portal says so.
pub async fn on_the_way(
    exchange: Box<Exchange>,
    prepared: Prepared,
    held: Held,
) -> Response<ResponseBody> {
    let Prepared {
        response,
        redactor,
        trial,
        sampling,
        lease,
        upgraded,
    } = prepared;
    let (mut parts, incoming) = response.into_parts();
    rate_fields(&mut parts.headers, &held);
    let Ok(portal) = exchange.portal().map(Arc::clone) else {
        return Response::from_parts(parts, ResponseBody::Full(bytes::Bytes::new()));
    };
    let status = parts.status;
    let waits = portal.settings.record == Record::BeforeResponse;
    let stay = tunnel::stay(&exchange, &parts, upgraded);
    if upgraded {
        return Box::pin(upgrade(exchange, parts, stay, (held, lease))).await;
    }
    let long = stay.is_some()
        && parts
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|v| v.as_bytes().starts_with(b"text/event-stream"));
    let end = stay
        .as_ref()
        .map(|stay| Box::pin(stay.end().clone().cancelled_owned()));
    let leaks = Leaks::of(&portal.settings.inspect, status, &parts.headers);
    let mut stream = Stream::new(Parts {
        incoming,
        redactor,
        trial,
        leaks,
        sampling,
        status,
        idle: portal.upstream.settings.idle_time,
        end,
        lease,
        held: (held, stay),
        exchange,
    });
    if stream.may_be_withheld()
        && !long
        && let Err(BrokenOff::Leak) = stream.gather(READ_AHEAD, READ_AHEAD_TIME).await
    {
        return Box::pin(withheld(stream, Refusal::Leak, parts.version)).await;
    }
    if waits && let Err(refusal) = Box::pin(record_first(&mut stream, long)).await {
        return Box::pin(withheld(stream, refusal, parts.version)).await;
    }
    Response::from_parts(parts, ResponseBody::Stream(Box::new(stream)))
}

/// Refuses in the place of an answer of which nothing has left yet.
async fn withheld(
    stream: Stream,
    mut refusal: Refusal,
    version: http::Version,
) -> Response<ResponseBody> {
    let (mut id, fields) = (None, http::HeaderMap::new());
    if let Some(exchange) = stream.withhold() {
        id = Some(exchange.id);
        if now(exchange, Ending::Refused(refusal.clone()))
            .await
            .is_err()
        {
            refusal = Refusal::NoRecord;
        }
    }
    let id = id.as_ref().map_or("", Id::as_str);
    crate::answer::refusal(&refusal, &fields, id, version).map(ResponseBody::from)
}

/// How much of an answer is read ahead so that its event says all about it. Chosen: pages and records fit.
const READ_AHEAD: usize = 256 << 10;
/// For how long.
const READ_AHEAD_TIME: Duration = Duration::from_secs(2);

/// Writes the event of an answer before it begins. Of one that is too long to be read ahead, the event says so; what
/// was redacted in it is then known to the detectors at its end.
async fn record_first(stream: &mut Stream, long: bool) -> Result<(), Refusal> {
    let whole = !long
        && stream
            .gather(READ_AHEAD, READ_AHEAD_TIME)
            .await
            .map_err(|why| match why {
                BrokenOff::Undecodable => {
                    Refusal::Unredactable("the answer could not be read to its end")
                }
                BrokenOff::Leak => Refusal::Leak,
                BrokenOff::Upstream | BrokenOff::Stalled | BrokenOff::Ended => {
                    Refusal::UpstreamFailed
                }
            })?;
    if whole {
        let Some((mut exchange, ending)) = stream.settle() else {
            return Ok(());
        };
        end(&mut exchange, &ending);
        let record = event(&exchange, &ending, <[u8]>::to_vec);
        let gateway = Arc::clone(&exchange.gateway);
        return match gateway
            .journal
            .durable(&record, Some(Seen::new(exchange, ending)))
            .await
        {
            Ok(_) => Ok(()),
            Err(NotRecorded) => Err(Refusal::NoRecord),
        };
    }
    let (record, gateway) = {
        let Some(exchange) = stream.exchange() else {
            return Ok(());
        };
        let ending = Ending::Streamed {
            status: stream.status(),
        };
        (
            event(exchange, &ending, <[u8]>::to_vec),
            Arc::clone(&exchange.gateway),
        )
    };
    let number = gateway
        .journal
        .durable(&record, None)
        .await
        .map_err(|_| Refusal::NoRecord)?;
    stream.set_recorded(number);
    Ok(())
}

/// Lets a connection go on as WebSocket; its event is written now, and one more at its end where its messages are read.
async fn upgrade(
    mut exchange: Box<Exchange>,
    mut parts: http::response::Parts,
    stay: Option<Stay>,
    held: impl Send + 'static,
) -> Response<ResponseBody> {
    let Some((client, server)) = tunnel::halves(&mut exchange, &mut parts) else {
        let headers = http::HeaderMap::new();
        return crate::answer::refusal(
            &Refusal::UpstreamFailed,
            &headers,
            exchange.id.as_str(),
            exchange.version,
        )
        .map(ResponseBody::from);
    };
    let read = Reading::of(&exchange).map(|reading| (ended::facts(&exchange), reading));
    let connection = Arc::clone(&exchange.connection);
    let open = exchange.gateway.connections.enter(&connection);
    let version = exchange.version;
    let id = exchange.id;
    let progress = connection.begin();
    if now(
        exchange,
        Ending::Streamed {
            status: parts.status,
        },
    )
    .await
    .is_err()
    {
        let headers = http::HeaderMap::new();
        return crate::answer::refusal(&Refusal::NoRecord, &headers, id.as_str(), version)
            .map(ResponseBody::from);
    }
    let held = (held, open, progress);
    tunnel::spawn(client, server, stay, connection, read, held);
    Response::from_parts(parts, ResponseBody::Full(bytes::Bytes::new()))
}

/// Tells the client where it stands with its rate (draft-ietf-httpapi-ratelimit-headers).
fn rate_fields(headers: &mut http::HeaderMap, held: &Held) {
    let Some((class, outcome)) = &held.rate else {
        return;
    };
    hangu_limit::ratelimit_fields(class.name(), outcome, |name, value| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    });
}

/// A connection that never became a request, or bytes that were no request.
pub fn without_request(
    gateway: &Arc<Gateway>,
    zone: usize,
    client: SocketAddr,
    tls: Option<&TlsFacts>,
    refusal: &Refusal,
    detail: &str,
) {
    let snapshot = gateway.snapshot.load();
    let id = gateway.ids.next();
    let now = clock::wall_ms();
    let mut event = Event::new(timestamp(now), What::Http, id.as_str());
    event.severity = Severity::Low;
    event.status = Status::Failure;
    event.reason = Some(refusal.reason());
    let detail = masked(detail);
    event.detail = Some(&detail);
    event.gateway = Some("hangu");
    event.source = Endpoint {
        ip: Some(client.ip()),
        port: Some(client.port()),
        zone: snapshot.zone(zone).map(|z| z.settings.name.as_str()),
        hostname: None,
    };
    event.tls = tls.map(tls_of);
    event.response = Some(EventResponse {
        code: refusal.status().as_u16(),
        length: None,
        latency_us: None,
    });
    if let Some(counters) = gateway.metrics.zone(zone) {
        counters.refused.inc();
    }
    let seen = Seen::connection(now, zone, client.ip(), refusal.reason());
    gateway.journal.soon(&event.to_record(), seen);
}

/// A sign-in or sign-out. It is on disk before the answer.
///
/// # Errors
/// When it could not be recorded; nobody is let in then.
pub async fn sign_in(
    gateway: &Arc<Gateway>,
    from: &Signer<'_>,
    logon: Logon,
    outcome: Result<(), &'static str>,
) -> Result<(), NotRecorded> {
    let record = {
        let snapshot = gateway.snapshot.load();
        let id = gateway.ids.next();
        let user = masked(from.user);
        let what = What::Authentication(Authentication {
            activity: logon,
            user: &user,
            protocol: "password",
            factors: 1,
        });
        let mut event = Event::new(timestamp(clock::wall_ms()), what, id.as_str());
        event.gateway = Some("hangu");
        event.source = Endpoint {
            ip: Some(from.client.ip()),
            port: Some(from.client.port()),
            zone: from
                .zone
                .and_then(|z| snapshot.zone(z))
                .map(|z| z.settings.name.as_str()),
            hostname: None,
        };
        event.portal = from.portal;
        if let Err(reason) = outcome {
            event.status = Status::Failure;
            event.severity = Severity::Low;
            event.reason = Some(reason);
        }
        event.to_record()
    };
    let seen = Seen::sign_in(
        clock::wall_ms(),
        from.zone,
        from.client.ip(),
        from.user,
        outcome.is_ok(),
        logon,
    );
    gateway
        .journal
        .durable(&record, Some(seen))
        .await
        .map(|_| ())
}

/// Who signs in, from where.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The name that was given.
    pub user: &'a str,
    /// The client.
    pub client: SocketAddr,
    /// The zone; none at the console.
    pub zone: Option<usize>,
    /// The portal; `console` at the console.
    pub portal: Option<&'a str>,
}

/// The status of an ending, as the client saw it.
pub const fn status(ending: &Ending) -> StatusCode {
    match ending {
        Ending::Answered { status, .. }
        | Ending::BrokenOff { status, .. }
        | Ending::Streamed { status }
        | Ending::Own(status) => *status,
        Ending::Closed { .. } => StatusCode::SWITCHING_PROTOCOLS,
        Ending::Refused(refusal) => refusal.status(),
    }
}
