#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| notify::fuzz_answer(data));
