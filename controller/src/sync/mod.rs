//! Makes other programs match the desired state, and proves that they do.
//!
//! [`Engine`] renders the desired state, compares it with what is published
//! ([`Plan`], [`Guard`]), keeps it as a version in the store, replaces the file,
//! and looks at the live server (`prometheus`). A version that the server refuses
//! is taken back. What is published is decided in the store before anything is
//! written, so a crash at any moment is made good by comparing bytes.

mod engine;
mod file;
mod handle;
pub mod plan;
mod prometheus;
mod published;
mod status;

pub use engine::Engine;
pub use file::FileError;
pub use handle::{Handle, SyncError};
pub use plan::{Guard, Plan};
pub use prometheus::Prometheus;
pub use published::Published;
pub use status::{ArtefactStatus, BlindSpotBody, PlanBody, State, SyncStatus};
