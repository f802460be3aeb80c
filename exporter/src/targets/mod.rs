//! All BMCs of the process: where names lead, one actor for each address, the
//! threads that they run on.

mod actor;
mod registry;
mod resolve;
mod worker;

pub use registry::{Limits, Overload, Registry};
pub use resolve::{LookUp, NameService, ResolveError, Resolver};
pub use worker::Workers;
