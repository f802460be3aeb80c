//! Makes other programs match the desired state, and proves that they do.
//!
//! The desired state is rendered once for all (`desired`). Each artefact at each
//! server is a `Unit` with a loop of its own (`reconcile`), so that a server that
//! is down delays no other: compare (`plan`), decide (`decide`, pure), keep a
//! version in the store and replace the file (`publish`), make the server read
//! it and look at what it has (`look`). A version that the server refuses is
//! taken back. What is published is decided in the store before anything is
//! written, so a crash at any moment is made good by comparing bytes. What is
//! special about an artefact is its `Subject`.

mod content;
mod decide;
mod desired;
mod diff;
mod engine;
mod exporters;
mod file;
mod handle;
mod impact;
mod lists;
mod live_rules;
mod look;
mod plan;
mod publish;
mod reconcile;
mod rules;
mod status;
mod subject;
mod targets;
mod unit;

pub use content::ContentError;
pub use engine::Engine;
pub use exporters::Exporters;
pub use file::FileError;
pub use handle::{Handle, NoTargets, SyncError};
pub use lists::TargetLists;
pub use plan::Guard;
pub use status::{
    AlertSetBody, ArtefactPlanBody, ArtefactStatus, BlindSpotBody, DiffBody, ImpactBody, PlanBody,
    State, StateLossBody, StatusSource, SyncStatus,
};
