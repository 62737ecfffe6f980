//! What programs register with Casbin beside model and rules.

use super::datum::Fault;
use super::functions::{Compiled, Function};
use crate::source::Dialect;

/// A function over two texts that a program adds to the matcher's language.
pub type Custom = fn(&str, &str) -> bool;

/// What a program registered with Go's enforcer; a policy from files alone needs none of it.
#[derive(Debug, Default, Clone)]
pub struct Extras {
    /// Role sections whose roles are patterns, and how they match.
    pub role_matching: Vec<(String, Matching)>,
    /// Role sections whose domains are patterns, and how they match.
    pub domain_matching: Vec<(String, Matching)>,
    /// Decides links of conditional sections by member and role; where it is absent, two parameters are the
    /// start and the end of a window of time.
    pub condition: Option<Custom>,
    /// Functions by name.
    pub functions: Vec<(String, Custom)>,
}

/// A function that compares a name with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// `keyMatch`
    KeyMatch,
    /// `keyMatch2`
    KeyMatch2,
    /// `keyMatch3`
    KeyMatch3,
}

impl Matching {
    /// Whether a name matches a pattern; a malformed pattern matches nothing.
    pub(crate) fn holds(self, name: &str, pattern: &str) -> bool {
        let function = match self {
            Self::KeyMatch => Function::KeyMatch,
            Self::KeyMatch2 => Function::KeyMatch2,
            Self::KeyMatch3 => Function::KeyMatch3,
        };
        let found: Result<_, Fault> =
            Compiled::default().call(Dialect::CasbinGo, function, name, pattern, "");
        found.and_then(|found| found.truth()).unwrap_or(false)
    }
}
