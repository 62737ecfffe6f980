#![cfg(test)]
//! The policy engine as the gateway meets it.

mod cases;
mod changes;
mod commands;
mod defects;
mod dialect;
mod dice;
mod differential;
mod gateway;
mod properties;
mod recorded;
mod storm;
mod support;
mod tools;
mod vectors;
