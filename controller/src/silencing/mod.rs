//! Keeps silences in Alertmanager as they are wanted here.
//!
//! A silence lives in Alertmanager; the store mirrors it, with who made it and
//! why. Alertmanager writes its silences to disk every quarter of an hour, so a
//! crash loses the newest: [`keeper`](Keeper) compares both again and again and
//! puts back what is lost. What ended in Alertmanager has ended, and what others
//! made there is shown and left alone.

mod keeper;
mod plan;
mod reach;
mod resolve;
mod windows;

pub use keeper::{KeepError, Keeper};
pub use plan::{Mirrored, Step, Why, plan};
pub use reach::Reach;
pub use resolve::{Affected, AffectedAlert, AffectedServer, Refused, affected, resolve};
pub use windows::{Due, MadeSilence, due};
