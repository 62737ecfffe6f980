//! Messages in Protocol Buffers and gRPC, redacted by what their descriptors say.
//!
//! ```text
//! bytes ─► whole fields ─► walk: JSON of their texts and numbers, named as the descriptor names them
//!                             └► the engine for JSON ─► the same walk: what changed is written, lengths anew
//! ```
//!
//! So every rule for JSON holds: names of fields, paths, an operator's own kinds. What did not change keeps its bytes,
//! however they are written. Fields that the descriptor does not know, and bytes that are no text, cannot be read: they are
//! refused, passed or left out as parts of other bodies are.
//!
//! Reading order: `schema` (the descriptors), `wire` (the fields of a message), `walk` (one message), `stream` (a body of
//! fields), `grpc` (a body of messages).

mod grpc;
mod schema;
mod stream;
mod walk;
mod wire;

pub(crate) use grpc::Grpc;
pub use schema::{MessageType, Schema, SchemaError};
pub(crate) use stream::Stream;

/// Bytes of one message of gRPC, or of one field of a body, at most: what gRPC's own libraries receive.
pub(crate) const MESSAGE_MAX: usize = 4 << 20;

/// Messages within one another, at most: what the libraries of Protocol Buffers read.
const DEPTH_MAX: u8 = 100;
