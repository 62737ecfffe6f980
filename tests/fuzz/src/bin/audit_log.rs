//! See `hangu_targets::audit::log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::audit::log(data));
