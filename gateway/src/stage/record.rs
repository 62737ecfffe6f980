//! One event for every request, sign-in and connection that never became a request.
//!
//! Nothing secret or personal is written in the clear: headers that carry credentials are not recorded, query values
//! are dropped, and everything else that a client chose goes through redaction first.

use std::borrow::Cow;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hangu_audit::Timestamp;
use hangu_audit::event::{
    Actor, Authentication, CallerKind, Certificate, Decision, Effect, Endpoint, Event, Finding,
    Limit, Logon, Request, Response as EventResponse, Risk, Severity, Status, Tls, TlsWritten,
    Traffic, Upstream, What,
};
use hangu_identity::Proof;
use hangu_inspect::{Category, Place};
use hangu_policy::{Grounds, RateClass};
use hangu_redact::{Level, Summary, mask_str};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode, Version};
use smallvec::SmallVec;

use crate::body::response::{Parts, ResponseBody, Stream};
use crate::clock;
use crate::config::Record;
use crate::connection::{Agent, Connection, TlsFacts};
use crate::exchange::{Ending, Exchange};
use crate::gateway::Gateway;
use crate::id::Id;
use crate::journal::NotRecorded;
use crate::refusal::Refusal;
use crate::stage::limit::Held;
use crate::stage::redact::Prepared;
use crate::streams::Stay;
use crate::tunnel;
use crate::watch::Seen;

/// What of a client's text is kept, in characters. Chosen: paths and user agents of honest clients fit.
const KEPT: usize = 512;

/// The level at which recorded text is masked.
const MASK: Level = Level::L3;

fn masked(text: &str) -> Cow<'_, str> {
    let end = text.char_indices().nth(KEPT).map_or(text.len(), |(i, _)| i);
    mask_str(MASK, text.get(..end).unwrap_or_default())
}

/// A user agent as it is recorded; a connection keeps the last one, for it is always the same.
fn agent(connection: &Connection, sent: &HeaderValue) -> Arc<Agent> {
    let last = connection.agent.load_full();
    if let Some(last) = last.filter(|last| *last.sent == *sent.as_bytes()) {
        return last;
    }
    let agent = Arc::new(Agent {
        sent: sent.as_bytes().into(),
        masked: masked(&String::from_utf8_lossy(sent.as_bytes())).into(),
    });
    connection.agent.store(Some(Arc::clone(&agent)));
    agent
}

/// The names of a query's parameters; what stands behind them may be anybody's secret.
fn query_names(query: &str) -> String {
    let mut out = String::with_capacity(query.len().min(KEPT));
    for pair in query.split('&').take(64) {
        if !out.is_empty() {
            out.push('&');
        }
        let name = pair.split('=').next().unwrap_or_default();
        out.push_str(&masked(name));
        if name.len() < pair.len() {
            out.push_str("=*");
        }
    }
    out
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

fn tls_of(facts: &TlsFacts) -> Tls<'_> {
    Tls {
        version: facts.version,
        cipher: Some(facts.cipher),
        sni: facts.server_name.as_deref(),
        ja4: None,
        certificate: facts.peer.as_ref().map(|peer| Certificate {
            fingerprint: &peer.identity.fingerprint_sha256,
            subject: &peer.identity.subject,
            issuer: &peer.identity.issuer,
            serial: &peer.identity.serial,
        }),
    }
}

const fn kind(kind: hangu_identity::CallerKind) -> CallerKind {
    match kind {
        hangu_identity::CallerKind::Person => CallerKind::Person,
        hangu_identity::CallerKind::Service => CallerKind::Service,
        hangu_identity::CallerKind::Device => CallerKind::Device,
        hangu_identity::CallerKind::Nobody => CallerKind::Nobody,
    }
}

const fn proof(proof: Proof) -> Option<&'static str> {
    match proof {
        Proof::None => None,
        Proof::Certificate => Some("certificate"),
        Proof::Token => Some("token"),
        Proof::ApiKey => Some("key"),
        Proof::Session => Some("session"),
    }
}

