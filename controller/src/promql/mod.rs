//! What the controller knows of PromQL: whether an expression is one, and whose
//! series it may reach.

pub mod check;
pub mod enforce;
mod parser;

pub use enforce::{Limit, Refusal};
