//! Bytes to values and back; no state, no clock, no keys.
//!
//! Every decoder takes a whole byte slice that came from the network, so every
//! decoder must be total: any input gives a value or a [`DecodeError`].

mod reader;

pub use reader::{DecodeError, Reader};
