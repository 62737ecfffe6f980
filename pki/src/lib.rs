//! Who is who: trust, verification, issuing, revocation.
//!
//! ```text
//! authority ── issues ──► certificates, CRLs        (a folder on disk; `hangu pki init|issue|revoke|crl`)
//!                               │
//! trust ◄── anchors, CRLs ──────┘                   (a snapshot in memory; the gateway's TLS stage)
//!   └─► verify: one path, one verdict, one reason   (`hangu pki verify`, every handshake, every re-check)
//! ```
//!
//! Reading order: [`verify`] says what a valid path is, [`trust`] puts it behind TLS, [`authority`] makes
//! certificates that pass it, [`cli`] is the command line over all three. [`name`] and [`dn`] are the words.
//!
//! There are no sockets and no clock in here: connections belong to the gateway, and time is an argument.

pub mod authority;
pub mod cli;
pub mod dn;
pub mod name;
pub mod trust;
pub mod verify;

mod hex;
