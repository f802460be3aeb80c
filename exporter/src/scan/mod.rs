//! Looking for BMCs: which addresses of a network answer, what they offer to
//! anybody, and what is weak about that.
//!
//! A scan knows no credentials and opens no session. It sends presence pings, Get
//! Channel Authentication Capabilities and Get Channel Cipher Suites, all of which
//! only read, slowly enough for any network. [`Scanner`] decides, without I/O and
//! without a clock; [`run`] puts it on sockets.

mod bmc;
mod drive;
mod network;
mod pacer;
mod plan;
mod question;
mod report;
mod scanner;

pub use bmc::{Bmc, MAX_SUITES, Versions, Weakness};
pub use drive::{End, ScanError, run};
pub use network::{Block, Network, NetworkError};
pub use plan::{MAX_ADDRESSES, MAX_FORCED_ADDRESSES, Plan, Refused};
pub use report::{Format, Report};
pub use scanner::{Ignored, Progress, ScanSettings, Scanner};
