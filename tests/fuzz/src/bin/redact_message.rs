//! See `hangu_targets::redact::message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::redact::message(data));
