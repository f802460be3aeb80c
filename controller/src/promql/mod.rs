//! PromQL: what expressions say, and whose series they may reach.

pub mod enforce;

pub use enforce::{Limit, Refusal};
