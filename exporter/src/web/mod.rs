//! The HTTP server without what it serves: listening, TLS, authentication, answers.
//!
//! [`listen::Server`] accepts connections and hands requests to one handler function;
//! [`WebSettings`] stands before it with what `--web.config.file` says. The helpers in
//! [`response`] and [`compress`] are for handlers.

pub mod address;
mod auth;
pub mod bind;
mod client_auth;
pub mod compress;
mod landing;
pub mod listen;
mod rate_limit;
pub mod response;
pub mod route;
mod settings;
mod stamp;
mod tls;
mod web_config;

pub use listen::{Server, ServerOptions};
pub use settings::WebSettings;
