//! Attacks in the messages of a client.

use std::fmt;

use hangu_inspect::{Completeness, Inspector};
use serde::de::IgnoredAny;

use super::Told;
use crate::config::{InspectMode, Unreadable};
use crate::exchange::Exchange;
use crate::refusal::Refusal;
use crate::snapshot::Portal;
use crate::stage::inspect::inspector;

/// Judges one message after the other, each for itself, as the body of a request is judged.
pub struct Judge {
    inspector: Inspector,
    /// The score from which a message is refused; none where findings are only recorded.
    threshold: Option<u32>,
    /// Bytes of a message that are inspected.
    bound: usize,
    over_bound: Unreadable,
    undecodable: Unreadable,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("threshold", &self.threshold)
            .field("bound", &self.bound)
            .finish_non_exhaustive()
    }
}

impl Judge {
    /// The judge of a portal, with what it excepts for this request; none where it does not inspect.
    pub fn of(exchange: &Exchange, portal: &Portal) -> Option<Self> {
        let settings = &portal.settings.inspect;
        let threshold = match settings.mode {
            InspectMode::Off => return None,
            InspectMode::Observe => None,
            InspectMode::Block => Some(settings.threshold),
        };
        Some(Self {
            inspector: inspector(exchange, portal),
            threshold,
            bound: settings.body,
            over_bound: settings.over_bound,
            undecodable: settings.undecodable,
        })
    }

    /// Judges a message.
    ///
    /// # Errors
    /// `attack`, and `uninspectable-body` for what cannot be read and may not pass so.
    pub fn message(&self, bytes: &[u8], told: &mut Told) -> Result<(), Refusal> {
        let begin = bytes.get(..self.bound).unwrap_or(bytes);
        if begin.len() < bytes.len() {
            if self.over_bound == Unreadable::Refuse {
                return Err(Refusal::Uninspectable(
                    "a message is larger than the bound of inspection",
                ));
            }
            told.unread("message-over-bound");
        }
        // Nothing says what a message is. One that begins like JSON and is none, as `[smile] hello` is, is text.
        let is_json =
            begin.len() == bytes.len() && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
        let (media, completeness) = if is_json {
            (Some("application/json"), Completeness::Whole)
        } else {
            (None, Completeness::Truncated)
        };
        match self.inspector.body(media, None, begin, completeness) {
            Ok(verdict) => {
                let blocks = self.threshold.is_some_and(|least| verdict.blocks(least));
                told.verdict.merge(verdict);
                if blocks {
                    return Err(Refusal::Attack);
                }
            }
            Err(undecodable) => {
                tracing::debug!(?undecodable, "message not decoded");
                if self.undecodable == Unreadable::Refuse {
                    return Err(Refusal::Uninspectable("a message cannot be decoded"));
                }
                told.unread("undecodable-message");
            }
        }
        Ok(())
    }
}
