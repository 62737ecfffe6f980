//! The code that reads what strangers send, each piece behind a function that takes bytes.
//!
//! A target panics where something is wrong: the piece panicked, or two ways of asking it gave two answers. The fuzzer
//! in `tests/fuzz` calls the targets with what it makes up; the tests of this crate call them with what it found before,
//! `tests/fuzz/corpus`.
//!
//! An input is text where the piece reads text, so that corpora can be read and written by hand. Where there is
//! something to choose, the first character is a number.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a target that cannot do what it is for is a failed test"
)]

#[cfg(feature = "audit")]
pub mod audit;
#[cfg(any(feature = "audit", feature = "identity"))]
mod files;
#[cfg(feature = "identity")]
pub mod identity;
mod input;
#[cfg(feature = "inspect")]
pub mod inspect;
#[cfg(feature = "pki")]
pub mod pki;
#[cfg(feature = "policy")]
pub mod policy;
#[cfg(feature = "redact")]
pub mod redact;
#[cfg(feature = "websocket")]
pub mod websocket;

/// A target: takes any bytes, and panics where something is wrong.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    #[cfg(feature = "policy")]
    ("policy_model", policy::model),
    #[cfg(feature = "policy")]
    ("policy_rules", policy::rules),
    #[cfg(feature = "policy")]
    ("policy_request", policy::request),
    #[cfg(feature = "policy")]
    ("policy_bundle", policy::bundle),
    #[cfg(feature = "redact")]
    ("redact_body", redact::body),
    #[cfg(feature = "redact")]
    ("redact_twice", redact::twice),
    #[cfg(feature = "redact")]
    ("redact_coded", redact::coded),
    #[cfg(feature = "redact")]
    ("redact_parts", redact::parts),
    #[cfg(feature = "redact")]
    ("redact_header", redact::header),
    #[cfg(feature = "redact")]
    ("redact_message", redact::message),
    #[cfg(feature = "redact")]
    ("redact_schema", redact::schema),
    #[cfg(feature = "redact")]
    ("redact_watermark", redact::watermark),
    #[cfg(feature = "inspect")]
    ("inspect_request", inspect::request),
    #[cfg(feature = "inspect")]
    ("inspect_rules", inspect::rules),
    #[cfg(feature = "inspect")]
    ("inspect_ruled", inspect::ruled),
    #[cfg(feature = "inspect")]
    ("inspect_response", inspect::response),
    #[cfg(feature = "inspect")]
    ("inspect_openapi", inspect::openapi),
    #[cfg(feature = "identity")]
    ("identity_token", identity::token),
    #[cfg(feature = "identity")]
    ("identity_fields", identity::fields),
    #[cfg(feature = "identity")]
    ("identity_journal", identity::journal),
    #[cfg(feature = "pki")]
    ("pki_verify", pki::verify),
    #[cfg(feature = "audit")]
    ("audit_log", audit::log),
    #[cfg(feature = "audit")]
    ("audit_text", audit::text),
    #[cfg(feature = "websocket")]
    ("websocket_frames", websocket::frames),
];
