//! How a policy comes to be live: written, reviewed, tried, rolled out, taken back.
//!
//! ```text
//! draft ─► review ─► approved ─┬─► shadow ─┬─► canary ─┬─► live ─► superseded
//!            │                 └───────────┴───────────┘     └──► rolled-back, expired
//!            └─► rejected, withdrawn
//! ```
//!
//! Every step is a record, signed and chained to the one before, and every rule about steps is in the
//! ledger, which judges a step read back exactly as it judged the step when it was taken: a store that was
//! edited does not open. Shadow and canary come after approval, because both see real requests. Only two
//! things go live without approvals: an emergency, which ends by itself, and a return to what was live.
//!
//! Reading order: [`bundle`] (what is changed), [`change`] (its stages), [`registry`] (the steps), `ledger`
//! (which may follow which), [`reach`] (how many must agree), [`record`] and [`store`] (what is kept),
//! [`rollout`] (a candidate beside the live policy, on the path of requests).

pub mod actor;
pub mod bundle;
mod chain;
pub mod change;
pub mod digest;
pub mod failed;
pub mod key;
mod ledger;
pub mod reach;
pub mod record;
pub mod refusal;
pub mod registry;
pub mod rollout;
pub mod store;

pub use actor::{Actor, Role};
pub use bundle::{Bundle, BundleId, Text};
pub use change::{Canary, Change, ChangeId, Kind, Stage};
pub use failed::Failed;
pub use key::{PublicKey, SigningKey};
pub use reach::{Needed, Reach, Settings};
pub use record::Anchor;
pub use refusal::Refused;
pub use registry::{Due, Registry};
pub use rollout::Rollout;

pub use store::Store;
