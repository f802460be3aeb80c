//! Modules from a controller, over its configuration channel, in place of a
//! module file.
//!
//! A [`Follower`] asks for the exporter's configuration and waits for changes of
//! it (long poll), applies them as a reload does, tells the controller what came
//! of it, and keeps the last one sealed on disk (`sealed`) for a start while the
//! controller is away. Nothing that goes wrong here takes a configuration that
//! is in use away.
//!
//! The HTTP client is hyper's own connection, which the server brings along
//! already, with one connection that is held: a client library of its own would
//! double the program's HTTP code for pools, redirects and proxies that must
//! not be used here.

mod client;
mod connection;
mod endpoint;
mod error;
mod follower;
mod sealed;
mod state;
mod tls;
mod token;

pub use endpoint::Endpoint;
pub use follower::{Follower, Handle, Settings};
