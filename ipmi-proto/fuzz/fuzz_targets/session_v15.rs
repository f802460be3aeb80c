#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rmcp_ipmi_fuzz::session_v15::run(data));
