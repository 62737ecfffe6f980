//! The stages of a request's path, one file each, in the order in which they stand.

pub mod accept;
pub mod tls;
pub mod route;
pub mod identify;
pub mod limit;
pub mod inspect;
pub mod decide;
pub mod forward;
pub mod redact;
pub mod record;
