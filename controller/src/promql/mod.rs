//! What the controller knows of PromQL.

pub mod check;
pub mod enforce;

pub use enforce::{Limit, Refusal};
