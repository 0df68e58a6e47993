#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire_postgres::simple::fuzz_simple(data));
