//! A body that is one message, of which whole fields are redacted as they arrive.

use std::sync::Arc;

use super::MESSAGE_MAX;
use super::schema::MessageType;
use super::walk::{from_json, to_json};
use super::wire::{self, Next};
use crate::engine::Setting;
use crate::kind::Summary;
use crate::media::Media;
use crate::part::{PartError, Unread};
use crate::people::{PEOPLE_MAX, Person};
use crate::redactor::Redactor;

/// Bytes of fields that are redacted together: chosen, so that what belongs to one record mostly is.
const TOGETHER: usize = 64 * 1024;

/// What redacts messages, and what it has seen.
#[derive(Debug)]
pub(crate) struct Messages {
    setting: Setting,
    of: MessageType,
    summary: Summary,
    people: Vec<Person>,
    unread: Unread,
}

/// One body.
#[derive(Debug)]
pub(crate) struct Stream {
    messages: Messages,
    pending: Vec<u8>,
    /// Bytes of whole fields that the pending ones begin with.
    whole: usize,
}

impl Messages {
    pub(super) fn new(setting: &Setting, of: MessageType) -> Self {
        Self {
            setting: setting.clone(),
            of,
            summary: Summary::default(),
            people: Vec::new(),
            unread: Unread::default(),
        }
    }

    /// Redacts whole fields of a message.
    pub(super) fn redact(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), PartError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (schema, at) = (self.of.schema.as_ref(), self.of.at);
        let unreadable = self.setting.unreadable;
        let json = to_json(schema, at, bytes, unreadable, &mut self.unread)?;
        let rules = Arc::clone(&self.setting.rules);
        let mut redactor = Redactor::with(rules, self.setting.level, Media::Json.into());
        let mut redacted = Vec::with_capacity(json.len());
        redactor.feed(json.as_bytes(), &mut redacted);
        let summary = redactor.finish(&mut redacted);
        self.summary.counts += summary.counts;
        self.summary.masked += summary.masked;
        if self.people.len() < PEOPLE_MAX {
            self.people.extend(redactor.people());
            self.people.sort_unstable();
            self.people.dedup();
            self.people.truncate(PEOPLE_MAX);
        }
        match from_json(schema, at, bytes, unreadable, &redacted)? {
            Some(message) => out.extend(message),
            None => out.extend_from_slice(bytes),
        }
        Ok(())
    }

    pub(crate) fn summary(&self) -> Summary {
        self.summary
    }

    pub(crate) fn people(&self) -> Vec<Person> {
        self.people.clone()
    }

    pub(crate) fn unread(&self) -> &Unread {
        &self.unread
    }
}

impl Stream {
    pub(crate) fn new(setting: &Setting, of: MessageType) -> Self {
        Self {
            messages: Messages::new(setting, of),
            pending: Vec::new(),
            whole: 0,
        }
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), PartError> {
        self.pending.extend_from_slice(chunk);
        let mut done = 0;
        loop {
            let rest = self.pending.get(done + self.whole..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            match wire::next(rest)? {
                Next::Field(_, length) => self.whole += length,
                Next::Open(length) if length > MESSAGE_MAX => {
                    return Err(PartError::Held { limit: MESSAGE_MAX });
                }
                Next::Open(_) => break,
            }
            if self.whole >= TOGETHER {
                let fields = self.pending.get(done..done + self.whole);
                self.messages.redact(fields.unwrap_or_default(), out)?;
                done += std::mem::take(&mut self.whole);
            }
        }
        self.pending.drain(..done);
        Ok(())
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<Summary, PartError> {
        if self.whole != self.pending.len() {
            return Err(PartError::Truncated);
        }
        self.whole = 0;
        let fields = std::mem::take(&mut self.pending);
        self.messages.redact(&fields, out)?;
        Ok(self.messages.summary())
    }

    pub(crate) fn messages(&self) -> &Messages {
        &self.messages
    }
}
