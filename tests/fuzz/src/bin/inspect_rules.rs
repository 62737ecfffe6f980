//! See `hangu_targets::inspect::rules`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::inspect::rules(data));
