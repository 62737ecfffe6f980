//! See `hangu_targets::inspect::openapi`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::inspect::openapi(data));
