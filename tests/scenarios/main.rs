//! The product as its users meet it.

#![cfg(test)]

mod administration;
mod assertion;
mod bodies;
mod crash;
mod crossings;
mod detection;
mod harness;
mod identify;
mod protocols;
mod proxy_protocol;
mod reload;
mod revocation;
mod sign_in;
mod slow_clients;
mod strictness;
mod upgrade;
mod upstreams;
