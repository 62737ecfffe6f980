//! Rows as formulas over the dimensions of requests, for one place.

use super::callers::Holding;
use super::ranges::Ranges;
use super::routes::Route;
use crate::decision::Effect;
use crate::truth::Truth;

/// What holds of a request.
#[derive(Debug)]
pub(super) enum Formula<'a> {
    Known(Truth),
    Int {
        fact: usize,
        values: Ranges,
    },
    Flag {
        fact: usize,
    },
    Method(u64),
    Path(Route<'a>),
    Is {
        text: usize,
        name: &'a str,
    },
    Holds {
        text: usize,
        holding: Holding<'a>,
    },
    /// Not expressed by the dimensions.
    Opaque,
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// A condition of a row that is open at a place.
#[derive(Debug)]
pub(super) struct Clause<'a> {
    pub(super) formula: Formula<'a>,
    /// As written.
    pub(super) text: &'a str,
}

/// A row that may apply at a place.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) row: usize,
    pub(super) effect: Effect,
    pub(super) clauses: Vec<Clause<'a>>,
    /// Methods beyond which it does not apply.
    pub(super) methods: u64,
    /// A pattern beyond which it does not apply.
    pub(super) route: Option<Route<'a>>,
}

/// A fact that has one value at a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Given<'a> {
    Named(&'a str),
    /// Some text that the policy does not name.
    Unnamed(String),
}

impl Given<'_> {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Named(text) => text,
            Self::Unnamed(text) => text,
        }
    }
}
