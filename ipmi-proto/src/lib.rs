//! IPMI 2.0 over RMCP+.
//!
//! A protocol core without I/O ([`wire`], [`crypto`], [`session`], [`command`])
//! and decoders for what a BMC stores and measures ([`sdr`], [`sensor`],
//! [`sel`]); with the feature `tokio` a UDP [`client`] on top.
//!
//! # What it does not do
//!
//! It never writes to a BMC, opens no serial console, and speaks no in-band
//! interfaces. Sessions of IPMI 1.5, which have no encryption, it opens only when
//! [told](session::Settings::with_generation) to. It has all cipher suites, and uses
//! 17 and 3, which are in general use, unless
//! [told](session::Settings::with_suites) otherwise. Some lack encryption, integrity or any proof of the password:
//! [`crypto::CipherSuite::weakness`].
//!
//! # Without a runtime
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, Instant};
//!
//! use rand::SeedableRng;
//! use rmcp_ipmi::crypto::{Password, Username};
//! use rmcp_ipmi::session::{Session, Settings};
//!
//! let settings = Settings::new(Username::new(b"admin")?, Password::new(b"secret")?);
//! let rng = rand::rngs::StdRng::seed_from_u64(1); // seed it from the OS instead
//! let mut session = Session::new(Arc::new(settings), None, Default::default(), rng);
//!
//! let now = Instant::now();
//! session.open(now, now + Duration::from_secs(10));
//! let mut datagram = Vec::new();
//! assert!(session.poll_transmit(&mut datagram)); // send this to port 623 …
//! let wake_at = session.poll_timeout(); // … and call back with the answer, or then
//! assert!(wake_at > Some(now));
//! # Ok::<(), rmcp_ipmi::crypto::SecretError>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "tokio")]
pub mod client;
pub mod command;
pub mod crypto;
mod error;
pub mod fru;
mod privilege;
pub mod sdr;
pub mod sel;
pub mod sensor;
pub mod session;
pub mod walk;
pub mod wire;

pub use error::{Error, Refusal, Retry, Stage};
pub use privilege::PrivilegeLevel;
