//! The stages of a request's path, one file each, in the order in which they stand.

pub mod accept;
pub mod decide;
pub mod forward;
pub mod identify;
pub mod inspect;
pub mod limit;
pub mod record;
pub mod redact;
pub mod route;
pub mod tls;
