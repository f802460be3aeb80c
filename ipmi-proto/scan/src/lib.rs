//! Looking for BMCs: which addresses of a network answer, what they offer to
//! anybody, and what is weak about that.
//!
//! A scan knows no credentials and opens no session. It sends presence pings, Get
//! Channel Authentication Capabilities and Get Channel Cipher Suites, all of which
//! only read, slowly enough for any network. [`Scanner`] decides, without I/O and
//! without a clock; [`run`] puts it on sockets.
#![forbid(unsafe_code)]

mod block;
mod bmc;
mod drive;
mod pacer;
mod plan;
mod question;
mod scanner;

pub use block::{Block, BlockError};
pub use bmc::{Bmc, MAX_SUITES, Versions, Weakness};
pub use drive::{End, ScanError, run};
pub use plan::{MAX_ADDRESSES, MAX_FORCED_ADDRESSES, Plan, Refused};
pub use scanner::{Ignored, Progress, ScanSettings, Scanner};
