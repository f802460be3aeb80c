#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ipmi_exporter_fuzz::stored::run(data));
