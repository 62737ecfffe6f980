#![cfg(test)]
//! The policy engine as the gateway meets it.

mod cases;
mod commands;
mod defects;
mod dialect;
mod dice;
mod differential;
mod gateway;
mod properties;
mod recorded;
mod statements;
mod support;
mod tools;
mod vectors;
