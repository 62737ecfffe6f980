//! Personal data in bodies: found by shape and check digit, masked while the body streams past.
//!
//! ```text
//! bytes ─► coding undone ─► scan: 64 bytes at a time, jump to what could matter
//!                             └► cluster: the run of characters around it, escapes undone
//!                                  └► find: e-mail, numbers, groups of digits ─► check digits ─► mask
//!          coding redone ◄─ untouched ranges copied as they are, masked ones rewritten
//! ```
//!
//! The output is the same for every way of cutting the input into chunks. What is held back between two chunks is
//! the open cluster and nothing else, [`HELD_MAX`] bytes at most; a cluster which could grow longer is decided from
//! its own first bytes, so that neither memory nor the result depends on who sends how much at once.
//!
//! Reading order: [`Redactor`] (one body), `scan` (the pass), `step` (a place that it stops at), `expect`, `names` and
//! `field` (values whose field says what they are), `cluster` and `unit` (what a run of characters is in each format),
//! `decide`, `find` and `number` (what is in a run), `check` (check digits), `sink` and `mask` (what each level leaves).
//! Ahead of the pass stand `table` (columns by their head), `deltas` (texts that events tell in pieces), `path_stage` and
//! `own_stage` (what an operator names); `original` and `transcode` read other charsets. [`BodyRedactor`] puts gzip, deflate, brotli and zstd around it, and `engine`
//! chooses by [`Content`]: one text, `multipart`, or an archive of office documents (`office`, of which `document`, `sheet`
//! and `shared` read the entries and `runs` texts whose pieces stand apart), or messages (`proto`). What leaves may carry
//! marks that say who received it (`watermark`, put behind the engine by `marking`). [`redact_header`], [`redact_url`],
//! [`mask_str`] and [`cli`] are the same engine elsewhere.
//!
//! Names and addresses in running text are not found: no rule tells them from other words.

mod action;
mod bits;
mod body;
mod check;
mod checked;
pub mod cli;
mod cluster;
mod coding;
mod content;
mod context;
mod contextual;
mod copy;
mod decide;
mod deltas;
mod document;
mod encode;
mod engine;
mod expect;
mod extent;
mod ff1;
mod field;
mod find;
mod grid;
mod header;
mod keyed;
mod kind;
mod label;
mod level;
mod marking;
mod mask;
mod media;
mod middle;
mod mrz;
mod multipart;
mod named;
mod names;
mod network;
mod number;
mod office;
mod original;
mod own;
mod own_stage;
mod part;
mod part_head;
mod path;
mod path_stage;
mod people;
mod proto;
mod redactor;
mod rules;
mod run;
mod runs;
mod scan;
mod seal;
mod secret;
mod shape;
mod shared;
mod sheet;
mod sink;
mod spans;
mod step;
mod syntax;
mod table;
mod transcode;
mod unit;
mod value;
mod watermark;
mod whole;
mod zip;
mod zip_write;

pub use action::{Action, UnknownAction};
pub use body::{BodyError, BodyRedactor, Limits};
pub use coding::{Coding, UnknownCoding};
pub use content::{Boundary, Content};
pub use ff1::{Cipher, UnknownCipher};
pub use header::{Redacted, redact_header, redact_query, redact_url};
pub use keyed::{KeyError, Keys, SECRET_MIN};
pub use kind::{Counts, Kind, Summary, UnknownKind};
pub use level::{Level, UnknownLevel};
pub use media::{Format, Media, MediaError};
pub use own::{OwnError, OwnKind, OwnKindFile};
pub use part::{PartError, Unread, Unreadable};
pub use people::{PEOPLE_MAX, Person, PersonKey};
pub use proto::{MessageType, Schema, SchemaError};
pub use redactor::{HELD_MAX, Redactor, mask_str};
pub use rules::Rules;
pub use value::Charset;
pub use watermark::{
    Carrier, Carriers, Evidence, Marked, Marker, Match, RECIPIENT_BITS, Recipient, Unmarkable,
    Votes, Watermark, WatermarkKey,
};
