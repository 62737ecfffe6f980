//! See `hangu_targets::policy::model`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::policy::model(data));
