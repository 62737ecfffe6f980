//! Why a step was not taken, or a record cannot be opened.

use std::fmt;

use super::bundle::BundleId;
use super::key::NoKey;
use super::record::Broken;
use super::refusal::Refused;
use super::store::StoreError;
use crate::source::Mistake;

/// Why a step was not taken, or the record cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The step may not be taken; whoever asked can tell why.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The bundle does not load.
    #[error("the policy does not load: {}", joined(.0))]
    Mistakes(Vec<Mistake>),
    /// Its tests do not hold.
    #[error("{} of its tests do not hold: {}", .0.len(), joined(.0))]
    Cases(Vec<Mistake>),
    /// A stored record that is not what was written. Nothing is served from such a store.
    #[error("record {number} of the policy store is broken: {source}")]
    Broken {
        /// Its number, or the number that is missing.
        number: u64,
        /// What is wrong.
        source: Broken,
    },
    /// A stored record, rightly signed, whose step was never allowed.
    #[error("record {number} of the policy store takes a step that is not allowed: {source}")]
    Illegal {
        /// Its number.
        number: u64,
        /// Why it is not allowed.
        source: Refused,
    },
    /// The store was set back, or another was put in its place.
    #[error(
        "the policy store does not hold record {records} as it was noted; it was set back or exchanged"
    )]
    SetBack {
        /// Number that was noted.
        records: u64,
    },
    /// A bundle that is missing or not what its name says.
    #[error("bundle `{id}` of record {number} is missing or edited")]
    Lost {
        /// Record that names it.
        number: u64,
        /// The bundle.
        id: BundleId,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] NoKey),
}

fn joined<T: fmt::Display>(parts: &[T]) -> String {
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    parts.join("; ")
}
