//! What a record says: one event in the shape of OCSF 1.8.0.
//!
//! [`Event`] borrows what the path of a request knows and is written without an intermediate tree; [`Owned`] is the same
//! event read back. What OCSF has a place for stands there; what only Hangu knows (the decision's grounds, findings,
//! redactions, limits) stands in `unmapped`, which OCSF keeps for that.
//!
//! Nothing here redacts. Whoever builds an event has already left out secrets and personal data.

use std::net::IpAddr;

use crate::Timestamp;

mod json;
mod owned;
#[cfg(test)]
mod tests;
mod write;

pub use owned::{
    Owned, OwnedActor, OwnedAlert, OwnedAnalytic, OwnedApi, OwnedAttack, OwnedAuthorization,
    OwnedCertificate, OwnedDecision, OwnedEndpoint, OwnedFinding, OwnedFingerprint, OwnedLimit,
    OwnedMetadata, OwnedNamed, OwnedOrg, OwnedPolicy, OwnedProduct, OwnedRemedy, OwnedRequest,
    OwnedResource, OwnedResponse, OwnedRisk, OwnedTls, OwnedTraffic, OwnedUid, OwnedUnmapped,
    OwnedUpstream, OwnedUrl, OwnedUser,
};

/// The version of OCSF that events are written in.
pub const OCSF_VERSION: &str = "1.8.0";

/// One event: a request, a login, an administrative act, an alert or a response.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// When it happened.
    pub time: Timestamp,
    /// What it is about.
    pub what: What<'a>,
    /// How grave it is.
    pub severity: Severity,
    /// How it ended.
    pub status: Status,
    /// The reason for a refusal or a failure, one word of a fixed list, like `policy-denied`.
    pub reason: Option<&'a str>,
    /// The reason in a sentence; for a request that does not parse, what is wrong with it.
    pub detail: Option<&'a str>,
    /// The request's id (or the act's), unique in the log.
    pub id: &'a str,
    /// The trace that the request belongs to (W3C trace id).
    pub trace: Option<&'a str>,
    /// Version of the gateway.
    pub version: &'a str,
    /// Name of the gateway.
    pub gateway: Option<&'a str>,
    /// Where it came from.
    pub source: Endpoint<'a>,
    /// Where it was going.
    pub target: Endpoint<'a>,
    /// The portal it was for.
    pub portal: Option<&'a str>,
    /// The TLS connection it came over.
    pub tls: Option<Tls<'a>>,
    /// The request's head.
    pub request: Option<Request<'a>>,
    /// The response's head.
    pub response: Option<Response>,
    /// Who did it.
    pub actor: Option<Actor<'a>>,
    /// What was decided.
    pub decision: Option<Decision<'a>>,
    /// What inspection saw.
    pub findings: &'a [Finding<'a>],
    /// How many values of each kind were redacted.
    pub redactions: &'a [(&'a str, u64)],
    /// The limit that was nearest, or that was exceeded.
    pub limit: Option<Limit<'a>>,
    /// Risk at the time.
    pub risk: Option<Risk>,
    /// Bytes of the request's and the response's bodies, as carried.
    pub traffic: Option<Traffic>,
    /// The upstream that answered.
    pub upstream: Option<Upstream<'a>>,
    /// From the first byte of the head to the last of the response, in microseconds.
    pub duration_us: Option<u64>,
    /// What else has to be known: a body passed unread, a stage that failed open because configuration says so.
    pub notes: &'a [&'a str],
}

impl<'a> Event<'a> {
    /// An event with what every event has; the rest is filled in by the caller.
    #[must_use]
    pub fn new(time: Timestamp, what: What<'a>, id: &'a str) -> Self {
        Self {
            time,
            what,
            severity: Severity::Informational,
            status: Status::Success,
            reason: None,
            detail: None,
            id,
            trace: None,
            version: env!("CARGO_PKG_VERSION"),
            gateway: None,
            source: Endpoint::default(),
            target: Endpoint::default(),
            portal: None,
            tls: None,
            request: None,
            response: None,
            actor: None,
            decision: None,
            findings: &[],
            redactions: &[],
            limit: None,
            risk: None,
            traffic: None,
            upstream: None,
            duration_us: None,
            notes: &[],
        }
    }
}

