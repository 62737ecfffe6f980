//! What redacts the plain bytes of a body, whatever it is.

use std::sync::Arc;

use crate::body::{BodyError, Limits};
use crate::content::Content;
use crate::kind::Summary;
use crate::level::Level;
use crate::media::Format;
use crate::multipart::Multipart;
use crate::office::Office;
use crate::part::{PartError, Unread, Unreadable};
use crate::people::Person;
use crate::proto::{Grpc, Stream};
use crate::redactor::Redactor;
use crate::rules::Rules;

/// Parts within parts: chosen, more than mail has.
const DEPTH_MAX: u8 = 4;

/// What an engine needs to make another for a part.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) rules: Arc<Rules>,
    pub(crate) level: Level,
    pub(crate) limits: Limits,
    pub(crate) unreadable: Unreadable,
    pub(crate) depth: u8,
}

/// One body without its coding.
#[derive(Debug)]
pub(crate) enum Engine {
    Text(Box<Redactor>),
    Multipart(Box<Multipart>),
    Office(Box<Office>),
    Protobuf(Box<Stream>),
    Grpc(Box<Grpc>),
}

impl Engine {
    pub(crate) fn new(setting: &Setting, content: Content) -> Result<Self, PartError> {
        if setting.depth > DEPTH_MAX {
            return Err(PartError::TooDeep { limit: DEPTH_MAX });
        }
        Ok(match content {
            Content::Text(format) => Self::text(setting, format),
            Content::Multipart(boundary) => {
                Self::Multipart(Box::new(Multipart::new(setting, &boundary)))
            }
            Content::Office => Self::Office(Box::new(Office::new(setting))),
            Content::Protobuf(of) => Self::Protobuf(Box::new(Stream::new(setting, of))),
            Content::Grpc(of, coding) => Self::Grpc(Box::new(Grpc::new(setting, of, coding))),
        })
    }

    /// One for text, whatever the depth.
    pub(crate) fn text(setting: &Setting, format: Format) -> Self {
        Self::Text(Box::new(Redactor::with(
            Arc::clone(&setting.rules),
            setting.level,
            format,
        )))
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        match self {
            Self::Text(redactor) => {
                redactor.feed(chunk, out);
                charset_of(redactor)
            }
            Self::Multipart(parts) => parts.feed(chunk, out),
            Self::Office(office) => office.feed(chunk, out),
            Self::Protobuf(message) => Ok(message.feed(chunk, out)?),
            Self::Grpc(messages) => Ok(messages.feed(chunk, out)?),
        }
    }

    /// Lets go what is held of texts that events tell.
    pub(crate) fn release(&mut self, out: &mut Vec<u8>) {
        if let Self::Text(redactor) = self {
            redactor.release(out);
        }
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<Summary, BodyError> {
        match self {
            Self::Text(redactor) => {
                let summary = redactor.finish(out);
                charset_of(redactor)?;
                Ok(summary)
            }
            Self::Multipart(parts) => parts.finish(out),
            Self::Office(office) => office.finish(out),
            Self::Protobuf(message) => Ok(message.finish(out)?),
            Self::Grpc(messages) => Ok(messages.finish()?),
        }
    }

    /// What was done so far.
    pub(crate) fn summary(&self) -> Summary {
        match self {
            Self::Text(redactor) => redactor.summary(),
            Self::Multipart(parts) => parts.summary(),
            Self::Office(office) => office.summary(),
            Self::Protobuf(message) => message.messages().summary(),
            Self::Grpc(messages) => messages.summary(),
        }
    }

    /// Whom the body tells of so far. Documents in archives tell of nobody.
    pub(crate) fn people(&self) -> Vec<Person> {
        match self {
            Self::Text(redactor) => redactor.people(),
            Self::Multipart(parts) => parts.people(),
            Self::Office(_) => Vec::new(),
            Self::Protobuf(message) => message.messages().people(),
            Self::Grpc(messages) => messages.messages().people(),
        }
    }

    /// What was passed or replaced unread so far.
    pub(crate) fn unread(&self) -> &Unread {
        match self {
            Self::Text(_) => Unread::NONE,
            Self::Multipart(parts) => parts.unread(),
            Self::Office(office) => office.unread(),
            Self::Protobuf(message) => message.messages().unread(),
            Self::Grpc(messages) => messages.messages().unread(),
        }
    }
}

fn charset_of(redactor: &Redactor) -> Result<(), BodyError> {
    if redactor.is_malformed() {
        Err(BodyError::Charset)
    } else {
        Ok(())
    }
}
