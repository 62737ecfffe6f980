//! What events of the other classes are about.

use crate::Timestamp;

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
