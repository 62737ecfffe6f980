//! Cuts what a client sent into values with places. Nothing that an application might read is left out.

pub(crate) mod cookie;
pub(crate) mod json;
pub(crate) mod multipart;
pub(crate) mod query;
pub(crate) mod xml;
