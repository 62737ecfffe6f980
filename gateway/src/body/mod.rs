//! Bodies as streams that a stage may wrap: [`request`] towards the upstream, [`response`] towards the client.

pub mod leaks;
pub mod redacted;
pub mod request;
pub mod response;
