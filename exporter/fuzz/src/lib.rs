//! What the fuzz targets do with their input, as plain functions: the same
//! bodies run under the fuzzer and, over the kept inputs, as tests.

pub mod config;
pub mod stored;
