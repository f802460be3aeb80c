//! The shapes in which the fleet is shown.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Known, Present};
use crate::clock::Timestamp;
use crate::model::{Id, PageRequest};
use crate::monitoring::measured::Facts;
use crate::monitoring::status::PowerState;
use crate::store::{Firing, FleetEntry};

/// Most sites that are named for a choice.
const MAX_SITES: usize = 500;

/// How a server is, the worst first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FleetState {
    /// A sensor is beyond a critical limit, or a critical alert fires.
    Critical,
    /// Its BMC or its exporter does not answer.
    Unreachable,
    /// A sensor is beyond a non-critical limit, or a warning fires.
    Warning,
    /// Nobody asks it, or nobody knows.
    Unknown,
    /// It is off, and nothing is wrong.
    Off,
    /// Nothing is wrong.
    Ok,
}

impl FleetState {
    /// What follows from what is known.
    pub(super) fn of(facts: &Facts, firing: Firing) -> Self {
        let worst = facts.worst.unwrap_or_default();
        // An alert about a server that does not answer says no more than that.
        if facts.up == Some(false) || facts.bmc == Some(false) {
            Self::Unreachable
        } else if worst >= 2.0 || firing.critical > 0 {
            Self::Critical
        } else if worst >= 1.0 || firing.warning > 0 {
            Self::Warning
        } else if facts.power == Some(false) {
            Self::Off
        } else if facts.bmc == Some(true) {
            Self::Ok
        } else {
            Self::Unknown
        }
    }
}

/// Which servers are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FleetFilter {
    /// Part of the name, address, serial number, model or a tag; case does not matter.
    pub search: Option<String>,
    /// Number of a group.
    pub group_id: Option<Id>,
    /// Exactly this site.
    pub site: Option<String>,
    /// Exactly this rack.
    pub rack: Option<String>,
    /// Exactly this manufacturer.
    pub manufacturer: Option<String>,
}

impl FleetFilter {
    pub(super) fn fits(&self, entry: &FleetEntry, search: Option<&str>) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        search.is_none_or(|search| entry.search.contains(search))
            && (self.group_id.is_none() || self.group_id == entry.group_id)
            && is(&self.site, &entry.site)
            && is(&self.rack, &entry.rack)
            && is(&self.manufacturer, &entry.manufacturer)
    }
}

/// By what servers are ordered; the number decides between equals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FleetSort {
    /// The worst first, then those with most alerts.
    #[default]
    State,
    /// Name.
    Name,
    /// Address, as text.
    Address,
    /// Group, then name.
    Group,
    /// Site and rack, then name.
    Place,
    /// Manufacturer and model, then name.
    Model,
    /// Alerts that fire, the critical ones first.
    Alerts,
    /// Power; what is not known is last, as below.
    Watts,
    /// Temperature of the inlet.
    Inlet,
    /// Temperature of the hottest processor.
    Cpu,
    /// Speed of the fastest fan.
    Fan,
}

/// Which servers, and in which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FleetSorting {
    /// Only servers in this state.
    #[param(inline)]
    pub state: Option<FleetState>,
    /// By what.
    #[param(inline)]
    pub sort: FleetSort,
    /// The greatest first.
    pub descending: bool,
}

/// A server as the overview shows it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FleetServer {
    /// Number of the server.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Address of its BMC.
    pub address: String,
    /// Number of its group.
    pub group_id: Option<Id>,
    /// Name of its group; empty without one.
    pub group: String,
    /// Where it is; may be empty.
    pub site: String,
    /// Where there; may be empty.
    pub rack: String,
    /// Who made it; may be empty.
    pub manufacturer: String,
    /// What it is; may be empty.
    pub model: String,
    /// Whether its BMC is asked.
    pub monitoring_enabled: bool,
    /// How it is.
    pub state: FleetState,
    /// Whether it is on.
    pub power_state: PowerState,
    /// Critical alerts that fire for it.
    pub critical_alerts: i64,
    /// Warnings that fire for it.
    pub warning_alerts: i64,
    /// Other alerts that fire for it.
    pub other_alerts: i64,
    /// Power in watts.
    pub watts: Option<f64>,
    /// Temperature of the air that it takes in, in degrees Celsius.
    pub inlet: Option<f64>,
    /// Temperature of its hottest processor, in degrees Celsius.
    pub cpu: Option<f64>,
    /// Speed of its fastest fan, in revolutions a minute.
    pub fan: Option<f64>,
}

