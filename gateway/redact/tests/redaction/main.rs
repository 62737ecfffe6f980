//! Redaction as its users meet it: whole bodies in, whole bodies out.
#![cfg(test)]

mod accuracy;
mod bodies;
mod documents;
mod events;
mod fields;
mod machines;
mod messages;
mod office;
mod parts;
mod paths;
mod reference;
mod splits;
mod support;
mod watermark;
