//! The exporters' configuration channel: what a module is made of, and what is
//! known of an exporter that asks for its modules.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Driver, Id};
use crate::clock::Timestamp;

/// A credential profile as an exporter needs it. Its secrets are still sealed:
/// only the places where they are.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleSource {
    /// Name of the module.
    pub name: String,
    /// The BMC user; empty is the null user.
    pub username: String,
    /// Which generation of sessions.
    pub driver: Driver,
    /// Privilege level.
    pub privilege: Option<String>,
    /// Other keys of the module.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// The secret that is the password. A new password has a new place.
    pub password: Option<String>,
    /// The secret that is the BMC's own key.
    pub k_g: Option<String>,
}

/// Where an exporter has its modules from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelSource {
    /// It has none yet.
    #[default]
    None,
    /// From this channel.
    Controller,
    /// From its sealed copy.
    Cache,
}

impl ChannelSource {
    const ALL: [Self; 3] = [Self::None, Self::Controller, Self::Cache];

    /// The word in the store and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Controller => "controller",
            Self::Cache => "cache",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// What an exporter tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelReport {
    /// ETag of the configuration that it works with.
    pub applied: Option<String>,
    /// ETag of the configuration that it refused last, unless it has taken one since.
    pub refused: Option<String>,
    /// Why; empty when all is well.
    pub error: String,
    /// Version of the exporter.
    pub exporter_version: String,
    /// When its process began.
    pub started_at: Option<Timestamp>,
    /// Where its configuration is from.
    pub source: ChannelSource,
}

/// What is known of an exporter on the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelState {
    /// The exporter.
    pub exporter_id: Id,
    /// Since when it asks without a long pause.
    pub connected_at: Timestamp,
    /// When it asked last.
    pub last_seen_at: Timestamp,
    /// What it told last.
    pub report: ChannelReport,
    /// ETag of the configuration that it was given last.
    pub handed_out: Option<String>,
}

/// Whether an exporter works with the configuration that it should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// It does.
    InSync,
    /// It works with an older one, or has told nothing yet.
    Pending,
    /// It has refused the present one and works with an older one.
    Failed,
}

/// An exporter's channel as the API tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChannelStatus {
    /// Since when it asks without a long pause.
    pub connected_at: Timestamp,
    /// When it asked last; it asks at least once a minute.
    pub last_seen_at: Timestamp,
    /// Whether it asked lately.
    pub is_connected: bool,
    /// Whether it works with what it should.
    pub applied: Applied,
    /// Why not, in the exporter's words.
    pub error: Option<String>,
    /// Version of the exporter; empty when it has not told.
    pub exporter_version: String,
    /// When its process began.
    pub started_at: Option<Timestamp>,
    /// Where its configuration is from.
    pub source: ChannelSource,
}