/// The word for what a decision rests on.
pub const fn grounds(grounds: Grounds) -> &'static str {
    match grounds {
        Grounds::Rules => "rule",
        Grounds::ExplicitDeny => "explicit-deny",
        Grounds::NoRuleMatched => "default-deny",
    }
}

/// Where a finding stands, in a word and a name that is masked.
fn place(place: &Place) -> String {
    match serde_json::to_value(place) {
        Ok(serde_json::Value::Object(map)) => {
            let text = |key: &str| map.get(key).and_then(|v| v.as_str()).unwrap_or_default();
            match text("name") {
                "" => text("in").to_owned(),
                name => format!("{}:{}", text("in"), masked(name)),
            }
        }
        Ok(_) | Err(_) => String::new(),
    }
}

/// The name of a category of findings.
pub const fn category(category: Category) -> &'static str {
    match category {
        Category::Sql => "sql",
        Category::CrossSite => "cross-site",
        Category::Traversal => "traversal",
        Category::Command => "command",
        Category::Code => "code",
        Category::Template => "template",
        Category::Remote => "remote",
        Category::Xml => "xml",
        Category::NoSql => "no-sql",
        Category::Ldap => "ldap",
        Category::Scanner => "scanner",
        Category::Upload => "upload",
        Category::Protocol => "protocol",
    }
}

const fn redaction(level: Level) -> &'static str {
    match level {
        Level::L1 => "redact:L1",
        Level::L2 => "redact:L2",
        Level::L3 => "redact:L3",
        Level::L4 => "redact:L4",
    }
}

const fn rate(class: RateClass) -> &'static str {
    match class {
        RateClass::Bronze => "rate:bronze",
        RateClass::Silver => "rate:silver",
        RateClass::Gold => "rate:gold",
    }
}

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

