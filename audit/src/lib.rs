//! What happened, provably.
//!
//! An append-only log of events: records in segments with checksums, a Merkle tree over them, and checkpoints of the
//! tree signed with Ed25519. Whoever has the directory and the public key can tell whether any record below a
//! checkpoint was edited, inserted, deleted, reordered or cut off. Nothing here speaks to a network.
//!
//! ```text
//! append ─► queue ─► writer ─► segment-<first index>.log   records, a commit marker after each batch
//!                        ├───► tree                        every hash of the tree, derived, for cheap proofs
//!                        ├───► checkpoints.log             every signed checkpoint
//!                        └───► checkpoint                  the latest
//!                              read ◄── segments ──► verify, prove
//! ```
//!
//! To read: [`event`] is what a record says; [`Log`] records it; `writer` is the thread behind it and `recover` what
//! happens when a log is opened; [`read()`] and [`verify()`] are for those who come later.
//!
//! What the log cannot show by itself: that nothing was cut off above the last checkpoint (a second of records at most),
//! and that the whole directory was not put back to an older state. Both need a checkpoint kept elsewhere,
//! which [`verify_against`] takes.

mod checkpoint;
pub mod cli;
pub mod event;
#[cfg(test)]
mod faults;
mod frame;
mod history;
mod key;
mod known;
mod log;
mod merkle;
mod proof;
mod queue;
mod read;
mod recover;
mod report;
mod segment;
mod signed;
mod store;
mod tail;
mod tree;
mod verify;
mod writer;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use frame::MAX_RECORD;
pub use key::{KeyError, SigningKey, VerifyingKey};
pub use log::{Log, LogOptions};
pub use merkle::{Hash, leaf_hash, node_hash};
pub use proof::{Proof, ProofError, prove, verify_proof};
pub use queue::{Ack, AppendError, Committed, Durability, Failed, Health};
pub use read::{EventReader, ReadError, Record, read, read_back};
pub use recover::{OpenError, Recovered};
pub use report::{Finding, Kind, Report};
pub use verify::{verify, verify_against};

/// Milliseconds since the epoch, UTC.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);
