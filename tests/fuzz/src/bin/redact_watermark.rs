//! See `hangu_targets::redact::watermark`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::redact::watermark(data));
