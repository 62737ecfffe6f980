//! The rows of a policy: read, checked, kept for diagnostics and for the console.

pub(crate) mod csv;
mod load;
pub(crate) mod roles;
pub(crate) mod table;
pub mod view;
mod whole;
