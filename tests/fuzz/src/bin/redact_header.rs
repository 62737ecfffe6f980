//! See `hangu_targets::redact::header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::redact::header(data));
