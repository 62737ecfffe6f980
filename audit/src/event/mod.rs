//! What a record says: one event in the shape of OCSF 1.8.0.
//!
//! [`Event`] borrows what the path of a request knows and is written without an intermediate tree; [`Owned`] is the same
//! event read back. What OCSF has a place for stands there; what only Hangu knows (the decision's grounds, findings,
//! redactions, limits) stands in `unmapped`, which OCSF keeps for that.
//!
//! Nothing here redacts. Whoever builds an event has already left out secrets and personal data.

use crate::Timestamp;

mod about;
mod json;
mod owned;
mod parts;
#[cfg(test)]
mod tests;
mod write;

pub use about::{Act, Administration, Alert, Authentication, Countermeasure, Logon, Remedy};
pub use owned::{
    Owned, OwnedActor, OwnedAlert, OwnedAnalytic, OwnedApi, OwnedAttack, OwnedAuthorization,
    OwnedCertificate, OwnedDecision, OwnedEndpoint, OwnedFinding, OwnedFingerprint, OwnedLimit,
    OwnedMetadata, OwnedNamed, OwnedOrg, OwnedPeople, OwnedPolicy, OwnedProduct, OwnedRemedy,
    OwnedRequest, OwnedResource, OwnedResponse, OwnedRisk, OwnedTls, OwnedTraffic, OwnedUid,
    OwnedUnmapped, OwnedUpstream, OwnedUrl, OwnedUser,
};
pub use parts::{
    Actor, CallerKind, Certificate, Decision, Effect, Endpoint, Finding, Limit, People, Request,
    Response, Risk, Tls, Traffic, Upstream,
};
pub use write::TlsWritten;

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
    /// The trace that the request belongs to (W3C trace id); not written where it is the request's id.
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
    /// The same, written before; it goes before `tls`, which is what is left of it in an event that is shortened.
    pub tls_written: Option<&'a TlsWritten>,
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
    /// Whom the response told of.
    pub people: Option<People<'a>>,
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
            tls_written: None,
            request: None,
            response: None,
            actor: None,
            decision: None,
            findings: &[],
            redactions: &[],
            people: None,
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
