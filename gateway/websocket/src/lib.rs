//! WebSocket (RFC 6455) as somebody in the middle reads it: frames to messages, and messages to frames.
//!
//! ```text
//! bytes ─► head ─► reader: unmasked, put together, bounded, UTF-8 ─► message or control frame
//! bytes ◄─ write: one frame, masked towards a server
//! ```
//!
//! No input and no output of its own: bytes go in as they come, cut anywhere, and the items that come out are the same
//! for every way of cutting them. What the protocol forbids is a [`Fault`] with its close code; nothing is read after it.
//! Extensions are not spoken: whoever uses this sees to it that none is agreed on.
//!
//! Reading order: [`Reader`], then `head` (the first bytes of a frame), [`Close`], [`write()`].

mod close;
mod fault;
mod head;
mod mask;
mod reader;
mod write;

pub use close::{Close, code};
pub use fault::Fault;
pub use head::Opcode;
pub use reader::{Item, Peer, Reader};
pub use write::{write, write_close};
