//! See `hangu_targets::redact::schema`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::redact::schema(data));
