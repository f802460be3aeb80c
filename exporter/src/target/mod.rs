//! BMCs: who may be asked, one actor for each, their sessions and their caches.

mod actor;
mod bmc;
mod collection;
mod login_budget;
mod registry;
mod resolve;
pub mod store;

pub use bmc::Bmc;
pub use collection::{Collection, Profile};
pub use login_budget::LoginBudget;
pub use registry::{Limits, Overload, Registry};
pub use resolve::{ResolveError, Resolver};
