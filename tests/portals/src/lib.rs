//! The sample portals behind the pass, and the citizens in them.
//!
//! Three services, as a government would put behind a gateway: a public site ([`public`]), a data-exchange interface
//! with gRPC ([`exchange`], [`grpc`]) and a staff system ([`staff`]). All speak HTTP/1.1 and HTTP/2 in cleartext on one
//! listener ([`serve()`]), and answer a few paths alike that tests ask ([`every`]). What they hold is made up from a seed
//! ([`records`]) and right in every check digit, so that redaction has something to find. [`pages`], [`notices`] and
//! [`resource`] are what the public site shows; [`request`] and [`answer`] read and write messages.

pub mod answer;
pub mod every;
pub mod exchange;
pub mod grpc;
pub mod notices;
pub mod pages;
pub mod portal;
pub mod public;
pub mod records;
pub mod request;
pub mod resource;
pub mod serve;
pub mod staff;

pub use portal::{Kind, Portal};
pub use records::Records;
pub use serve::{serve, serve_exchange, serve_public, serve_staff};
