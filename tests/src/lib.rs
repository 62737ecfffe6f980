//! The harness that drives the built product over real sockets.
//!
//! A test starts a [`Pass`]: the shipped configuration on free ports, the sample portals behind it, the built `hangu`
//! in front. It speaks to it with a [`Client`] (HTTP/1.1 and HTTP/2, certificates, tokens, keys, sessions), over a
//! [`raw`] socket where the bytes matter, or a [`websocket`]; runs the [`command`] line; and reads what was recorded
//! ([`events`]).
//!
//! ```no_run
//! # async fn example() {
//! use hangu_tests::{Pass, Zone};
//! let pass = Pass::start().await;
//! let answer = pass.client(Zone::Intranet).token(&pass.token()).get("hr.gov.example", "/api/v1/people/7").await;
//! assert_eq!(answer.status, 200);
//! # }
//! ```
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot do what a test asks is a failed test"
)]

pub mod administrator;
pub mod behind;
pub mod client;
pub mod command;
pub mod events;
pub mod frames;
pub mod outcome;
pub mod pass;
pub mod ports;
pub mod raw;
pub mod shared;
pub mod tls;
pub mod tokens;
pub mod websocket;
pub mod wire;

pub use administrator::Administrator;
pub use behind::Behind;
pub use client::{Answer, Client};
pub use command::Hangu;
pub use pass::{Pass, Plan, Zone};
pub use raw::Raw;
pub use shared::Shared;
pub use tls::{Identity, Tls};
pub use tokens::Issuer;
