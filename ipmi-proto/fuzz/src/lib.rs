//! What the fuzz targets do with their input, as plain functions: the same
//! bodies run under the fuzzer and, over the kept inputs, as tests.
//!
//! Each module has one `run(data)`. It may do anything with any bytes but panic,
//! and it checks what must hold for every input. Whatever is random follows from
//! the input, so that a finding can be replayed.

pub mod datagram;
pub mod fru;
pub mod handshake;
pub mod in_session;
mod input;
pub mod sdr;
pub mod sdr_walk;
pub mod sel;
pub mod session_v15;

#[path = "../../tests/support/forge.rs"]
mod forge;
