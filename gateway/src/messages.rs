//! WebSocket messages that are read on their way: inspected, redacted, bounded.
//!
//! ```text
//! client ─► frames ─► inspect ─► redact ─► frames, masked anew ─► upstream
//! client ◄─ frames ◄─ redact ◄──────────── frames ◄────────────── upstream
//! ```
//!
//! A message is put together whole, looked at, and passed on as one frame. What may not pass closes both sides with the
//! code that RFC 6455 has for it. Connections whose messages nobody has to read are copied instead; see [`crate::tunnel`].
//!
//! Reading order: [`Reading`], [`inspect`] and [`redact`] (what is done with a message), [`relay`] (the two ways),
//! [`ended`] (what is recorded at the end).

pub mod ended;
pub mod inspect;
pub mod redact;
pub mod relay;

use std::collections::BTreeSet;
use std::sync::Arc;

use hangu_inspect::Verdict;
use hangu_redact::{Counts, Level, Person, Summary};
use hangu_websocket::{Close, Item, Opcode, Peer, write, write_close};
use smallvec::SmallVec;

use self::inspect::Judge;
use self::redact::Redaction;
use crate::config::InspectMode;
use crate::exchange::Exchange;
use crate::refusal::Refusal;

/// What a control frame may carry (RFC 6455, 5.5).
const CONTROL_MAX: usize = 125;

/// What is done with the messages of a connection.
#[derive(Debug)]
pub struct Reading {
    /// Bytes that a message may have.
    pub most: usize,
    /// What the client sends.
    pub asked: Desk,
    /// What the upstream sends.
    pub answered: Desk,
}

/// Whether somebody has to read the messages of a connection: the decision asks for redaction, or the portal inspects.
pub fn are_read(exchange: &Exchange) -> bool {
    let redacts = exchange
        .decision
        .as_ref()
        .is_some_and(|decided| decided.redact.is_some() || decided.redact_requests.is_some());
    let inspects = exchange
        .portal()
        .is_ok_and(|portal| portal.settings.inspect.mode != InspectMode::Off);
    redacts || inspects
}

impl Reading {
    /// What a connection that has been decided on asks for; nothing where it may be copied.
    pub fn of(exchange: &Exchange) -> Option<Self> {
        if !are_read(exchange) {
            return None;
        }
        let portal = Arc::clone(exchange.portal().ok()?);
        let decided = exchange.decision.as_ref();
        let rules = &exchange.snapshot.configuration.redact.rules;
        let redaction = |level: Option<Level>, from| {
            level.map(|level| Redaction::new(rules, level, portal.settings.unreadable, from))
        };
        Some(Self {
            most: portal.settings.message_size,
            asked: Desk {
                judge: Judge::of(exchange, &portal),
                redaction: redaction(decided.and_then(|d| d.redact_requests), Peer::Client),
                told: Told::default(),
            },
            answered: Desk {
                judge: None,
                redaction: redaction(decided.and_then(|d| d.redact), Peer::Server),
                told: Told::default(),
            },
        })
    }
}

/// Where the messages of one way are read.
#[derive(Debug)]
pub struct Desk {
    judge: Option<Judge>,
    redaction: Option<Redaction>,
    told: Told,
}

/// What the messages of one way told.
#[derive(Debug, Default)]
pub struct Told {
    /// Bytes of messages and control frames that were passed on.
    pub bytes: u64,
    /// Personal data in them.
    pub summary: Option<Summary>,
    /// Whom they tell of.
    pub people: BTreeSet<Person>,
    /// What inspection saw in them.
    pub verdict: Verdict,
    /// What was not looked at.
    pub unread: SmallVec<[&'static str; 1]>,
}

impl Told {
    /// Notes once that something was not looked at.
    fn unread(&mut self, what: &'static str) {
        if !self.unread.contains(&what) {
            self.unread.push(what);
        }
    }

    fn found(&mut self, counts: Counts, masked: Counts) {
        let summary = self.summary.get_or_insert_default();
        summary.counts += counts;
        summary.masked += masked;
    }
}

impl Desk {
    /// Appends the frame of what may pass on.
    ///
    /// # Errors
    /// `attack`, `uninspectable-body`, `unredactable-answer` and `unredactable-request`; nothing is appended then.
    fn pass(
        &mut self,
        item: Item,
        mask: Option<[u8; 4]>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let before = out.len();
        match item {
            Item::Text(text) => {
                self.judged(text.as_bytes())?;
                let redacted = match &self.redaction {
                    Some(redaction) => redaction.text(&text, &mut self.told)?,
                    None => text.into_bytes(),
                };
                write(out, Opcode::Text, &redacted, mask);
            }
            Item::Binary(bytes) => {
                self.judged(&bytes)?;
                if let Some(redaction) = &self.redaction {
                    redaction.binary(&mut self.told)?;
                }
                write(out, Opcode::Binary, &bytes, mask);
            }
            Item::Ping(bytes) => self.control(Opcode::Ping, bytes, mask, out)?,
            Item::Pong(bytes) => self.control(Opcode::Pong, bytes, mask, out)?,
            Item::Close(Close { code, reason }) => {
                self.judged(reason.as_bytes())?;
                let reason = match &self.redaction {
                    Some(redaction) => redaction.text(&reason, &mut self.told)?,
                    None => reason.into_bytes(),
                };
                // What a mask has made longer than a frame is cut; it is no value any more.
                write_close(out, code, &String::from_utf8_lossy(&reason), mask);
            }
        }
        self.told.bytes += (out.len() - before) as u64;
        Ok(())
    }

    /// Passes a ping or pong: mostly empty or a number, and nothing that should be a way around what is read.
    fn control(
        &mut self,
        opcode: Opcode,
        bytes: Vec<u8>,
        mask: Option<[u8; 4]>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        self.judged(&bytes)?;
        let mut payload = bytes;
        if let Some(redaction) = &self.redaction
            && let Ok(text) = std::str::from_utf8(&payload)
        {
            payload = redaction.text(text, &mut self.told)?;
            if payload.len() > CONTROL_MAX {
                payload.clear();
            }
        }
        write(out, opcode, &payload, mask);
        Ok(())
    }

    fn judged(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        match &self.judge {
            Some(judge) if !bytes.is_empty() => judge.message(bytes, &mut self.told),
            Some(_) | None => Ok(()),
        }
    }
}
