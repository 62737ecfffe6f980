//! The product as its users meet it.

#![cfg(test)]

mod harness;
mod proxy_protocol;
mod strictness;
