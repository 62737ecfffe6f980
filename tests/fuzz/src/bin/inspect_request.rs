//! See `hangu_targets::inspect::request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::inspect::request(data));
