#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rmcp_ipmi_fuzz::fru::run(data));
