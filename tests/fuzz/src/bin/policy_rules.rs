//! See `hangu_targets::policy::rules`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::policy::rules(data));
