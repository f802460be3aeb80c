//! Who asks, and what they may do.

pub mod access;
mod browser;
mod external;
mod limit;
mod login;
mod password;
mod principal;
mod token_text;

pub use browser::BrowserSession;
pub use external::AdmitError;
pub use limit::{LoginLimiter, TooMany};
pub use login::{ACCESS_LIFE, Authenticator, LoginError, Session, TokenError};
pub use password::{PasswordError, PasswordHasher};
pub use principal::{Principal, Subject};
pub use token_text::TokenText;
