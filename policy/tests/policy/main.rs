#![cfg(test)]
//! The policy engine as the gateway meets it.

mod cases;
mod changes;
mod commands;
mod defects;
mod dialect;
mod dice;
mod differential;
mod follows;
mod gateway;
mod languages;
mod lifecycle;
mod lifecycle_model;
mod lifecycle_reach;
mod lifecycle_rollout;
mod lifecycle_store;
mod lifecycle_support;
mod properties;
mod recorded;
mod statements;
mod statements_oracle;
mod storm;
mod support;
mod tools;
mod vectors;
