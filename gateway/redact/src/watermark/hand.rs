//! What is done at every cell: a bit is written, or read.

use std::sync::Arc;

use super::value::{self, unmarked};
use super::{Carrier, Votes, Watermark, WatermarkKey};

/// Writes or reads the bits of cells.
#[derive(Debug)]
pub(super) enum Hand {
    Write {
        mark: Watermark,
        written: u64,
    },
    Read {
        key: Arc<WatermarkKey>,
        votes: Votes,
    },
}

impl Hand {
    /// Takes the text of a cell, `raw` as its format writes it; returns what is to be written instead.
    pub(super) fn text(&mut self, text: &str, raw: &str) -> Option<String> {
        let plain = unmarked(text)?;
        let masked = value::is_masked(&plain);
        let prose = value::is_prose(&plain);
        match self {
            Self::Read { key, votes } => {
                if masked {
                    let place = key.place(Carrier::Stars, &plain);
                    votes.add(Carrier::Stars, place, value::has_small_stars(text));
                }
                if prose {
                    let place = key.place(Carrier::Invisible, &plain);
                    votes.add(Carrier::Invisible, place, value::has_invisible(text));
                }
                None
            }
            Self::Write { mark, written } => {
                let mut changed = None;
                if masked && mark.carriers.has(Carrier::Stars) {
                    let place = mark.key.place(Carrier::Stars, &plain);
                    changed = value::with_stars(raw, place.bit(mark.recipient));
                    *written += 1;
                }
                if prose && mark.carriers.has(Carrier::Invisible) {
                    let place = mark.key.place(Carrier::Invisible, &plain);
                    let raw = changed.as_deref().unwrap_or(raw);
                    changed = value::with_invisible(raw, place.bit(mark.recipient)).or(changed);
                    *written += 1;
                }
                changed
            }
        }
    }

    /// Takes a cell that can be spelt in two ways and is spelt in one; returns how it is to be.
    pub(super) fn spelling(&mut self, text: &str, spelt: bool) -> bool {
        let Some(plain) = unmarked(text) else {
            return spelt;
        };
        match self {
            Self::Read { key, votes } => {
                votes.add(
                    Carrier::Spelling,
                    key.place(Carrier::Spelling, &plain),
                    spelt,
                );
                spelt
            }
            Self::Write { mark, written } if mark.carriers.has(Carrier::Spelling) => {
                *written += 1;
                mark.key
                    .place(Carrier::Spelling, &plain)
                    .bit(mark.recipient)
            }
            Self::Write { .. } => spelt,
        }
    }
}
