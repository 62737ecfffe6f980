//! See `hangu_targets::identity::journal`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::identity::journal(data));
