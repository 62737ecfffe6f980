//! Statements as written.

use crate::obligation::RedactLevel;
use crate::source::Passage;

/// A name with its offset in the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) at: usize,
}

/// A statement with where it stands.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) passage: Passage,
    pub(super) claim: Claim,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Requests of this scope meet the demand.
    Requests(Scope, Demand),
    /// Nobody has two of these roles in one department; in all departments if none is named.
    Exclude {
        roles: Vec<Name>,
        departments: Vec<Name>,
    },
}

/// Which requests a statement is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) who: Who,
    pub(super) from: From,
    pub(super) methods: Methods,
    pub(super) target: Target,
    /// Path patterns; every path if none is named.
    pub(super) paths: Vec<Name>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Who {
    Anyone,
    /// Whoever has none of these names.
    But(Vec<Name>),
    /// Whoever has one of them.
    Named(Vec<Name>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum From {
    Anywhere,
    Zones(Vec<Name>),
    /// Every zone but these.
    Others(Vec<Name>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Methods {
    All,
    Read,
    Write,
    These(Vec<Name>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Any portal.
    Anything,
    Portals(Vec<Name>),
    Zones(Vec<Name>),
    Departments(Vec<Name>),
    Hosts(Vec<Name>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// None of them is allowed.
    Refused,
    /// None of them is allowed that lacks one of these.
    Needs(Vec<Need>),
    /// Whichever is allowed carries this.
    Carries(Charge),
}

/// What a request must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    Certificate {
        at: usize,
    },
    /// A fact within these bounds, both included.
    Within {
        fact: &'static str,
        low: i64,
        high: i64,
        at: usize,
    },
}

/// An obligation that an allow must carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charge {
    /// Redaction at this level or a higher one.
    Redact(RedactLevel),
    /// The full log.
    LogFull,
}
