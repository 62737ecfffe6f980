//! What one peer sends, as it arrives.

use crate::close::Close;
use crate::fault::Fault;
use crate::head::{HEAD_MAX, Head, Known, Opcode};
use crate::mask;

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Its frames are masked.
    Client,
    /// Its frames are not.
    Server,
}

/// What a peer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A whole text message.
    Text(String),
    /// A whole message of bytes.
    Binary(Vec<u8>),
    /// A ping; at most 125 bytes.
    Ping(Vec<u8>),
    /// A pong; at most 125 bytes.
    Pong(Vec<u8>),
    /// The peer closes: nothing of it is read after this.
    Close(Close),
}

/// Reads what one peer sends. Holds one message and one control frame at most, and of them only what has arrived.
#[derive(Debug)]
pub struct Reader {
    peer: Peer,
    /// Bytes that a message may have.
    most: usize,
    head: [u8; HEAD_MAX],
    /// Bytes of the head that are there.
    known: usize,
    frame: Option<Frame>,
    message: Option<Message>,
    control: Vec<u8>,
    end: Option<End>,
}

/// The frame whose payload is read.
#[derive(Debug, Clone, Copy)]
struct Frame {
    last: bool,
    opcode: Opcode,
    mask: Option<[u8; 4]>,
    read: usize,
    left: usize,
}

#[derive(Debug)]
struct Message {
    is_text: bool,
    bytes: Vec<u8>,
}

/// Why nothing is read any more.
#[derive(Debug, Clone, Copy)]
enum End {
    Closed,
    Failed(Fault),
}

impl Reader {
    /// A reader of messages of at most `most` bytes.
    #[must_use]
    pub const fn new(peer: Peer, most: usize) -> Self {
        Self {
            peer,
            most,
            head: [0; HEAD_MAX],
            known: 0,
            frame: None,
            message: None,
            control: Vec::new(),
            end: None,
        }
    }

    /// Whether the peer has closed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.end, Some(End::Closed))
    }

    /// Whether nothing of a message or a frame is waiting for its rest.
    #[must_use]
    pub const fn is_between(&self) -> bool {
        self.known == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// Takes bytes off the front of `input` until something is whole; nothing where the rest is still to come. After a
    /// close frame everything is taken and nothing said.
    ///
    /// # Errors
    /// What the protocol forbids, and the same again whenever it is asked afterwards.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Item>, Fault> {
        match self.end {
            Some(End::Closed) => {
                *input = &[];
                return Ok(None);
            }
            Some(End::Failed(fault)) => return Err(fault),
            None => {}
        }
        let read = self.read(input);
        match &read {
            Ok(Some(Item::Close(_))) => self.end = Some(End::Closed),
            Err(fault) => {
                self.end = Some(End::Failed(*fault));
                self.message = None;
            }
            Ok(_) => {}
        }
        read
    }

    fn read(&mut self, input: &mut &[u8]) -> Result<Option<Item>, Fault> {
        loop {
            let Some(frame) = &mut self.frame else {
                let Some(head) = self.head(input)? else {
                    return Ok(None);
                };
                self.frame = Some(self.begin(head)?);
                continue;
            };
            let into = match &mut self.message {
                Some(message) if !frame.opcode.is_control() => &mut message.bytes,
                Some(_) | None => &mut self.control,
            };
            let (now, rest) = input.split_at_checked(frame.left).unwrap_or((*input, &[]));
            *input = rest;
            let from = into.len();
            into.extend_from_slice(now);
            if let (Some(mask), Some(new)) = (frame.mask, into.get_mut(from..)) {
                mask::apply(mask, frame.read, new);
            }
            frame.read += now.len();
            frame.left -= now.len();
            if frame.left > 0 {
                return Ok(None);
            }
            let frame = *frame;
            self.frame = None;
            if let Some(item) = self.end(frame)? {
                return Ok(Some(item));
            }
        }
    }

    /// The head of the next frame, once it is whole.
    fn head(&mut self, input: &mut &[u8]) -> Result<Option<Head>, Fault> {
        loop {
            let bytes = self.head.get(..self.known).unwrap_or_default();
            match Head::read(bytes, self.peer)? {
                Known::Whole(head) => {
                    self.known = 0;
                    return Ok(Some(head));
                }
                Known::Needs(_) => {}
            }
            let Some((&byte, rest)) = input.split_first() else {
                return Ok(None);
            };
            *input = rest;
            if let Some(place) = self.head.get_mut(self.known) {
                *place = byte;
            }
            self.known += 1;
        }
    }

    /// Checks that a frame may come now, and makes room for its message.
    fn begin(&mut self, head: Head) -> Result<Frame, Fault> {
        let left = usize::try_from(head.length).map_err(|_| Fault::TooLarge)?;
        if !head.opcode.is_control() {
            let so_far = match (head.opcode, &self.message) {
                (Opcode::Continuation, None) => return Err(Fault::NoBeginning),
                (Opcode::Continuation, Some(message)) => message.bytes.len(),
                (_, Some(_)) => return Err(Fault::Interleaved),
                (_, None) => 0,
            };
            if left > self.most.saturating_sub(so_far) {
                return Err(Fault::TooLarge);
            }
            self.message.get_or_insert(Message {
                is_text: head.opcode == Opcode::Text,
                bytes: Vec::new(),
            });
        }
        Ok(Frame {
            last: head.last,
            opcode: head.opcode,
            mask: head.mask,
            read: 0,
            left,
        })
    }

    /// What a frame that is whole completes.
    fn end(&mut self, frame: Frame) -> Result<Option<Item>, Fault> {
        match frame.opcode {
            Opcode::Ping => Ok(Some(Item::Ping(std::mem::take(&mut self.control)))),
            Opcode::Pong => Ok(Some(Item::Pong(std::mem::take(&mut self.control)))),
            Opcode::Close => {
                let payload = std::mem::take(&mut self.control);
                Close::read(&payload).map(|close| Some(Item::Close(close)))
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary if !frame.last => Ok(None),
            Opcode::Continuation | Opcode::Text | Opcode::Binary => match self.message.take() {
                None => Ok(None),
                Some(Message {
                    is_text: false,
                    bytes,
                }) => Ok(Some(Item::Binary(bytes))),
                Some(Message { bytes, .. }) => String::from_utf8(bytes)
                    .map(|text| Some(Item::Text(text)))
                    .map_err(|_| Fault::NotUtf8),
            },
        }
    }
}
