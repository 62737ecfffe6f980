//! One request and the facts known about it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hangu_identity::Caller;
use hangu_identity::session::Session;
use hangu_inspect::Verdict;
use hangu_inspect::seclang::Match;
use hangu_policy::lifecycle::rollout::By;
use hangu_policy::{Decision, Grounds, Obligations, RuleId};
use hangu_redact::{Counts, Level, Person, Summary};
use http::header::USER_AGENT;
use http::{HeaderMap, Method, StatusCode, Version, request};
use hyper::upgrade::OnUpgrade;
use jiff::Timestamp;
use smallvec::SmallVec;

use crate::body::request::BodyState;
use crate::clock;
use crate::connection::{Connection, InProgress};
use crate::gateway::Gateway;
use crate::id::Id;
use crate::own;
use crate::refusal::Refusal;
use crate::snapshot::{Portal, Snapshot};
use crate::stage::forward::Place;
use crate::stage::identify::Credential;
use crate::stage::route::Target;
use crate::stage::tls::ZoneTls;
use crate::upstream::pool::Address;

/// Everything that is known about a request, from its arrival to its event.
pub struct Exchange {
    /// The gateway that carries it.
    pub gateway: Arc<Gateway>,
    /// The configuration it is served under, from begin to end.
    pub snapshot: Arc<Snapshot>,
    /// The connection it came over.
    pub connection: Arc<Connection>,
    /// Its id, which is its decision's id as well: there is one decision for each request.
    pub id: Id,
    /// The W3C trace it belongs to.
    pub trace: Trace,
    /// When it arrived, on the monotonic clock.
    pub begun: Duration,
    /// When it arrived, in milliseconds since the epoch.
    pub begun_ms: u64,
    /// How long it took, once it has ended.
    pub ended_after: Option<Duration>,
    /// Its method.
    pub method: Method,
    /// Its protocol version.
    pub version: Version,
    /// The canonical host; empty until it has one.
    pub host: String,
    /// The canonical path; empty until it has one, and the path as sent where it never gets one.
    pub path: String,
    /// The query as sent.
    pub query: Option<String>,
    /// The query as forwarded, where redaction has changed it.
    pub forwarded_query: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<http::HeaderValue>,
    /// Index of the portal.
    pub portal: Option<usize>,
    /// Which part of the request was the credential.
    pub credential: Option<Credential>,
    /// Who is asking.
    pub caller: Option<Arc<Caller>>,
    /// What inspection saw.
    pub verdict: Verdict,
    /// Rules in SecLang that matched.
    pub ruled: Vec<Match>,
    /// What rules in SecLang that are in shadow found; it does not count.
    pub shadowed: Vec<Match>,
    /// Where the request departs from the portal's OpenAPI document.
    pub departures: Vec<String>,
    /// What the answer gives away.
    pub leaks: Option<Box<Verdict>>,
    /// Personal data in the head of the answer.
    pub head_counts: Option<Box<Counts>>,
    /// Personal data that redaction met in the request, all but in the stream of a body.
    pub asked_counts: Option<Box<Counts>>,
    /// What a level of redaction that was tried would have masked.
    pub tried: Option<Box<(Level, Counts)>>,
    /// Whom the answer told of, where it was redacted.
    pub people: Vec<Person>,
    /// What was not looked at, and why.
    pub unread: SmallVec<[&'static str; 1]>,
    /// Cells of the answer that carry a mark of its recipient.
    pub marked: Option<u64>,
    /// What policy said.
    pub decision: Option<Decided>,
    /// The request's body.
    pub sent: Option<Arc<BodyState>>,
    /// The upstream that answered.
    pub upstream: Option<Arc<Address>>,
    /// Risk of caller and address when it was decided.
    pub risk: u8,
    /// Whether caller or address is served slowly for the time being.
    pub throttled: bool,
    /// The session, where the caller is signed in.
    pub session: Option<Arc<Session>>,
    /// The client's half of an upgrade to come.
    pub upgrade: Option<OnUpgrade>,
    /// Marks the request as in progress until its event is written.
    pub progress: Option<InProgress>,
}

/// A decision as the event keeps it.
#[derive(Debug, Clone)]
pub struct Decided {
    /// Whether it was an allow.
    pub allow: bool,
    /// What it rests on.
    pub grounds: Grounds,
    /// The rules that matched.
    pub rules: SmallVec<[RuleId; 4]>,
    /// What it costs.
    pub obligations: Obligations,
    /// Which policy of the exchange's snapshot decided; see [`Snapshot::policy_of`].
    pub by: By,
    /// The redaction that was put into force, crossing and clearance included.
    pub redact: Option<hangu_redact::Level>,
    /// The redaction of the request that was put into force.
    pub redact_requests: Option<hangu_redact::Level>,
}

impl Decided {
    /// What a policy said.
    pub fn new(decision: &Decision, by: By) -> Self {
        Self {
            allow: decision.effect == hangu_policy::Effect::Allow,
            grounds: decision.grounds,
            rules: decision.rules.clone(),
            obligations: decision.obligations.clone(),
            by,
            redact: None,
            redact_requests: None,
        }
    }
}

/// A W3C trace context (level 1).
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    /// The trace, from the client where it sent a valid one.
    pub id: Id,
    /// Whether it is sampled.
    pub sampled: bool,
}

