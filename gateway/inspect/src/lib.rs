//! Attacks in requests: what a client sent is decoded, cut into values and read by detectors that know the grammar
//! of what they look for.
//!
//! ```text
//! head, body ─► split ─► decode ─► classes ─► literals ─► lexers ─► rules ─► verdict
//!               values   layers    (gate)     (prefilter) (confirm)          score, findings
//! ```
//!
//! Reading order: [`inspector`] and [`body`] (what is read), `split` (into values), `decode` (layers), `detect` (the
//! detectors, one a file), [`model`] (the second opinion), [`rules`] (what each finding is worth), [`verdict`]. Beside
//! them stand [`response`] (what should not leave), [`openapi`] (what a portal says it takes) and [`seclang`].
//!
//! Text in any script is text: characters above ASCII stay characters in every step, so Chinese prose is never read
//! as punctuation. Every step takes time linear in its input and is bounded in memory.

pub mod bench;
pub mod body;
mod classes;
pub mod cli;
mod coding;
mod decode;
mod detect;
mod effort;
mod except;
mod honeypot;
pub mod inspector;
pub mod model;
#[cfg(test)]
mod nasty;
pub mod openapi;
pub mod raw;
pub mod response;
pub mod rules;
mod scan;
pub mod seclang;
mod split;
mod text;
pub mod verdict;

pub use body::{Completeness, Undecodable};
pub use coding::plain;
pub use decode::{Layer, Layers};
pub use except::{Exception, Exceptions, Exempt, Subject, UnknownSubject};
pub use honeypot::{BadTrap, Honeypots};
pub use inspector::{Head, Inspector, Sensitivity, Settings};
pub use response::ResponseScan;
pub use verdict::{Category, Finding, Findings, Place, RuleId, Verdict};
