//! The compiled policy: a plan of what to index, the index, and the answers.

mod apply;
pub(crate) mod check;
pub(crate) mod draft;
pub mod explain;
mod follow;
pub(crate) mod index;
pub(crate) mod interpret;
pub(crate) mod plan;
pub(crate) mod shard;
pub mod snapshot;
pub(crate) mod tree;