impl From<Known<'_>> for FleetServer {
    fn from(known: Known<'_>) -> Self {
        let Known {
            entry,
            facts,
            firing,
            state,
        } = known;
        Self {
            id: entry.id,
            name: entry.name.clone(),
            address: entry.address.clone(),
            group_id: entry.group_id,
            group: entry.group.clone(),
            site: entry.site.clone(),
            rack: entry.rack.clone(),
            manufacturer: entry.manufacturer.clone(),
            model: entry.model.clone(),
            monitoring_enabled: entry.monitoring_enabled,
            state,
            power_state: match facts.power {
                Some(true) => PowerState::On,
                Some(false) => PowerState::Off,
                None => PowerState::Unknown,
            },
            critical_alerts: firing.critical,
            warning_alerts: firing.warning,
            other_alerts: firing.other,
            watts: facts.watts,
            inlet: facts.inlet,
            cpu: facts.cpu,
            fan: facts.fan,
        }
    }
}

/// How the fleet is, in figures.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FleetOverview {
    /// When Prometheus was asked.
    pub measured_at: Timestamp,
    /// Why some or all that Prometheus has is missing.
    pub problem: Option<String>,
    /// How many servers there are.
    pub total: u64,
    /// How many are in each state; states that none is in are absent.
    pub states: BTreeMap<FleetState, u64>,
    /// Power of all of which it is known, in watts.
    pub watts: f64,
    /// Of how many that is.
    pub watts_of: u64,
    /// The warmest inlet, in degrees Celsius.
    pub inlet_max: Option<f64>,
    /// Alerts that fire for these servers.
    pub alerts: i64,
    /// Sites that there are, the first 500.
    pub sites: BTreeSet<String>,
}

/// Servers as the overview shows them, with the time of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FleetPage {
    /// When Prometheus was asked.
    pub measured_at: Timestamp,
    /// Why some or all that Prometheus has is missing.
    pub problem: Option<String>,
    /// The servers.
    pub items: Vec<FleetServer>,
    /// How many there are in the whole list.
    pub total: i64,
    /// Rows that were left out in front.
    pub offset: i64,
    /// Most rows that were asked for.
    pub limit: i64,
}

/// What cells of a map stand together by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Partition {
    /// Their group.
    #[default]
    Group,
    /// Their site.
    Site,
    /// Their site and rack.
    Rack,
    /// Manufacturer and model.
    Model,
}

/// What a cell of a map shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FleetMetric {
    /// Its state only.
    #[default]
    State,
    /// Power in watts.
    Watts,
    /// Temperature of the inlet, in degrees Celsius.
    Inlet,
    /// Temperature of the hottest processor, in degrees Celsius.
    Cpu,
    /// Speed of the fastest fan, in revolutions a minute.
    Fan,
}

impl FleetMetric {
    fn of(self, facts: &Facts) -> Option<f64> {
        match self {
            Self::State => None,
            Self::Watts => facts.watts,
            Self::Inlet => facts.inlet,
            Self::Cpu => facts.cpu,
            Self::Fan => facts.fan,
        }
    }
}

/// What map is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct MapRequest {
    /// Only servers in this state.
    #[param(inline)]
    pub state: Option<FleetState>,
    /// What cells stand together by.
    #[param(inline)]
    pub by: Partition,
    /// What a cell shows.
    #[param(inline)]
    pub metric: FleetMetric,
}

