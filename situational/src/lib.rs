//! What the events mean now: detect, group, score, respond.
//!
//! ```text
//!  Observation ─► Watch ─► Detection ─► Alerts ─► Alert ─► Responder ─► Order (ban, throttle, end a session)
//!  (one event)    (detect/)             (grouped)   └────► RiskBoard ─► the next decision
//! ```
//!
//! [`Situation`] is the whole of it, owned by one thread; the [`RiskBoard`] is the part that the request's path reads.
//! Nothing here asks for the time, opens a file or knows a socket: events go in as [`Observation`]s with their own
//! time, and what should be done comes out as [`Order`]s. An order is a proposal until the gateway says that it was
//! carried out.
//!
//! Two promises that the tests hold us to:
//!
//! - What the gateway itself refused (policy, limits, bans) never leads to a ban by itself.
//! - Nothing is dropped in silence: a full table of alerts or of detectors raises an alert of its own.
//!
//! Beside them stand two plain counts for the console: [`Callers`] and [`Traffic`].
//!
//! Reading order: `observation`, `rule`, `detect`, `alert`, `alerts`, `risk`, `respond`, `situation`.

mod alert;
mod alerts;
mod bucket;
mod callers;
mod detect;
mod distinct;
mod entity;
mod observation;
mod respond;
mod risk;
mod rule;
mod settings;
mod situation;
mod span;
mod table;
mod traffic;

pub use alert::{Alert, AlertId, AlertStatus, Note, Taken, Verdict};
pub use alerts::{AlertError, Alerts, Raised};
pub use callers::{CallerSeen, Callers};
pub use detect::{Detection, Watch};
pub use entity::{Entity, Source};
pub use observation::{Cause, Findings, Observation, Outcome, Personal, SignIn};
pub use respond::{Action, Measure, Order, OrderId, Responder, Withheld};
pub use risk::{RiskBoard, Standing};
pub use rule::{Rule, Severity, Tactic, Words};
pub use settings::{
    AlertSettings, Bucket, Guessing, Mode, Reading, Refusals, Responses, RiskSettings, Scanning,
    Settings,
};
pub use situation::{Reaction, Situation};
pub use traffic::{Traffic, TrafficPoint};
