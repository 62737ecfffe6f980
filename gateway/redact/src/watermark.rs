//! Marks in exports that say who received them.
//!
//! ```text
//! value of a cell ─► keyed function ─► a vector of 40 bits, and one bit that hides the rest
//! bit that the cell carries = parity of (vector and recipient) xor the hiding bit
//! ```
//!
//! What a cell carries depends on its own text and on nothing else: rows can be removed, sorted and mixed, columns moved or
//! dropped, one format saved as another. Where the bit stands, a [`Carrier`] says. Every cell is an equation in the 40 bits
//! of the recipient, so that some fifty different cells name the recipient without a list, and thirty with one
//! ([`Votes::read`], [`Votes::accuse`]).
//!
//! The bits of any recipient other than the right one agree with those of a document as coins do, whoever wrote it: a
//! wrong accusation is as probable as a binomial test says ([`Match::chance`]), and nobody is named where that is more than
//! was asked for.
//!
//! Not survived: every cell typed anew; all carriers that were used undone (for spelling, saving in another program; for
//! stars, replacing one character; for invisible characters, taking them out); a document with too few different cells.
//! Of two copies that are compared, what differs is seen, and can be removed; what is left names both.
//!
//! Reading order: this file, `value` (what a cell carries), `hand` (writing and reading are one), `table`, `json` and
//! `workbook` (where cells stand), `marker` (one body), `votes` and `solve` (who it was).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

use crate::keyed::{KeyError, SECRET_MIN};

mod hand;
mod json;
mod marker;
mod solve;
mod table;
mod value;
mod votes;
mod workbook;

pub use marker::{Evidence, Marked, Marker, Unmarkable};
pub use votes::{Match, Votes};

/// Bits of a recipient's number. Chosen: among ten thousand names two have the same number once in 22,000 times, and as
/// few as 60 cells are enough to read it.
pub const RECIPIENT_BITS: u32 = 40;

/// The key under which marks are made and read; whoever has it can make marks of anybody.
pub struct WatermarkKey(Key);

impl fmt::Debug for WatermarkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatermarkKey(…)")
    }
}

/// Whom a copy was made for, as a number below 2⁴⁰.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Recipient(u64);

/// Where in a cell its bit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// The stars of a masked value: `*` or the small form `﹡` (U+FE61). Survives every program that keeps texts.
    Stars,
    /// Quotes around a cell of CSV that needs none; a space between a key and its value in JSON. Readers see no difference;
    /// survives whatever treats lines as lines, and not being saved by another program.
    Spelling,
    /// An invisible character (U+200B) behind the first Chinese character of a text. Survives every program that keeps
    /// texts, but whoever compares texts sees two.
    Invisible,
}

impl Carrier {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stars, Self::Spelling, Self::Invisible];
}

/// The carriers that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carriers {
    /// [`Carrier::Stars`]. Default: yes.
    pub stars: bool,
    /// [`Carrier::Spelling`]. Default: yes.
    pub spelling: bool,
    /// [`Carrier::Invisible`]. Default: no.
    pub invisible: bool,
}

impl Default for Carriers {
    fn default() -> Self {
        Self {
            stars: true,
            spelling: true,
            invisible: false,
        }
    }
}

impl Carriers {
    const fn has(self, carrier: Carrier) -> bool {
        match carrier {
            Carrier::Stars => self.stars,
            Carrier::Spelling => self.spelling,
            Carrier::Invisible => self.invisible,
        }
    }
}

/// What marks one copy.
#[derive(Debug, Clone)]
pub struct Watermark {
    /// The key.
    pub key: Arc<WatermarkKey>,
    /// Whom the copy is for.
    pub recipient: Recipient,
    /// What may be changed.
    pub carriers: Carriers,
}

impl WatermarkKey {
    /// Derives the key from a secret.
    ///
    /// # Errors
    /// The secret is shorter than [`SECRET_MIN`] bytes.
    pub fn new(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < SECRET_MIN {
            return Err(KeyError::Short(secret.len()));
        }
        let derived = sign(&Key::new(HMAC_SHA256, secret), b"hangu watermark");
        Ok(Self(Key::new(HMAC_SHA256, derived.as_ref())))
    }

    /// What the cell of a value means: a vector, and the bit that hides its product with a recipient.
    fn place(&self, carrier: Carrier, plain: &str) -> Place {
        let head: &[u8] = match carrier {
            Carrier::Stars => b"stars\0",
            Carrier::Spelling => b"spelling\0",
            Carrier::Invisible => b"invisible\0",
        };
        Place(self.word(&[head, plain.as_bytes()].concat()))
    }

    fn word(&self, text: &[u8]) -> u64 {
        let mac = sign(&self.0, text);
        u64::from_be_bytes(mac.as_ref().first_chunk().copied().unwrap_or([0; 8]))
    }
}

impl Recipient {
    /// Takes a number; `None` from 2⁴⁰ on.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        (number >> RECIPIENT_BITS == 0).then_some(Self(number))
    }

    /// The number of a name under a key: of a caller, or of a caller and the decision that let them read.
    #[must_use]
    pub fn named(key: &WatermarkKey, name: &str) -> Self {
        let word = key.word(&[b"recipient\0", name.as_bytes()].concat());
        Self(word >> (u64::BITS - RECIPIENT_BITS))
    }

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What a cell means under the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place(u64);

impl Place {
    /// The vector whose product with the recipient the cell carries.
    const fn vector(self) -> u64 {
        self.0 & ((1 << RECIPIENT_BITS) - 1)
    }

    /// The bit that hides it.
    const fn hiding(self) -> bool {
        self.0 >> 63 == 1
    }

    /// The bit that the cell carries in the copy of a recipient.
    const fn bit(self, recipient: Recipient) -> bool {
        ((self.vector() & recipient.0).count_ones() % 2 == 1) ^ self.hiding()
    }
}
