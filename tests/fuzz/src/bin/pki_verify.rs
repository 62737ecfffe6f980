//! See `hangu_targets::pki::verify`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::pki::verify(data));
