//! The product as its users meet it.

#![cfg(test)]

mod administration;
mod assertion;
mod bodies;
mod crash;
mod crossings;
mod detection;
mod handshakes;
mod harness;
mod identify;
mod inspection;
mod inspection_rules;
mod limits;
mod living;
mod messages;
mod personal_data;
mod policy;
mod positive;
mod protocols;
mod proxy_protocol;
mod record;
mod redaction;
mod reload;
mod requests;
mod review;
mod revocation;
mod rotation;
mod sign_in;
mod slow_clients;
mod streams;
mod strictness;
mod upgrade;
mod upstreams;
mod watermark;
