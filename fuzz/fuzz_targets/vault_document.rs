#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vault::fuzz_document(data));
