//! How much, how many at once, and who not at all.
//!
//! Three questions that the path asks about a request, each answered by one type:
//!
//! ```text
//!  address / caller ──► Bans         is it shut out, until when, and why?      (bans.rs, ban.rs, journal.rs)
//!                   ──► Limiter      is it within its rate?                    (limiter.rs, rate.rs, headers.rs)
//!                   ──► Concurrency  is there room for one more at the moment? (concurrency.rs)
//! ```
//!
//! Nothing here asks for the time. Rates take a monotonic `Duration` since an origin of the caller's choosing; bans
//! take Unix milliseconds, because they outlive the process. An address is always seen as an [`AddressKey`]: one
//! IPv4 address, or the /64 that an IPv6 subscriber owns.
//!
//! Reading order: `address`, `rate`, `limiter`, `concurrency`, `ban`, `bans`, `journal`.

mod address;
mod ban;
mod bans;
mod concurrency;
mod headers;
mod journal;
mod limiter;
mod rate;
mod shards;

pub use address::{AddressKey, canonical};
pub use ban::{Ban, BanError, BanId, BanTarget, Fingerprint, NewBan};
pub use bans::Bans;
pub use concurrency::{Busy, Concurrency, Guard};
pub use headers::{RATE_LIMIT, RATE_LIMIT_POLICY, RETRY_AFTER, ratelimit_fields};
pub use journal::JournalError;
pub use limiter::{Allowance, Limiter, Outcome};
pub use rate::{Rate, RateError};