/// What an event is about; each is a class of OCSF.
#[derive(Clone, Debug)]
pub enum What<'a> {
    /// A request, forwarded or refused (HTTP Activity, 4002). The activity follows from the method.
    Http,
    /// Someone proved who they are, failed to, or left (Authentication, 3002).
    Authentication(Authentication<'a>),
    /// An administrative act (API Activity, 6003).
    Administration(Administration<'a>),
    /// An alert (Detection Finding, 2004).
    Alert(Alert<'a>),
    /// Something was done about it, or undone (Remediation Activity, 7001).
    Remedy(Remedy<'a>),
}

/// Class of a request, as OCSF numbers it.
pub const HTTP_ACTIVITY: u32 = 4002;
/// Class of a login or logout.
pub const AUTHENTICATION: u32 = 3002;
/// Class of an administrative act.
pub const API_ACTIVITY: u32 = 6003;
/// Class of an alert.
pub const DETECTION_FINDING: u32 = 2004;
/// Class of a response.
pub const REMEDIATION_ACTIVITY: u32 = 7001;

impl What<'_> {
    /// The event's class in OCSF.
    #[must_use]
    pub fn class(&self) -> u32 {
        match self {
            Self::Http => HTTP_ACTIVITY,
            Self::Authentication(_) => AUTHENTICATION,
            Self::Administration(_) => API_ACTIVITY,
            Self::Alert(_) => DETECTION_FINDING,
            Self::Remedy(_) => REMEDIATION_ACTIVITY,
        }
    }
}

/// How grave an event is; the numbers are OCSF's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Informational = 1,
    /// Hardly anything.
    Low = 2,
    /// Someone should look.
    Medium = 3,
    /// Someone must look soon.
    High = 4,
    /// Someone must look now.
    Critical = 5,
}

/// How it ended; the numbers are OCSF's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was done: a request was forwarded, a login accepted.
    Success = 1,
    /// It was refused or it failed.
    Failure = 2,
}

/// One end of a crossing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Endpoint<'a> {
    /// Address.
    pub ip: Option<IpAddr>,
    /// Port.
    pub port: Option<u16>,
    /// Zone.
    pub zone: Option<&'a str>,
    /// Host name.
    pub hostname: Option<&'a str>,
}

/// A TLS connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tls<'a> {
    /// Protocol version, like `1.3`.
    pub version: &'a str,
    /// Cipher suite.
    pub cipher: Option<&'a str>,
    /// Server name the client asked for.
    pub sni: Option<&'a str>,
    /// JA4 fingerprint of the client's hello.
    pub ja4: Option<&'a str>,
    /// The client's certificate.
    pub certificate: Option<Certificate<'a>>,
}

/// A client's certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Certificate<'a> {
    /// SHA-256 over its DER, in hexadecimal.
    pub fingerprint: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Who issued it.
    pub issuer: &'a str,
    /// Its serial number, in hexadecimal.
    pub serial: &'a str,
}

/// The head of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// Method.
    pub method: &'a str,
    /// Host, normalised.
    pub host: Option<&'a str>,
    /// Path, normalised; personal data in it already masked.
    pub path: Option<&'a str>,
    /// Query with its values already masked.
    pub query: Option<&'a str>,
    /// HTTP version, like `2`.
    pub version: Option<&'a str>,
    /// User agent.
    pub user_agent: Option<&'a str>,
    /// Length of the body as declared.
    pub length: Option<u64>,
}

/// The head of a response.
#[derive(Clone, Copy, Debug, Default)]
pub struct Response {
    /// Status code that the client got.
    pub code: u16,
    /// Length of the body as declared.
    pub length: Option<u64>,
    /// Until the upstream's head arrived, in microseconds.
    pub latency_us: Option<u64>,
}

/// Who did it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Actor<'a> {
    /// The caller's id.
    pub id: &'a str,
    /// The caller's name, where it may be kept.
    pub name: Option<&'a str>,
    /// What the caller is.
    pub kind: CallerKind,
    /// Department.
    pub department: Option<&'a str>,
    /// Session, as a keyed digest.
    pub session: Option<&'a str>,
    /// How the caller proved it: `certificate`, `token`, `key`, `session`.
    pub method: Option<&'a str>,
    /// How sure that is, 0 to 4.
    pub assurance: Option<u8>,
    /// Clearance.
    pub clearance: Option<&'a str>,
}

/// What a caller is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallerKind {
    /// Not known.
    #[default]
    Nobody,
    /// A person.
    Person,
    /// An administrator of the gateway.
    Administrator,
    /// A program.
    Service,
    /// A device.
    Device,
}

