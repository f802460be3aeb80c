//! The module file (`--config.file`): read, checked, reloaded.
//!
//! A file goes through three forms. `yaml` turns its text into a tree that knows every
//! position; `raw` gives the tree its shape; `check` gives it its meaning, which is [`Config`].
//! Each step reports every mistake it finds instead of the first one. The keys are those of the
//! stock exporter, plus ours: `pass_file`, `pass_env`, `k_g`, `k_g_file`, `k_g_env`, `targets`,
//! `noncritical`, `cipher_suites`.
//!
//! Which targets may be asked with which module is in [`Permission`]; it is pure, and the rules
//! are in its module's documentation.

mod allow;
mod check;
mod checked;
mod collector;
mod custom_args;
mod diagnostic;
pub mod duration;
mod excerpt;
mod k_g;
mod load;
mod password;
mod raw;
mod reload;
pub(crate) mod report;
mod secret;
mod setting;
pub(crate) mod source;
pub(crate) mod suggest;
mod target_address;
pub(crate) mod yaml;

pub use allow::{AllowList, Denied, EntryError, Permission};
pub use checked::{Config, Module, SelEvent};
pub use collector::Collector;
pub use diagnostic::{ConfigError, Diagnostic, Position};
pub use k_g::BmcKey;
pub use load::{Loaded, load, load_remote, load_text, load_with};
pub use reload::{ConfigHolder, ReloadStatus};
pub use secret::Secret;
pub use setting::{
    CipherSuite, Driver, InBand, Noncritical, Privilege, ThresholdStates, Workaround,
};
pub use source::MAX_FILE_BYTES;
pub use target_address::{DEFAULT_PORT, Host, TargetAddress, TargetError};
