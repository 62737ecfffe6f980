//! See `hangu_targets::identity::fields`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::identity::fields(data));
