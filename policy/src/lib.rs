//! Who may do what, and why.
//!
//! A Casbin model and its rules are read, checked and compiled once into a [`Snapshot`], which then
//! answers requests without a lock, without I/O and on the usual path without touching the heap.
//!
//! ```text
//! model text ─► language ─► Model ─┐
//!                                  ├─► engine: Plan ─► Index ─► Snapshot ─► Decision ─► Permit
//! rule text ──► rules ────► Rules ─┘
//! ```
//!
//! The dialect is [`Dialect::Strict`]: where the reference engines (the `casbin` crate and Casbin for
//! Go) answer alike, so does this one; where they differ, panic or guess, the model or the row is
//! refused at load with its line and column. Two differences are on purpose and always on the narrow
//! side: a dot in a path pattern is a dot, and a final `/*` also covers a line feed, so that no newline
//! walks past a deny row.
//!
//! Three-valued logic closes the gap that missing attributes leave: a row whose verdict hangs on a fact
//! that the request does not carry applies if it denies and does not apply if it allows.
//!
//! What a policy means beyond one request (lint, tests, who and what, differences, replays) is in
//! [`analysis`], what must hold of every request in [`statement`]; what other engines would answer is in [`compat`].
//!
//! Reading order: [`source`] (what comes in), [`mod@said`] (what is said of it), `language` (the model), [`rules`] (the rows), [`engine`]
//! (index, decision, explanation), [`decision`] (what comes out), [`lifecycle`] (how a policy comes to be live).

pub mod analysis;
pub mod cli;
pub mod compat;
pub mod decision;
pub mod engine;
pub mod facts;
mod language;
pub mod lifecycle;
pub mod obligation;
mod revision;
pub mod rules;
pub mod said;
pub mod source;
mod spread;
pub mod statement;
mod symbol;
mod truth;

pub use decision::{Decision, Denied, Effect, Grounds, Permit};
pub use engine::explain::Explanation;
pub use engine::snapshot::Snapshot;
pub use facts::{Unjudged, Value};
pub use obligation::{Obligations, RateClass, RedactLevel};
pub use revision::Revision;
pub use rules::change::{Line, RowChange};
pub use rules::view::{RoleView, RuleId, RuleView};
pub use said::Said;
pub use source::{Dialect, Mistake, Source};