fn timestamp(ms: u64) -> Timestamp {
    Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// How grave an ending is.
fn severity(exchange: &Exchange, ending: &Ending) -> Severity {
    match ending {
        Ending::Refused(Refusal::Attack | Refusal::Certificate(_)) => Severity::High,
        Ending::Refused(Refusal::Denied(_) | Refusal::Banned(_) | Refusal::Framing) => {
            Severity::Medium
        }
        Ending::Refused(_) => Severity::Low,
        Ending::Answered { .. }
        | Ending::BrokenOff { .. }
        | Ending::Streamed { .. }
        | Ending::Own(_) => {
            if exchange.verdict.findings.is_empty() {
                Severity::Informational
            } else {
                Severity::Medium
            }
        }
    }
}

/// Hands the event of an exchange over as bytes, which are gone afterwards.
pub fn event<R>(exchange: &Exchange, ending: &Ending, record: impl FnOnce(&[u8]) -> R) -> R {
    let snapshot = &exchange.snapshot;
    let connection = &exchange.connection;
    let portal = exchange.portal.and_then(|i| snapshot.portals.get(i));
    let mut event = Event::new(
        timestamp(exchange.begun_ms),
        What::Http,
        exchange.id.as_str(),
    );
    event.severity = severity(exchange, ending);
    event.trace = Some(exchange.trace.id.as_str());
    event.gateway = Some("hangu");
    event.source = Endpoint {
        ip: Some(connection.client.ip()),
        port: Some(connection.client.port()),
        zone: snapshot
            .zone(connection.zone)
            .map(|z| z.settings.name.as_str()),
        hostname: None,
    };
    event.target = Endpoint {
        ip: None,
        port: None,
        zone: portal
            .and_then(|p| snapshot.zone(p.settings.zone))
            .map(|z| z.settings.name.as_str()),
        hostname: (!exchange.host.is_empty()).then_some(exchange.host.as_str()),
    };
    event.portal = portal.map(|p| p.settings.name.as_str());
    event.tls = connection.tls.as_ref().map(tls_of);
    event.tls_written = event
        .tls
        .as_ref()
        .map(|tls| connection.tls_written.get_or_init(|| TlsWritten::from(tls)));
    let path = masked(&exchange.path);
    let query = exchange.query.as_deref().map(query_names);
    let agent = exchange
        .user_agent
        .as_ref()
        .map(|sent| agent(connection, sent));
    event.request = Some(Request {
        method: exchange.method.as_str(),
        host: (!exchange.host.is_empty()).then_some(exchange.host.as_str()),
        path: Some(&path),
        query: query.as_deref(),
        version: Some(version(exchange.version)),
        user_agent: agent.as_ref().map(|agent| &*agent.masked),
        length: None,
    });
    let caller = exchange.caller.as_deref();
    let clearance = caller.map(|c| CLEARANCES.get(usize::from(c.clearance)).copied());
    let clearance = clearance.map(|short| {
        short.map_or_else(
            || Cow::Owned(caller.map_or(0, |c| c.clearance).to_string()),
            Cow::Borrowed,
        )
    });
    event.actor = caller.map(|c| Actor {
        id: &c.id,
        name: None,
        kind: kind(c.kind),
        department: c.department.as_deref(),
        session: None,
        method: proof(c.proof),
        assurance: Some(c.assurance.level()),
        clearance: clearance.as_deref(),
    });
    let rules: SmallVec<[&str; 4]> = exchange
        .decision
        .iter()
        .flat_map(|d| d.rules.iter())
        .map(|rule| snapshot.rule_name(*rule))
        .collect();
    let mut obligations: SmallVec<[&str; 4]> = SmallVec::new();
    if let Some(decided) = &exchange.decision {
        if let Some(level) = decided.redact {
            obligations.push(redaction(level));
        }
        if let Some(class) = decided.obligations.rate {
            obligations.push(rate(class));
        }
        if decided.obligations.log_full {
            obligations.push("log:full");
        }
    }
    event.decision = exchange.decision.as_ref().map(|d| Decision {
        id: exchange.id.as_str(),
        effect: if d.allow { Effect::Allow } else { Effect::Deny },
        rules: &rules,
        revision: &snapshot.revision,
        grounds: Some(grounds(d.grounds)),
        obligations: &obligations,
    });
    let places: SmallVec<[(String, Cow<'_, str>); 2]> = exchange
        .verdict
        .findings
        .iter()
        .map(|f| (place(&f.place), masked(&f.evidence)))
        .collect();
    let findings: SmallVec<[Finding<'_>; 2]> = exchange
        .verdict
        .findings
        .iter()
        .zip(&places)
        .map(|(f, (place, evidence))| Finding {
            rule: f.rule.as_str(),
            score: f.score,
            category: category(f.category),
            technique: Some(f.technique),
            place,
            evidence: Some(evidence),
        })
        .collect();
    event.findings = &findings;
    event.risk = (exchange.risk > 0).then_some(Risk {
        caller: exchange.risk,
        address: 0,
    });
    event.upstream = exchange.upstream.as_ref().map(|address| Upstream {
        address: &address.name,
        attempts: 1,
        code: None,
    });
    let took = exchange
        .took
        .unwrap_or_else(|| clock::monotonic().saturating_sub(exchange.begun));
    let micros = took.as_micros();
    event.duration_us = Some(u64::try_from(micros).unwrap_or(u64::MAX));
    let bytes_in = exchange.sent.as_ref().map_or(0, |s| s.bytes());
    let mut notes: SmallVec<[&str; 2]> = SmallVec::new();
    notes.extend(exchange.unread);
    let detail;
    let counts;
    match ending {
        Ending::Answered {
            status,
            bytes,
            redacted,
        } => {
            event.response = Some(EventResponse {
                code: status.as_u16(),
                length: Some(*bytes),
                latency_us: None,
            });
            event.traffic = Some(Traffic {
                bytes_in,
                bytes_out: *bytes,
            });
            counts = redactions(redacted.as_ref());
            event.redactions = &counts;
        }
        Ending::BrokenOff {
            status,
            bytes,
            redacted,
            why,
        } => {
            event.response = Some(EventResponse {
                code: status.as_u16(),
                length: Some(*bytes),
                latency_us: None,
            });
            event.traffic = Some(Traffic {
                bytes_in,
                bytes_out: *bytes,
            });
            notes.push(why);
            counts = redactions(redacted.as_ref());
            event.redactions = &counts;
        }
        Ending::Streamed { status } => {
            event.response = Some(EventResponse {
                code: status.as_u16(),
                length: None,
                latency_us: None,
            });
            notes.push("streamed");
        }
        Ending::Refused(refusal) => {
            event.status = Status::Failure;
            event.reason = Some(refusal.reason());
            detail = refusal.detail();
            event.detail = (!detail.is_empty()).then_some(detail.as_str());
            event.response = Some(EventResponse {
                code: refusal.status().as_u16(),
                length: None,
                latency_us: None,
            });
            event.traffic = (bytes_in > 0).then_some(Traffic {
                bytes_in,
                bytes_out: 0,
            });
            if let Refusal::RateLimited { limit, outcome } = refusal {
                let wait = crate::connection::millis(crate::refusal::wait(outcome));
                event.limit = Some(Limit {
                    name: limit,
                    remaining: 0,
                    retry_after_ms: Some(wait),
                });
            }
        }
        Ending::Own(status) => {
            event.response = Some(EventResponse {
                code: status.as_u16(),
                length: None,
                latency_us: None,
            });
            notes.push("own-page");
        }
    }
    event.notes = &notes;
    // One buffer for all events of a thread: they are copied out of it at once.
    ROOM.with_borrow_mut(|room| {
        event.record_into(room);
        record(room)
    })
}

thread_local! {
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Clearances as they stand in events.
const CLEARANCES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

fn redactions(summary: Option<&Summary>) -> SmallVec<[(&'static str, u64); 5]> {
    summary
        .map(|s| {
            s.counts
                .iter()
                .filter(|(_, n)| *n > 0)
                .map(|(kind, n)| (kind.as_str(), n))
                .collect()
        })
        .unwrap_or_default()
}

/// Counts the end of an exchange, which is now; no request is in progress any more.
fn end(exchange: &mut Exchange, ending: &Ending) {
    let now = clock::monotonic();
    count(exchange, ending, now);
    exchange.took = Some(now.saturating_sub(exchange.begun));
    if let Some(progress) = exchange.progress.take() {
        progress.end(now);
    }
}

fn count(exchange: &Exchange, ending: &Ending, now: Duration) {
    let gateway = &exchange.gateway;
    let Some(zone) = gateway.metrics.zone(exchange.connection.zone) else {
        return;
    };
    let redacted = match ending {
        Ending::Answered { redacted, .. } | Ending::BrokenOff { redacted, .. } => {
            redacted.as_ref().map_or(0, |s| s.counts.total())
        }
        Ending::Refused(_) | Ending::Streamed { .. } | Ending::Own(_) => 0,
    };
    match ending {
        Ending::Refused(_) => zone.refused.inc(),
        Ending::Answered { .. }
        | Ending::BrokenOff { .. }
        | Ending::Streamed { .. }
        | Ending::Own(_) => zone.allowed.inc(),
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
        && exchange.unread.is_none()
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
                && exchange.verdict.findings.is_empty()
        }
        Ending::BrokenOff { .. }
        | Ending::Streamed { .. }
        | Ending::Refused(_)
        | Ending::Own(_) => false,
    }
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
    let mut stream = Stream::new(Parts {
        incoming,
        redactor,
        status,
        idle: portal.upstream.settings.idle_time,
        end,
        lease,
        held: (held, stay),
        exchange,
    });
    if waits && let Err(refusal) = Box::pin(record_first(&mut stream, long)).await {
        let id = stream.exchange().map(|e| e.id);
        let headers = http::HeaderMap::new();
        return crate::answer::refusal(
            &refusal,
            &headers,
            id.as_ref().map_or("", Id::as_str),
            parts.version,
        )
        .map(ResponseBody::from);
    }
    Response::from_parts(parts, ResponseBody::Stream(Box::new(stream)))
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
            .map_err(|_| Refusal::UpstreamFailed)?;
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

/// Lets a connection go on as WebSocket; its event is written now.
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
    tunnel::spawn(client, server, stay, connection, progress, (held, open));
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
        Ending::Refused(refusal) => refusal.status(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_never_kept() {
        assert_eq!(
            query_names("q=11010519491231002X&token=abc&flag"),
            "q=*&token=*&flag"
        );
        assert_eq!(query_names(""), "");
    }
}
