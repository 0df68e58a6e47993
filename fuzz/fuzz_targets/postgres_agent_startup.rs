#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire_postgres::startup::fuzz_agent_startup(data));
