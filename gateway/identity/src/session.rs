//! Sessions: who signed in, kept on this side.
//!
//! The browser holds 256 random bits and nothing else; here they are stored as their SHA-256, so that neither memory
//! dump nor journal opens a session. A session ends when it is idle, old, signed out, replaced or ended by somebody,
//! and an end that was reported survives a restart.
//!
//! Reading order: [`Sessions::start`], [`Sessions::find`], [`Sessions::end`]; [`cookie`] is what travels; [`journal`]
//! what is on disk.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use crate::{caller::Caller, time::after, token::strict_base64url};

use journal::Record;
pub use journal::{FileJournal, JournalError, NoJournal, SessionJournal, Sharing};
pub use store::{SessionLimitsFile, SessionSetupError, SessionStartError, Sessions};

pub mod cookie;
pub mod journal;

mod live;
mod store;

/// Length of a session id as text: 256 bits in base64url.
const ID_LENGTH: usize = 43;

/// Why a cookie opened no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionRefusal {
    /// The value is not one we give out.
    #[error("the session cookie is malformed")]
    Malformed,
    /// Never started, or ended.
    #[error("the session has ended")]
    Ended,
    /// Not used for too long.
    #[error("the session was idle for too long")]
    Idle,
    /// Signed in too long ago.
    #[error("the session is too old; sign in again")]
    TooOld,
    /// It was started with another client certificate.
    #[error("the session belongs to another client certificate")]
    OtherCertificate,
}

impl SessionRefusal {
    /// A stable word for events and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "session-malformed",
            Self::Ended => "session-ended",
            Self::Idle => "session-idle",
            Self::TooOld => "session-too-old",
            Self::OtherCertificate => "session-certificate",
        }
    }
}

/// SHA-256 of a session id.
type Key = [u8; 32];

/// The secret that a browser holds. Given out once, by [`Sessions::start`] and [`Sessions::rotate`].
pub struct SessionId(Zeroizing<String>);

impl SessionId {
    /// The text that goes into the cookie.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// A session. Streams that outlive their request keep it and ask [`Session::is_live`] now and then.
#[derive(Debug)]
pub struct Session {
    key: Key,
    caller: Arc<Caller>,
    started: Timestamp,
    certificate: Option<[u8; 32]>,
    /// Seconds since 1970 of the last request.
    seen: AtomicI64,
    /// The same, as far as it is in the journal.
    seen_written: AtomicI64,
    ended: AtomicBool,
    idle: SignedDuration,
    absolute: SignedDuration,
}

/// A session as administrators see it; nothing in it opens anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// What to end it by: the beginning of the id's hash.
    pub handle: String,
    /// Whose it is.
    pub caller: Arc<Caller>,
    /// When the caller signed in.
    pub started: Timestamp,
    /// When it was last used.
    pub seen: Timestamp,
    /// When it ends if it is not used.
    pub expires: Timestamp,
    /// Whether it works only with the client certificate it was started with.
    pub bound: bool,
}

/// Characters of a handle; 64 bits tell sessions apart.
const HANDLE_LENGTH: usize = 16;

impl Session {
    fn new(
        key: Key,
        caller: Arc<Caller>,
        started: Timestamp,
        certificate: Option<[u8; 32]>,
        seen: Timestamp,
        limits: &SessionLimitsFile,
    ) -> Self {
        Self {
            key,
            caller,
            started,
            certificate,
            seen: AtomicI64::new(seen.as_second()),
            seen_written: AtomicI64::new(seen.as_second()),
            ended: AtomicBool::new(false),
            idle: limits.idle,
            absolute: limits.absolute,
        }
    }

    /// Who signed in.
    pub const fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// When the caller signed in.
    pub const fn started(&self) -> Timestamp {
        self.started
    }

    /// What administrators call the session; opens nothing.
    pub fn handle(&self) -> String {
        crate::certificate::hex(&self.key)
            .chars()
            .take(HANDLE_LENGTH)
            .collect()
    }

    /// Whether it has not ended and its time is not over.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.check(now).is_ok()
    }

    fn check(&self, now: Timestamp) -> Result<(), SessionRefusal> {
        if self.ended.load(Ordering::Acquire) {
            return Err(SessionRefusal::Ended);
        }
        if now >= after(self.started, self.absolute) {
            return Err(SessionRefusal::TooOld);
        }
        if now >= after(self.seen(), self.idle) {
            return Err(SessionRefusal::Idle);
        }
        Ok(())
    }

    fn seen(&self) -> Timestamp {
        Timestamp::from_second(self.seen.load(Ordering::Relaxed)).unwrap_or(Timestamp::MIN)
    }

    fn info(&self) -> SessionInfo {
        SessionInfo {
            handle: self.handle(),
            caller: Arc::clone(&self.caller),
            started: self.started,
            seen: self.seen(),
            expires: after(self.seen(), self.idle).min(after(self.started, self.absolute)),
            bound: self.certificate.is_some(),
        }
    }

    fn record(&self) -> Record {
        Record::Open {
            key: journal::Hex(self.key),
            caller: Caller::clone(&self.caller),
            started: self.started,
            seen: self.seen(),
            certificate: self.certificate.map(journal::Hex),
        }
    }
}

/// The hash a session is stored under, or nothing if the text is not one we give out.
fn key_of(id: &str) -> Option<Key> {
    if id.len() != ID_LENGTH || strict_base64url(id).is_none() {
        return None;
    }
    digest(&SHA256, id.as_bytes()).as_ref().try_into().ok()
}

#[cfg(test)]
mod tests;
