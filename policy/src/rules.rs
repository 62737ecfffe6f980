//! The rows of a policy: read, checked, kept for diagnostics and for the console.

pub mod change;
mod costs;
pub(crate) mod csv;
mod ledger;
pub(crate) mod load;
pub(crate) mod roles;
pub(crate) mod sheet;
pub(crate) mod table;
pub mod view;
mod warnings;
mod whole;
