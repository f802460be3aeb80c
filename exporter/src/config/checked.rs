//! The configuration as it is used: every value is legal, every secret is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use rmcp_ipmi::crypto::AuthType;
use rmcp_ipmi::session::Settings;

use super::allow::{AllowList, Permission};
use super::collector::Collector;
use super::k_g::BmcKey;
use super::secret::Secret;
use super::setting::{CipherSuite, Driver, Noncritical, Privilege, ThresholdStates, Workaround};

/// Everything that the module file says.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The modules by name. There is no `default` unless the file defines one.
    pub modules: BTreeMap<String, Arc<Module>>,
}

/// How to ask a BMC, and what for.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its name in the file.
    pub name: String,
    /// User name, 1 to 16 bytes; `None` is the null user.
    pub user: Option<String>,
    /// Password, up to 20 bytes (IPMI 2.0, 22.30); empty is the null password.
    pub password: Secret,
    /// The BMC's own key for log-ins with two keys; `None` when the BMC has none.
    pub k_g: Option<BmcKey>,
    /// Privilege level of the session; `None` is the lowest that does.
    pub privilege: Option<Privilege>,
    /// How the BMC is reached. Check [`Driver::unsupported`] before anything is sent.
    pub driver: Driver,
    /// Longest time for one scrape where Prometheus does not say; `None` is the default of the
    /// command line.
    pub timeout: Option<Duration>,
    /// What to run, in this order, each at most once; may be empty.
    pub collectors: Vec<Collector>,
    /// SDR record IDs that the collector `ipmi` leaves out.
    pub exclude_sensor_ids: BTreeSet<u16>,
    /// FreeIPMI's work-arounds that were asked for.
    pub workarounds: BTreeSet<Workaround>,
    /// Events that the collector `sel-events` counts.
    pub sel_events: Vec<SelEvent>,
    /// Targets that this module may be used with; `None` when the module has no list, which does
    /// not mean "all": ask [`Config::permission`].
    pub allow: Option<AllowList>,
    /// How readings beyond non-critical thresholds are called; `None` is the default of the
    /// command line.
    pub noncritical: Option<Noncritical>,
    /// Cipher suites to offer, the preferred one first; never empty.
    pub cipher_suites: Vec<CipherSuite>,
    /// Ways to log in with [`Driver::Lan15`]; never empty.
    pub auth_types: Vec<AuthType>,
    /// Export one sensor for each unit that shares a record (`--shared-sensors`).
    pub shared_sensors: bool,
    /// Put the entity's name before the sensor's (`--entity-sensor-names`).
    pub entity_sensor_names: bool,
    /// Read the sensors of satellite controllers too, through the BMC (`--bridge-sensors`).
    pub bridge_sensors: bool,
    /// Where the states of threshold sensors come from.
    pub threshold_states: ThresholdStates,
}

/// One counter over the events of the system event log.
#[derive(Clone, Debug)]
pub struct SelEvent {
    /// Value of the label `name`. Two entries of the same name add up.
    pub name: String,
    /// Searched anywhere in the text of an event.
    pub regex: Regex,
}

impl Config {
    /// The module of that name.
    #[must_use]
    pub fn module(&self, name: &str) -> Option<&Arc<Module>> {
        self.modules.get(name)
    }

    /// The module that `/metrics` uses for the local machine: `default`, or the built-in one when
    /// the file has none.
    #[must_use]
    pub fn local_module(&self) -> Arc<Module> {
        self.modules
            .get("default")
            .map_or_else(|| Arc::new(Module::builtin()), Arc::clone)
    }

    /// Does any module have `targets`? Then unlisted targets are refused; without any list the
    /// configuration lets everyone who reaches the exporter choose where credentials go.
    #[must_use]
    pub fn restricts_targets(&self) -> bool {
        self.modules.values().any(|module| module.allow.is_some())
    }

    /// Which targets a module of this configuration may be used with.
    #[must_use]
    pub fn permission<'a>(&self, module: &'a Module) -> Permission<'a> {
        Permission::new(self.restricts_targets(), module.allow.as_ref())
    }
}

impl Module {
    /// The module that exists without any file: four collectors, no credentials. It is used by
    /// `/metrics` only; `/ipmi` knows the modules of the file and no others.
    #[must_use]
    pub fn builtin() -> Self {
        Self {
            name: "default".to_owned(),
            user: None,
            password: Secret::default(),
            k_g: None,
            privilege: None,
            driver: Driver::default(),
            timeout: None,
            collectors: Collector::default_set(),
            exclude_sensor_ids: BTreeSet::new(),
            workarounds: BTreeSet::new(),
            sel_events: Vec::new(),
            allow: None,
            noncritical: None,
            cipher_suites: CipherSuite::DEFAULT.to_vec(),
            auth_types: Settings::DEFAULT_AUTH_TYPES.to_vec(),
            shared_sensors: false,
            entity_sensor_names: false,
            bridge_sensors: false,
            threshold_states: ThresholdStates::default(),
        }
    }

    /// Does the module send a user name or a password?
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.user.is_some() || !self.password.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_module_has_four_collectors_and_no_credentials() {
        let module = Config::default().local_module();
        assert_eq!(module.collectors, Collector::default_set());
        assert!(!module.has_credentials());
        assert!(Config::default().module("default").is_none());
    }
}
