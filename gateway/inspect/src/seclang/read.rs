//! From requests and responses to collections.

pub(super) mod body;
pub(super) mod head;
mod json;
mod multipart;
mod xml;
