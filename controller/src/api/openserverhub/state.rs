//! How servers are, as whoever measures it says.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::model::Id;

/// Whether a BMC answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does.
    Online,
    /// It does not.
    Offline,
    /// Nobody asks it, or nobody has yet.
    #[default]
    Unknown,
    /// It does, and refuses.
    Error,
}

/// Whether a machine is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PowerState {
    /// It is.
    On,
    /// It is off.
    Off,
    /// Nobody knows.
    #[default]
    Unknown,
}

/// How a server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerState {
    /// Whether its BMC answers.
    pub status: Status,
    /// Whether it is on.
    pub power_state: PowerState,
    /// When its BMC answered last.
    pub last_seen: Option<Timestamp>,
}

/// Who knows how servers are. What is not known is left out; a server that nobody
/// knows of is [`Status::Unknown`].
pub trait ServerStates: Send + Sync {
    /// How these servers are.
    fn of<'a>(&'a self, ids: &'a [Id]) -> BoxFuture<'a, HashMap<Id, ServerState>>;

    /// How all servers are of which anything is known.
    fn all(&self) -> BoxFuture<'_, HashMap<Id, ServerState>>;
}

/// Knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnknownStates;

impl ServerStates for UnknownStates {
    fn of<'a>(&'a self, _: &'a [Id]) -> BoxFuture<'a, HashMap<Id, ServerState>> {
        Box::pin(std::future::ready(HashMap::new()))
    }

    fn all(&self) -> BoxFuture<'_, HashMap<Id, ServerState>> {
        Box::pin(std::future::ready(HashMap::new()))
    }
}
