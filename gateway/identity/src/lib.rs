//! Who is asking: from what a connection or a request shows to a [`Caller`], or to the reason why not.
//!
//! ```text
//! client certificate ─► certificate ─┐
//! bearer token ───────► token ───────┤
//! API key ────────────► api_key ─────┼─► Arc<Caller> ─► assertion ─► Hangu-Assertion, Hangu-Binding
//! name and password ──► local ─┐     │
//! cookie ─────────────► session┴─────┘
//! ```
//!
//! Reading order: [`caller`], then the proof you care about. [`credential`] tells which proof a request carries,
//! [`headers`] names what a client may never send, [`cli`] is `hangu token verify`.
//!
//! Nothing here opens a socket, waits, or asks for the time: key sets arrive as bytes, `now` is an argument, and the
//! one thing written to disk is the session journal, behind a trait. Everything that is configured is checked when it
//! is built, and a value that was built can be trusted.

pub mod api_key;
pub mod assertion;
pub mod binding;
pub mod caller;
pub mod certificate;
pub mod cli;
pub mod credential;
pub mod headers;
pub mod local;
pub mod session;
pub mod token;

mod bounded;
mod json;
mod random;
mod time;

pub use caller::{Assurance, Caller, CallerKind, Proof};