/// What was decided, and why.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decision<'a> {
    /// The decision's id, the same that the caller is told.
    pub id: &'a str,
    /// What it was.
    pub effect: Effect,
    /// The rules that made it.
    pub rules: &'a [&'a str],
    /// The policy's revision.
    pub revision: &'a str,
    /// Why, in a word: `rule`, `default-deny`, `no-crossing`.
    pub grounds: Option<&'a str>,
    /// What the allow costs.
    pub obligations: &'a [&'a str],
}

/// What a decision says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// The request may pass.
    Allow,
    /// The request may not pass.
    #[default]
    Deny,
}

/// What inspection saw in a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Finding<'a> {
    /// The rule.
    pub rule: &'a str,
    /// Its score.
    pub score: u32,
    /// Its category, like `sql-injection`.
    pub category: &'a str,
    /// ATT&CK technique, like `T1190`.
    pub technique: Option<&'a str>,
    /// Where in the request.
    pub place: &'a str,
    /// What was matched, already masked.
    pub evidence: Option<&'a str>,
}

/// A limit and how much of it was left.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limit<'a> {
    /// The limit.
    pub name: &'a str,
    /// Requests that were left.
    pub remaining: u64,
    /// When to try again, in milliseconds, if it was exceeded.
    pub retry_after_ms: Option<u64>,
}

/// Risk, from 0 to 100.
#[derive(Clone, Copy, Debug, Default)]
pub struct Risk {
    /// Of the caller.
    pub caller: u8,
    /// Of the address.
    pub address: u8,
}

/// Bytes carried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// From the client.
    pub bytes_in: u64,
    /// To the client.
    pub bytes_out: u64,
}

/// The upstream that answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Upstream<'a> {
    /// Its address.
    pub address: &'a str,
    /// How many upstreams were tried.
    pub attempts: u32,
    /// The status it answered.
    pub code: Option<u16>,
}

/// A login or logout.
#[derive(Clone, Copy, Debug)]
pub struct Authentication<'a> {
    /// Which of them.
    pub activity: Logon,
    /// The identity that was claimed.
    pub user: &'a str,
    /// How it was to be proved: `password`, `certificate`, `token`, `key`, `oidc`.
    pub protocol: &'a str,
    /// Whether more than one factor was used.
    pub factors: u8,
}

/// Coming or going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logon {
    /// Coming.
    Logon = 1,
    /// Going.
    Logoff = 2,
}

/// An administrative act.
#[derive(Clone, Copy, Debug)]
pub struct Administration<'a> {
    /// What kind of act.
    pub activity: Act,
    /// The operation, like `policy.install`.
    pub operation: &'a str,
    /// Kind of the thing acted on, like `policy`.
    pub resource_kind: &'a str,
    /// The thing acted on.
    pub resource: &'a str,
    /// What changed, already masked.
    pub change: Option<&'a str>,
}

/// What an administrator does; the numbers are OCSF's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Makes something.
    Create = 1,
    /// Reads something.
    Read = 2,
    /// Changes something.
    Update = 3,
    /// Removes something.
    Delete = 4,
}

/// An alert: a detection over events.
#[derive(Clone, Copy, Debug)]
pub struct Alert<'a> {
    /// The alert's id.
    pub id: &'a str,
    /// The detection that raised it.
    pub detection: &'a str,
    /// What it says, in a line.
    pub title: &'a str,
    /// ATT&CK technique.
    pub technique: Option<&'a str>,
    /// Whom it is about: a caller or an address.
    pub subject: &'a str,
    /// How many events it rests on.
    pub count: u64,
    /// Ids of some of them.
    pub events: &'a [&'a str],
}

/// What was done about an alert.
#[derive(Clone, Copy, Debug)]
pub struct Remedy<'a> {
    /// Its id.
    pub id: &'a str,
    /// What it is.
    pub activity: Countermeasure,
    /// In a word: `ban`, `throttle`, `step-up`, `end-session`, `undo`.
    pub kind: &'a str,
    /// Against whom.
    pub subject: &'a str,
    /// When it ends.
    pub until: Option<Timestamp>,
    /// The alert or the response that it answers.
    pub because: Option<&'a str>,
}

/// What a response does; the numbers are OCSF's, after D3FEND.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Countermeasure {
    /// Keeps someone out: a ban.
    Isolate = 1,
    /// Throws someone out: an ended session.
    Evict = 2,
    /// Takes a response back.
    Restore = 3,
    /// Makes it harder: a throttle, a step-up.
    Harden = 4,
}
