//! What the protocol forbids.

use thiserror::Error;

use crate::close::code;

/// Why a peer is not listened to any more. Sections are those of RFC 6455.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Fault {
    /// A reserved bit is set, and no extension gives it a meaning (5.2).
    #[error("a reserved bit is set")]
    ReservedBit,
    /// An opcode that is not defined (5.2).
    #[error("an opcode is not defined")]
    Opcode,
    /// A client's frame without a mask (5.1).
    #[error("a frame of a client is not masked")]
    Unmasked,
    /// A server's frame with a mask (5.1).
    #[error("a frame of a server is masked")]
    Masked,
    /// A length in more bytes than it needs, or one beyond 63 bits (5.2).
    #[error("a length is not written in the fewest bytes")]
    Length,
    /// A control frame of more than 125 bytes (5.5).
    #[error("a control frame is longer than 125 bytes")]
    LongControl,
    /// A control frame in fragments (5.5).
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A continuation of nothing (5.4).
    #[error("a continuation has no beginning")]
    NoBeginning,
    /// A message that begins within another (5.4).
    #[error("a message begins within another")]
    Interleaved,
    /// A close frame with half a code, or a code that may not be sent (5.5.1, 7.4).
    #[error("a close frame has no valid code")]
    CloseCode,
    /// Text, or the reason of a close frame, that is not UTF-8 (8.1).
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A message over the reader's bound.
    #[error("a message is larger than the bound")]
    TooLarge,
}

impl Fault {
    /// The code of the close frame that answers it (7.4.1).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::NotUtf8 => code::INVALID,
            Self::TooLarge => code::TOO_LARGE,
            Self::ReservedBit
            | Self::Opcode
            | Self::Unmasked
            | Self::Masked
            | Self::Length
            | Self::LongControl
            | Self::FragmentedControl
            | Self::NoBeginning
            | Self::Interleaved
            | Self::CloseCode => code::PROTOCOL,
        }
    }
}