/// One cell for each server. The lists have one place for each, so that a fleet of
/// 100,000 is a few megabytes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FleetMap {
    /// When Prometheus was asked.
    pub measured_at: Timestamp,
    /// Why some or all that Prometheus has is missing.
    pub problem: Option<String>,
    /// What the values are.
    pub metric: FleetMetric,
    /// Names of what cells stand together by; empty for those that have none.
    pub parts: Vec<String>,
    /// Numbers of the servers.
    pub ids: Vec<Id>,
    /// Their names.
    pub names: Vec<String>,
    /// Places of theirs in `parts`.
    pub part_of: Vec<usize>,
    /// Their states.
    pub states: Vec<FleetState>,
    /// Their values; empty when only states are shown.
    pub values: Vec<Option<f64>>,
}

impl Present {
    fn problem(&self) -> Option<String> {
        self.measured.problem.as_ref().map(ToString::to_string)
    }

    /// Figures of the servers that a filter lets through.
    #[must_use]
    pub fn overview(&self, filter: &FleetFilter) -> FleetOverview {
        let mut overview = FleetOverview {
            measured_at: self.measured.at,
            problem: self.problem(),
            total: 0,
            states: BTreeMap::new(),
            watts: 0.0,
            watts_of: 0,
            inlet_max: None,
            alerts: 0,
            sites: BTreeSet::new(),
        };
        for known in self.known(filter) {
            overview.total += 1;
            *overview.states.entry(known.state).or_default() += 1;
            if let Some(watts) = known.facts.watts {
                overview.watts += watts;
                overview.watts_of += 1;
            }
            let warmest = overview.inlet_max.into_iter().chain(known.facts.inlet);
            overview.inlet_max = warmest.reduce(f64::max);
            let firing = known.firing;
            overview.alerts += firing.critical + firing.warning + firing.other;
            let site = &known.entry.site;
            if !site.is_empty() && overview.sites.len() < MAX_SITES {
                overview.sites.insert(site.clone());
            }
        }
        overview
    }

    /// A part of the servers that a filter lets through, in order.
    #[must_use]
    pub fn servers(
        &self,
        filter: &FleetFilter,
        sorting: FleetSorting,
        page: PageRequest,
    ) -> FleetPage {
        let mut found: Vec<Known<'_>> = self
            .known(filter)
            .filter(|known| sorting.state.is_none_or(|state| state == known.state))
            .collect();
        found.sort_by(|a, b| {
            let order = order(sorting, a, b);
            order.then_with(|| a.entry.id.cmp(&b.entry.id))
        });
        let rows = found
            .iter()
            .skip(usize::try_from(page.offset).unwrap_or(usize::MAX))
            .take(usize::try_from(page.limit).unwrap_or_default());
        FleetPage {
            measured_at: self.measured.at,
            problem: self.problem(),
            items: rows.map(|known| FleetServer::from(*known)).collect(),
            total: i64::try_from(found.len()).unwrap_or(i64::MAX),
            offset: page.offset,
            limit: page.limit,
        }
    }

    /// A cell for each server that a filter lets through.
    #[must_use]
    pub fn map(&self, filter: &FleetFilter, request: MapRequest) -> FleetMap {
        let found: Vec<Known<'_>> = self
            .known(filter)
            .filter(|known| request.state.is_none_or(|state| state == known.state))
            .collect();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut part_of = Vec::with_capacity(found.len());
        for known in &found {
            let next = places.len();
            part_of.push(*places.entry(part(request.by, known.entry)).or_insert(next));
        }
        let mut parts = vec![String::new(); places.len()];
        for (name, place) in places {
            if let Some(part) = parts.get_mut(place) {
                *part = name;
            }
        }
        let has_values = request.metric != FleetMetric::State;
        let values = found.iter().filter(|_| has_values);
        FleetMap {
            measured_at: self.measured.at,
            problem: self.problem(),
            metric: request.metric,
            parts,
            ids: found.iter().map(|known| known.entry.id).collect(),
            names: found.iter().map(|known| known.entry.name.clone()).collect(),
            part_of,
            states: found.iter().map(|known| known.state).collect(),
            values: values
                .map(|known| request.metric.of(&known.facts))
                .collect(),
        }
    }
}

