//! The product as its users meet it.

#![cfg(test)]

mod administration;
mod crash;
mod detection;
mod harness;
mod proxy_protocol;
mod reload;
mod revocation;
mod strictness;
mod upgrade;
mod upstreams;
