//! One event, as the detectors need it.

use std::net::IpAddr;

/// What one event says that matters here, borrowed from wherever it is kept.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// When, in Unix milliseconds.
    pub time_ms: u64,
    /// The event's index in the audit log; what an alert gives as its evidence.
    pub event: u64,
    /// The zone it came from.
    pub zone: &'a str,
    /// The address it came from.
    pub address: IpAddr,
    /// The caller's id; empty if nobody was identified.
    pub caller: &'a str,
    /// The portal it was for; empty if none was found.
    pub portal: &'a str,
    /// The canonical path, without its query.
    pub path: &'a str,
    /// A hash of path and query, which tells two records behind one path apart without their names being told;
    /// `None` if the path says it all.
    pub resource: Option<u64>,
    /// The status that the client got.
    pub status: u16,
    /// Whether it was forwarded.
    pub outcome: Outcome<'a>,
    /// What inspection found.
    pub findings: Findings<'a>,
    /// Personal data that left with the response.
    pub personal: Personal<'a>,
    /// If it was an attempt to sign in: whose, and how it ended.
    pub sign_in: Option<SignIn<'a>>,
    /// True if the client gives itself away as a scanner.
    pub scanner: bool,
}

impl Observation<'_> {
    /// An allowed request by nobody known, in which nothing was found.
    #[cfg(test)]
    pub(crate) fn plain(address: IpAddr, time_ms: u64) -> Self {
        Self {
            time_ms,
            event: time_ms,
            zone: "internet",
            address,
            caller: "",
            portal: "service",
            path: "/",
            resource: None,
            status: 200,
            outcome: Outcome::Allowed,
            findings: Findings::default(),
            personal: Personal::default(),
            sign_in: None,
            scanner: false,
        }
    }

    /// Why it was refused, if it was.
    pub fn cause(&self) -> Option<Cause> {
        match self.outcome {
            Outcome::Allowed => None,
            Outcome::Refused { cause, .. } => Some(cause),
        }
    }
}

/// Whether a request was forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It was, and the status is the portal's.
    Allowed,
    /// It was not, and the status is the gateway's own.
    Refused {
        /// The refusal's name in the event.
        reason: &'a str,
        /// What kind of refusal that is.
        cause: Cause,
    },
}

/// The kinds of refusal that mean different things to a detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Policy said no to a caller.
    Denied,
    /// Nobody was identified where somebody must be; the ordinary way to a sign-in page.
    Unidentified,
    /// A credential was shown and is not good: forged, expired, revoked, unknown.
    BadCredential,
    /// Over a rate or a number at once.
    Limited,
    /// Under a ban.
    Banned,
    /// Blocked by inspection.
    Inspected,
    /// Not well-formed, ambiguous, or over a bound.
    Malformed,
    /// No portal or path of that name, or no such crossing.
    NotFound,
    /// Ours or the portal's fault: a store lost, an upstream dead.
    Fault,
}

/// What inspection found in a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Findings<'a> {
    /// The sum of the scores.
    pub score: u32,
    /// The kinds of attack, such as `sqli`.
    pub categories: &'a [&'a str],
}

/// Personal data in a response.
#[derive(Debug, Clone, Copy, Default)]
pub struct Personal<'a> {
    /// How many values of each kind.
    pub counts: &'a [(&'a str, u32)],
    /// About how many different people they belong to.
    pub subjects: u32,
    /// Keyed hashes of the people, if the redactor made them; else people are told apart by the resource read.
    pub hashes: &'a [u64],
}

/// An attempt to sign in, by any of the ways that take a name and a secret.
///
/// A failed one counts as guessing unless its refusal is [`Cause::Limited`], [`Cause::Banned`] or [`Cause::Fault`]; one
/// that a lock-out refused is to be given as [`Cause::BadCredential`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignIn<'a> {
    /// The name given, whether or not it exists.
    pub user: &'a str,
    /// True if it was let in.
    pub ok: bool,
}
