//! See `hangu_targets::identity::token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::identity::token(data));
