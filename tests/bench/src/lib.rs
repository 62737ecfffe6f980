//! What the gateway is measured with: a load generator, an upstream, and bare proxies to compare with.
//!
//! [`wire`] opens connections and reads answers, [`trust`] reads certificates. The programs stand in `src/bin`.

pub mod trust;
pub mod wire;

/// Whatever ends a program here; it is printed and the run counts for nothing.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