impl Trace {
    /// Continues the client's trace, or begins one that has the request's id.
    pub fn of(headers: &HeaderMap, request: Id) -> Self {
        headers
            .get("traceparent")
            .and_then(|v| v.to_str().ok())
            .and_then(Self::parse)
            .unwrap_or(Self {
                id: request,
                sampled: false,
            })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lower_hex = |s: &str| s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let shaped = version == "00"
            && parts.next().is_none()
            && trace.len() == 32
            && parent.len() == 16
            && flags.len() == 2
            && [trace, parent, flags].into_iter().all(lower_hex);
        let value = u128::from_str_radix(trace, 16).ok().filter(|v| *v != 0)?;
        let span = u64::from_str_radix(parent, 16).ok().filter(|v| *v != 0);
        let flags = u8::from_str_radix(flags, 16).ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the two halves of a 128-bit id"
        )]
        let id = Id::of((value >> 64) as u64, value as u64);
        (shaped && span.is_some()).then_some(Self {
            id,
            sampled: flags & 1 == 1,
        })
    }

    /// The request's id, and behind it the header for the next hop, whose parent is this request: two values that share
    /// their room.
    pub fn header(&self, request: &Id) -> Bytes {
        let mut text = BytesMut::with_capacity(96);
        let flags = if self.sampled { "-01" } else { "-00" };
        for part in [
            request.as_str(),
            "00-",
            self.id.as_str(),
            "-",
            request.span(),
            flags,
        ] {
            text.extend_from_slice(part.as_bytes());
        }
        text.freeze()
    }
}

/// How an exchange ended.
#[derive(Debug)]
pub enum Ending {
    /// The whole answer was passed on.
    Answered {
        /// Its status.
        status: StatusCode,
        /// Bytes of its body as sent to the client.
        bytes: u64,
        /// What was redacted.
        redacted: Option<Summary>,
    },
    /// The answer broke off, on either side, after its head.
    BrokenOff {
        /// The status that was sent.
        status: StatusCode,
        /// Bytes that went out.
        bytes: u64,
        /// What was redacted.
        redacted: Option<Summary>,
        /// Why.
        why: &'static str,
    },
    /// The answer began; how it ends is not known yet: a stream whose event goes before it, or a WebSocket.
    Streamed {
        /// Its status.
        status: StatusCode,
    },
    /// A WebSocket whose messages were read is over; it began with an event of its own.
    Closed {
        /// Bytes of frames that were passed to the upstream.
        bytes_in: u64,
        /// Bytes of frames that were passed to the client.
        bytes_out: u64,
        /// What was redacted of what the upstream sent.
        redacted: Option<Summary>,
        /// What closed it, where the gateway did.
        refusal: Option<Refusal>,
        /// How it ended.
        why: &'static str,
    },
    /// The gateway said no.
    Refused(Refusal),
    /// The gateway's own page or call answered.
    Own(StatusCode),
}

impl Ending {
    /// Why the gateway said no, where it did.
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Closed { refusal, .. } => refusal.as_ref(),
            Self::Answered { .. }
            | Self::BrokenOff { .. }
            | Self::Streamed { .. }
            | Self::Own(_) => None,
        }
    }

    /// What was redacted in the answer, where anything was looked for.
    pub const fn redacted(&self) -> Option<&Summary> {
        match self {
            Self::Answered { redacted, .. }
            | Self::BrokenOff { redacted, .. }
            | Self::Closed { redacted, .. } => redacted.as_ref(),
            Self::Refused(_) | Self::Streamed { .. } | Self::Own(_) => None,
        }
    }
}

