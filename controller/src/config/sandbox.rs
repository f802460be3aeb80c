//! The key `sandbox`.

use std::path::PathBuf;

use serde::Deserialize;

/// Where receivers are tried out.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxConfig {
    /// The program; `alertmanager` or `prometheus-alertmanager` of the path when
    /// absent.
    pub alertmanager: Option<PathBuf>,
}
