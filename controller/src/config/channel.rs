//! The key `channel`.

use serde::Deserialize;

/// How exporters get their modules, which hold passwords.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelConfig {
    /// Gives them out over plain HTTP too, also past this machine. For networks
    /// that something else encrypts.
    pub allow_plain_http: bool,
}
