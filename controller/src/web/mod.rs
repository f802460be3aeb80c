//! Connections: plain or TLS, HTTP/1.1 and HTTP/2, limited in number and time.

mod listen;
mod tls;

pub use listen::{Options, OverTls, serve};
pub use tls::{Certificate, Tls, TlsError};
