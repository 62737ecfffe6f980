//! What a policy means beyond one request: for the people who write it, review it and answer for it.
//!
//! Everything here reads whole policies with the interpreter and may take its time; nothing of it is on the
//! path of requests. The strict dialect only.
//!
//! ```text
//! survey (names, holders of roles) ─► sample (a request that makes rows apply)
//!    ├─► lint      rows that never apply, never matter, contradict or say too much
//!    ├─► cases     tests beside the rules, their coverage, mutants that survive
//!    ├─► why       every condition's value, the smallest change that would allow
//!    ├─► reach     who can, what can
//!    ├─► change    who gains or loses what between two policies
//!    └─► replay    recorded decisions against a candidate
//! ```
//!
//! Whoever cannot wait for ever gives a [`Patience`](patience::Patience); the commands in [`cli`](crate::cli) take one.

pub mod cases;
pub mod change;
mod concern;
pub(crate) mod cover;
pub(crate) mod held;
pub mod lint;
pub mod mutants;
pub mod patience;
pub mod reach;
pub mod replay;
pub(crate) mod sample;
pub(crate) mod survey;
pub mod why;