fn part(by: Partition, entry: &FleetEntry) -> String {
    let both = |first: &str, second: &str| match (first, second) {
        ("", other) | (other, "") => other.to_owned(),
        (first, second) => format!("{first} / {second}"),
    };
    match by {
        Partition::Group => entry.group.clone(),
        Partition::Site => entry.site.clone(),
        Partition::Rack => both(&entry.site, &entry.rack),
        Partition::Model => both(&entry.manufacturer, &entry.model),
    }
}

fn order(sorting: FleetSorting, a: &Known<'_>, b: &Known<'_>) -> Ordering {
    let alerts = |known: &Known<'_>| {
        let firing = known.firing;
        (firing.critical, firing.warning, firing.other)
    };
    let name = || a.entry.name.cmp(&b.entry.name);
    let place = |known: &Known<'_>| (known.entry.site.clone(), known.entry.rack.clone());
    let model = |known: &Known<'_>| (known.entry.manufacturer.clone(), known.entry.model.clone());
    let metric = match sorting.sort {
        FleetSort::Watts => Some(FleetMetric::Watts),
        FleetSort::Inlet => Some(FleetMetric::Inlet),
        FleetSort::Cpu => Some(FleetMetric::Cpu),
        FleetSort::Fan => Some(FleetMetric::Fan),
        _ => None,
    };
    if let Some(metric) = metric {
        return match (metric.of(&a.facts), metric.of(&b.facts)) {
            (Some(a), Some(b)) if sorting.descending => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            // In either direction nobody looks for what is not known.
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => name(),
        };
    }
    let rising = match sorting.sort {
        FleetSort::Name => name(),
        FleetSort::Address => a.entry.address.cmp(&b.entry.address),
        FleetSort::Group => a.entry.group.cmp(&b.entry.group).then_with(name),
        FleetSort::Place => place(a).cmp(&place(b)).then_with(name),
        FleetSort::Model => model(a).cmp(&model(b)).then_with(name),
        FleetSort::Alerts => alerts(a).cmp(&alerts(b)),
        _ => a
            .state
            .cmp(&b.state)
            .then_with(|| alerts(b).cmp(&alerts(a))),
    };
    if sorting.descending {
        rising.reverse()
    } else {
        rising
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::Scope;
    use crate::monitoring::measured::Measured;

    fn entry(id: Id, group: Option<Id>, rack: &str) -> FleetEntry {
        FleetEntry {
            id,
            name: format!("s{id}"),
            address: format!("192.0.2.{id}"),
            group_id: group,
            group: group.map(|group| format!("g{group}")).unwrap_or_default(),
            site: "east".to_owned(),
            rack: rack.to_owned(),
            manufacturer: String::new(),
            model: String::new(),
            monitoring_enabled: true,
            search: format!("s{id} 192.0.2.{id}"),
        }
    }

    fn facts(bmc: bool, worst: f64, watts: Option<f64>) -> Facts {
        Facts {
            up: Some(true),
            bmc: Some(bmc),
            power: Some(true),
            worst: Some(worst),
            watts,
            ..Facts::default()
        }
    }

    fn present(scope: Scope) -> Present {
        let entries = [
            entry(1, Some(1), "r1"),
            entry(2, Some(1), "r2"),
            entry(3, Some(2), "r1"),
            entry(4, None, ""),
            entry(5, None, ""),
        ];
        let measured = HashMap::from([
            (1, facts(true, 0.0, Some(200.0))),
            (2, facts(true, 2.0, None)),
            (3, facts(false, 0.0, Some(100.0))),
            (4, facts(true, 0.0, Some(300.5))),
        ]);
        let warning = Firing {
            warning: 2,
            ..Firing::default()
        };
        Present {
            entries: entries.into(),
            measured: Arc::new(Measured {
                facts: measured,
                ..Measured::default()
            }),
            firing: HashMap::from([(4, warning), (99, warning)]),
            scope,
        }
    }

    fn ids(present: &Present, sorting: FleetSorting) -> Vec<Id> {
        let page = PageRequest::default();
        let page = present.servers(&FleetFilter::default(), sorting, page);
        page.items.iter().map(|server| server.id).collect()
    }

    #[test]
    fn a_server_is_as_bad_as_the_worst_of_it() {
        let none = Firing::default();
        let critical = Firing {
            critical: 1,
            ..none
        };
        let warning = Firing { warning: 1, ..none };
        let off = Facts {
            power: Some(false),
            ..facts(true, 0.0, None)
        };
        for (facts, firing, state) in [
            (facts(true, 0.0, None), none, FleetState::Ok),
            (facts(true, 1.0, None), none, FleetState::Warning),
            (facts(true, 0.0, None), warning, FleetState::Warning),
            (facts(true, 1.0, None), critical, FleetState::Critical),
            (facts(true, 2.0, None), none, FleetState::Critical),
            (facts(false, 0.0, None), critical, FleetState::Unreachable),
            (off, none, FleetState::Off),
            (off, warning, FleetState::Warning),
            (Facts::default(), none, FleetState::Unknown),
            (Facts::default(), warning, FleetState::Warning),
        ] {
            assert_eq!(
                FleetState::of(&facts, firing),
                state,
                "{facts:?} {firing:?}"
            );
        }
    }

    #[test]
    fn figures_are_of_the_servers_that_are_seen() {
        let all = present(Scope::All).overview(&FleetFilter::default());
        assert_eq!((all.total, all.watts_of, all.alerts), (5, 3, 2));
        assert!((all.watts - 600.5).abs() < 1e-9);
        let states: Vec<(FleetState, u64)> = all.states.into_iter().collect();
        assert_eq!(
            states,
            [
                (FleetState::Critical, 1),
                (FleetState::Unreachable, 1),
                (FleetState::Warning, 1),
                (FleetState::Unknown, 1),
                (FleetState::Ok, 1),
            ]
        );
        let limited = present(Scope::Groups(BTreeSet::from([1])));
        let own = limited.overview(&FleetFilter::default());
        assert_eq!((own.total, own.alerts), (2, 0));
        assert_eq!(ids(&limited, FleetSorting::default()), [2, 1]);
        let map = limited.map(&FleetFilter::default(), MapRequest::default());
        assert_eq!(map.names, ["s1", "s2"]);
    }

    #[test]
    fn the_worst_come_first_and_what_is_not_known_last() {
        let present = present(Scope::All);
        assert_eq!(ids(&present, FleetSorting::default()), [2, 3, 4, 5, 1]);
        let by = |sort, descending| FleetSorting {
            sort,
            descending,
            ..FleetSorting::default()
        };
        assert_eq!(ids(&present, by(FleetSort::Watts, true)), [4, 1, 3, 2, 5]);
        assert_eq!(ids(&present, by(FleetSort::Watts, false)), [3, 1, 4, 2, 5]);
        assert_eq!(ids(&present, by(FleetSort::Name, true)), [5, 4, 3, 2, 1]);
        let only = FleetSorting {
            state: Some(FleetState::Unreachable),
            ..FleetSorting::default()
        };
        assert_eq!(ids(&present, only), [3]);
    }

    #[test]
    fn a_map_has_a_place_for_each_server() {
        let present = present(Scope::All);
        let request = MapRequest {
            by: Partition::Rack,
            metric: FleetMetric::Watts,
            state: None,
        };
        let map = present.map(&FleetFilter::default(), request);
        let places: Vec<&str> = map.part_of.iter().map(|&part| &*map.parts[part]).collect();
        assert_eq!(
            places,
            ["east / r1", "east / r2", "east / r1", "east", "east"]
        );
        assert_eq!(map.values[0], Some(200.0));
        assert_eq!(map.values[1], None);
        let search = FleetFilter {
            search: Some("S3".to_owned()),
            ..FleetFilter::default()
        };
        assert_eq!(present.map(&search, request).ids, [3]);
    }
}
