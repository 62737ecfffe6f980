//! Policies judged as another engine would: Casbin for Go, or the `casbin` crate, their defects included.
//!
//! For moving a policy over and for showing that it means the same afterwards; what serves requests is the
//! strict dialect, [`Snapshot`](crate::Snapshot). Models, conditions, patterns and roles are read once, at
//! load. Rows are then asked one after the other in the order in which the reference asks them, since there
//! errors and the first match depend on it. What panics in a reference is an error here.

mod datum;
mod effect;
mod evaluate;
mod extras;
mod functions;
mod glob;
mod grammar;
mod links;
mod load;
mod model;
mod names;
mod policy;
mod regex_of;
mod rows;
mod words;

pub use extras::{Custom, Extras, Matching};
pub use policy::{Answer, Definitions, Policy, Question, Row};
