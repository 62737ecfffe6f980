//! See `hangu_targets::websocket::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hangu_targets::websocket::frames(data));
