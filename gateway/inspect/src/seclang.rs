//! Rules in SecLang, run natively: the OWASP Core Rule Set and rules of the operator's own.
//!
//! ```text
//! files ─► source ─► load ─► ruleset                        once; refused whole if anything is not supported
//!          words     target, operator, action, transform
//!
//! exchange ─► read ─► values ─► texts ─► prefilter ─► evaluate ─► change ─► outcome
//!             bodies  collections        candidates    conditions  variables
//! ```
//!
//! Reading order: [`exchange`](Connection) (what is asked and answered), `ruleset` (what is in force), `transaction`
//! (phases), `evaluate` (one condition), `prefilter` and `required` (why most conditions are never asked).
//!
//! Expressions take linear time; every value is searched once, by one automaton, for the strings that the tests of all
//! rules require, and only tests that could pass are run on it. Transformations are made once per value.

mod action;
mod ask;
mod byteset;
mod change;
mod evaluate;
mod exchange;
mod expand;
mod files;
#[cfg(test)]
mod hostile;
mod judge;
mod live;
mod load;
mod names;
mod operator;
mod pattern;
mod phrases;
mod prefilter;
mod read;
mod required;
mod ruleset;
mod search;
mod source;
mod state;
mod store;
mod target;
mod texts;
mod transaction;
mod transform;
mod translate;
mod values;

pub use action::Severity;
pub use ask::ask;
pub use exchange::{Connection, Interruption, Match, Outcome, RequestHead, ResponseHead};
pub use files::expand;
pub use judge::judge;
pub use ruleset::{RuleSet, Source};
pub use source::{LoadError, Position};
pub use transaction::Transaction;
