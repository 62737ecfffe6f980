//! The first bytes of a frame (RFC 6455, 5.2).

use crate::fault::Fault;
use crate::reader::Peer;

/// The longest head: two bytes, eight of length, four of mask.
pub(crate) const HEAD_MAX: usize = 14;
/// What a control frame may carry (5.5).
pub(crate) const CONTROL_MAX: u64 = 125;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// More of a message.
    Continuation,
    /// Text, or the begin of it.
    Text,
    /// Bytes, or the begin of them.
    Binary,
    /// The last frame of a peer.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
}

impl Opcode {
    /// Its four bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    const fn of(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Continuation),
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            _ => None,
        }
    }

    /// Whether it may stand between the fragments of a message.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) last: bool,
    pub(crate) opcode: Opcode,
    pub(crate) mask: Option<[u8; 4]>,
    /// Bytes that follow.
    pub(crate) length: u64,
}

/// How far a head is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// So many bytes are needed to say more.
    Needs(usize),
    Whole(Head),
}

impl Head {
    /// Reads the bytes of a head that are there; faults show with the first byte that has them.
    pub(crate) fn read(bytes: &[u8], peer: Peer) -> Result<Known, Fault> {
        let Some(&first) = bytes.first() else {
            return Ok(Known::Needs(1));
        };
        if first & 0b0111_0000 != 0 {
            return Err(Fault::ReservedBit);
        }
        let opcode = Opcode::of(first & 0b1111).ok_or(Fault::Opcode)?;
        let last = first & 0b1000_0000 != 0;
        if opcode.is_control() && !last {
            return Err(Fault::FragmentedControl);
        }
        let Some(&second) = bytes.get(1) else {
            return Ok(Known::Needs(2));
        };
        let masked = second & 0b1000_0000 != 0;
        match (peer, masked) {
            (Peer::Client, false) => return Err(Fault::Unmasked),
            (Peer::Server, true) => return Err(Fault::Masked),
            (Peer::Client, true) | (Peer::Server, false) => {}
        }
        let short = second & 0b0111_1111;
        if opcode.is_control() && u64::from(short) > CONTROL_MAX {
            return Err(Fault::LongControl);
        }
        let rest = bytes.get(2..).unwrap_or_default();
        let (length, rest) = match short {
            126 => match rest.split_first_chunk::<2>() {
                None => return Ok(Known::Needs(4)),
                Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
            },
            127 => match rest.split_first_chunk::<8>() {
                None => return Ok(Known::Needs(10)),
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
            },
            _ => (u64::from(short), rest),
        };
        let fewest = match short {
            126 => length > CONTROL_MAX,
            127 => length > u64::from(u16::MAX) && length >> 63 == 0,
            _ => true,
        };
        if !fewest {
            return Err(Fault::Length);
        }
        let mask = match (masked, rest.first_chunk::<4>()) {
            (false, _) => None,
            (true, Some(mask)) => Some(*mask),
            (true, None) => return Ok(Known::Needs(bytes.len() - rest.len() + 4)),
        };
        Ok(Known::Whole(Self {
            last,
            opcode,
            mask,
            length,
        }))
    }
}
