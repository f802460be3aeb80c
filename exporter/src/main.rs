//! `ipmi_exporter`: parse flags, build, run.
#![forbid(unsafe_code)]

fn main() {}
