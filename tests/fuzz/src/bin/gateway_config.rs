//! See `hangu_targets::gateway::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::gateway::config(data));
