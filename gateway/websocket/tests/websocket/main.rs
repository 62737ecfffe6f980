//! Frames as peers send them.

#![cfg(test)]

mod foreign;
mod frames;
mod support;
