//! See `hangu_targets::gateway::proxy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::gateway::proxy(data));
