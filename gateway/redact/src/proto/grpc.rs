//! A body of messages, each behind its length: gRPC, and gRPC-Web with its trailers at the end.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>: a byte of flags, four of length, the message.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

use super::MESSAGE_MAX;
use super::schema::MessageType;
use super::stream::Messages;
use crate::coding::Coding;
use crate::engine::Setting;
use crate::kind::Summary;
use crate::media::Media;
use crate::part::PartError;
use crate::redactor::Redactor;

/// The message is coded as `grpc-encoding` says.
const CODED: u8 = 1;

/// Trailers, as gRPC-Web writes them.
const TRAILERS: u8 = 0x80;

/// Bytes of flags and length.
const HEAD: usize = 5;

/// One direction of a call.
#[derive(Debug)]
pub(crate) struct Grpc {
    messages: Messages,
    setting: Setting,
    coding: Coding,
    pending: Vec<u8>,
    /// What was found in trailers.
    trailers: Summary,
}

impl Grpc {
    pub(crate) fn new(setting: &Setting, of: MessageType, coding: Coding) -> Self {
        Self {
            messages: Messages::new(setting, of),
            setting: setting.clone(),
            coding,
            pending: Vec::new(),
            trailers: Summary::default(),
        }
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), PartError> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend_from_slice(chunk);
        let mut rest = pending.as_slice();
        while let Some((&[flags, a, b, c, d], behind)) = rest.split_first_chunk::<HEAD>() {
            let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            if length > MESSAGE_MAX {
                return Err(PartError::Held { limit: MESSAGE_MAX });
            }
            let Some((message, next)) = behind.split_at_checked(length) else {
                break;
            };
            self.frame(flags, message, out)?;
            rest = next;
        }
        let done = pending.len() - rest.len();
        pending.drain(..done);
        self.pending = pending;
        Ok(())
    }

    fn frame(&mut self, flags: u8, message: &[u8], out: &mut Vec<u8>) -> Result<(), PartError> {
        let plain = match flags {
            0 | TRAILERS => message.to_vec(),
            CODED => inflate(self.coding, message)?,
            _ => return Err(PartError::Message("a message has flags that do not exist")),
        };
        let mut redacted = Vec::with_capacity(plain.len());
        if flags == TRAILERS {
            self.trailers(&plain, &mut redacted);
        } else {
            self.messages.redact(&plain, &mut redacted)?;
        }
        // What did not change keeps its bytes.
        let coded = match flags {
            CODED if redacted == plain => message.to_vec(),
            CODED => deflate(self.coding, &redacted)?,
            _ => redacted,
        };
        let length =
            u32::try_from(coded.len()).map_err(|_| PartError::Held { limit: MESSAGE_MAX })?;
        out.push(flags);
        out.extend(length.to_be_bytes());
        out.extend(coded);
        Ok(())
    }

    /// Trailers are lines of headers.
    fn trailers(&mut self, lines: &[u8], out: &mut Vec<u8>) {
        let rules = std::sync::Arc::clone(&self.setting.rules);
        let mut redactor = Redactor::with(rules, self.setting.level, Media::Text.into());
        redactor.feed(lines, out);
        let summary = redactor.finish(out);
        self.trailers.counts += summary.counts;
        self.trailers.masked += summary.masked;
    }

    pub(crate) fn finish(&mut self) -> Result<Summary, PartError> {
        if !self.pending.is_empty() {
            return Err(PartError::Truncated);
        }
        Ok(self.summary())
    }

    pub(crate) fn summary(&self) -> Summary {
        let mut summary = self.messages.summary();
        summary.counts += self.trailers.counts;
        summary.masked += self.trailers.masked;
        summary
    }

    pub(crate) fn messages(&self) -> &Messages {
        &self.messages
    }
}

/// Undoes the coding of one message, as far as messages go.
fn inflate(coding: Coding, coded: &[u8]) -> Result<Vec<u8>, PartError> {
    const WRONG: PartError = PartError::Message("it is not coded as its call says");
    let mut plain = Vec::new();
    let most = MESSAGE_MAX as u64 + 1;
    let read = match coding {
        Coding::Gzip => GzDecoder::new(coded).take(most).read_to_end(&mut plain),
        Coding::Deflate => ZlibDecoder::new(coded).take(most).read_to_end(&mut plain),
        Coding::Identity | Coding::Brotli | Coding::Zstd => return Err(WRONG),
    };
    read.map_err(|_| WRONG)?;
    if plain.len() > MESSAGE_MAX {
        return Err(PartError::Held { limit: MESSAGE_MAX });
    }
    Ok(plain)
}

fn deflate(coding: Coding, plain: &[u8]) -> Result<Vec<u8>, PartError> {
    let fast = Compression::fast();
    let coded = match coding {
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), fast);
            encoder.write_all(plain).and_then(|()| encoder.finish())
        }
        Coding::Gzip | Coding::Identity | Coding::Brotli | Coding::Zstd => {
            let mut encoder = GzEncoder::new(Vec::new(), fast);
            encoder.write_all(plain).and_then(|()| encoder.finish())
        }
    };
    coded.map_err(|_| PartError::Message("it cannot be coded again"))
}
