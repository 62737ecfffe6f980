#![cfg(test)]
//! The policy engine as the gateway meets it.

mod cases;
mod commands;
mod defects;
mod differential;
mod gateway;
mod properties;
mod support;
