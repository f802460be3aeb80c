//! The exporters' configuration channel: each exporter gets exactly the modules
//! and targets that it carries, as soon as they change.
//!
//! A [`Keeper`] makes a [`View`] for each exporter whenever the desired state or
//! what is published changes; the [`Handle`] lets requests wait for it. Secrets
//! are no part of a view: they are opened for an answer, and wiped after it.
//!
//! When a server moves from one exporter to another, both list it for a while:
//! the new one before Prometheus asks it (the engine waits for that, see
//! [`Handle::settled`]), the old one until Prometheus has stopped. So an
//! exporter lists what it carries in the desired state, in the published
//! targets, in the last targets that were seen live, and what it carried until
//! two minutes ago.

mod document;
mod handle;
mod keeper;
mod overlap;
mod view;

pub use handle::{Handle, Waited};
pub use keeper::Keeper;
pub use view::View;
