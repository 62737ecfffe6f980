//! Configuration: `file` as written, `resolve` as meant. Only the second leaves this module.

mod at;
mod file;
mod folder;
mod inspection;
mod load;
mod mistake;
mod redaction;
mod reference;
mod resolve;
#[cfg(test)]
mod tests;
mod unit;

pub use file::{
    Balance, ClientCertificates, InspectMode, InspectResponses, LogFormat, Method, Protocol,
    Record, TlsVersion, Unreadable,
};
pub use folder::members;
pub use inspection::{Excepted, RuleEffect, RuleSource};
pub use load::{load, told_by_toml};
pub use mistake::{Mistake, nearest, unreadable, unusable};
pub use redaction::Redaction;
pub use resolve::{
    Audit, Bounds, Configuration, Console, Crossing, Eject, Health, Identity, Inspect, Issuer,
    JwksSource, KeyPair, Limit, Policy, Portal, Rate, Review, Upstream, UpstreamTls, Zone, ZoneTls,
};

/// The JSON Schema of the configuration file.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(file::File)
}

/// The reference page of the configuration, written from the types.
pub fn reference() -> String {
    reference::page(&schema())
}
