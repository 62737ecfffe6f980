//! See `hangu_targets::audit::text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::audit::text(data));