impl Exchange {
    /// Whether inspection saw anything in the request or its answer.
    pub fn is_noted(&self) -> bool {
        !self.verdict.findings.is_empty()
            || !self.ruled.is_empty()
            || !self.shadowed.is_empty()
            || !self.departures.is_empty()
            || self.leaks.is_some()
    }

    /// The exchange of a request that has just arrived.
    pub fn begin(
        gateway: Arc<Gateway>,
        connection: Arc<Connection>,
        parts: &mut request::Parts,
    ) -> Self {
        let id = gateway.ids.next();
        Self {
            snapshot: gateway.snapshot.load_full(),
            trace: Trace::of(&parts.headers, id),
            begun: clock::monotonic(),
            begun_ms: clock::wall_ms(),
            ended_after: None,
            method: parts.method.clone(),
            version: parts.version,
            host: String::new(),
            path: String::new(),
            query: parts.uri.query().map(str::to_owned),
            forwarded_query: None,
            user_agent: parts.headers.get(USER_AGENT).cloned(),
            portal: None,
            credential: None,
            caller: None,
            verdict: Verdict::default(),
            ruled: Vec::new(),
            shadowed: Vec::new(),
            departures: Vec::new(),
            leaks: None,
            head_counts: None,
            asked_counts: None,
            tried: None,
            people: Vec::new(),
            unread: SmallVec::new(),
            marked: None,
            decision: None,
            sent: None,
            upstream: None,
            risk: 0,
            throttled: false,
            session: None,
            upgrade: parts.extensions.remove(),
            progress: Some(connection.begin()),
            id,
            gateway,
            connection,
        }
    }

    /// TLS of the zone it came in through, as it is in force.
    pub fn zone_tls(&self) -> Option<&Arc<ZoneTls>> {
        self.snapshot
            .zone(self.connection.zone)
            .and_then(|zone| zone.tls.as_ref())
    }

    /// Header fields that a request may have here.
    pub fn most_headers(&self) -> usize {
        self.snapshot
            .zone(self.connection.zone)
            .map_or(0, |zone| zone.settings.bounds.headers)
    }

    /// Whether the head carried both ways of framing a body.
    pub fn take_framing_conflict(&self) -> bool {
        self.connection
            .framing_conflict
            .swap(false, Ordering::AcqRel)
    }

    /// Puts the request at its portal, over a crossing that is declared.
    ///
    /// # Errors
    /// `no-portal` and `no-crossing`.
    pub fn place(&mut self, target: Target) -> Result<Place, Refusal> {
        self.host = target.host;
        self.path = target.path;
        let own = own::is_own(&self.path);
        let index = if own {
            self.snapshot.routes.any_of(&self.host)
        } else {
            self.snapshot.routes.find(&self.host, &self.path)
        }?;
        self.portal = Some(index);
        let portal = Arc::clone(self.portal()?);
        if self
            .snapshot
            .crossing(self.connection.zone, portal.settings.zone)
            .is_none()
        {
            return Err(Refusal::NoCrossing);
        }
        Ok(Place {
            websocket: target.websocket,
        })
    }

    /// The portal it was put at.
    ///
    /// # Errors
    /// `no-portal` before that.
    pub fn portal(&self) -> Result<&Arc<Portal>, Refusal> {
        self.portal
            .and_then(|index| self.snapshot.portals.get(index))
            .ok_or(Refusal::NoPortal)
    }

    /// When it arrived, as a timestamp.
    pub fn now(&self) -> Timestamp {
        clock::timestamp(self.begun_ms)
    }

    /// How long it took, or has taken until now.
    pub fn took(&self) -> Duration {
        self.ended_after
            .unwrap_or_else(|| clock::monotonic().saturating_sub(self.begun))
    }

    /// The client's address.
    pub fn address(&self) -> IpAddr {
        self.connection.client.ip()
    }

    /// The caller, nobody where none has been identified.
    pub fn caller(&self) -> Arc<Caller> {
        self.caller.clone().unwrap_or_else(Caller::nobody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_trace_context_is_continued() {
        let own = Id::of(1, 2);
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", text.parse().unwrap());
            Trace::of(&headers, own).id.as_str().to_owned()
        };
        let sent = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(of(&format!("00-{sent}-00f067aa0ba902b7-01")), sent);
        for bad in [
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "nonsense",
        ] {
            assert_eq!(of(bad), own.as_str(), "{bad}");
        }
    }
}
