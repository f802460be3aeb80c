//! Dashboards for Grafana, generated from one typed model. Nothing here does I/O.
//!
//! [`model`] says what a dashboard is made of: every panel has a unit and a
//! description, every text is there in English and Chinese. The dashboards
//! themselves are in [`boards`], [`promql`] has the expressions that several of
//! them need, [`mod@write`] makes Grafana's JSON, and [`bundle`] the files for
//! Grafana's provisioning.

pub mod boards;
pub mod bundle;
pub mod model;
pub mod promql;
pub mod write;

pub use boards::{all, find};
pub use model::{Dashboard, Language, text};
pub use write::Options;

/// The tag of all dashboards: by it they link to each other, and by it a
/// dashboard is known to be one of ours.
pub const TAG: &str = "ipmi-controller";
/// Unique name of the folder that they are in.
pub const FOLDER_UID: &str = "ipmi-controller";

/// Unique name of the fleet overview.
pub const FLEET: &str = "ipmi-fleet";
/// Unique name of the dashboard of one server.
pub const SERVER: &str = "ipmi-server";
/// Unique name of the comparison of groups and racks.
pub const COMPARISON: &str = "ipmi-comparison";
/// Unique name of the dashboard of power and energy.
pub const POWER: &str = "ipmi-power";
/// Unique name of the dashboard of fans and temperatures.
pub const COOLING: &str = "ipmi-cooling";
/// Unique name of the dashboard of alerts.
pub const ALERTS: &str = "ipmi-alerts";
/// Unique name of the dashboard of exporters and the controller.
pub const HEALTH: &str = "ipmi-health";

/// Path and query at Grafana of the dashboard of the server with this name.
#[must_use]
pub fn server_path(name: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("d/{SERVER}?var-server={name}")
}

#[cfg(test)]
mod tests;
