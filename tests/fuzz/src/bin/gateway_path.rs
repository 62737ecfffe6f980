//! See `hangu_targets::gateway::path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::gateway::path(data));
