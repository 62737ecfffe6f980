//! See `hangu_targets::policy::bundle`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::policy::bundle(data));
