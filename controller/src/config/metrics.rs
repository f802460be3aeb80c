//! The key `metrics`.

use serde::Deserialize;

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Whether a token is needed: a user's, or one of the kind `discovery`.
    /// Without it everybody who reaches the port may read them; they hold no
    /// secrets and no names of servers or people.
    pub require_token: bool,
}
