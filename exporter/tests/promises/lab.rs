//! Simulated BMCs of a test, scrapes of them, and what both must agree on.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use bmc_sim::{BmcConfig, Counters, Device, DeviceBuilder, SensorKey, Sim, SimHandle, User};
use tokio::runtime::Runtime;

use crate::support::exporter::Exporter;
use crate::support::exposition::{Exposition, Series, same};
use crate::support::http::{self, query_value};

/// The user of every simulated BMC, who may do everything there.
pub(crate) const USER: &str = "monitor";
/// The user's password.
pub(crate) const PASSWORD: &str = "correct horse";

/// How long something that takes milliseconds may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);

/// Families with a sensor's value, by the label `id`.
const VALUE_FAMILIES: [&str; 7] = [
    "ipmi_current_amperes",
    "ipmi_fan_speed_ratio",
    "ipmi_fan_speed_rpm",
    "ipmi_power_watts",
    "ipmi_sensor_value",
    "ipmi_temperature_celsius",
    "ipmi_voltage_volts",
];

/// Where the simulators of one test run.
pub(crate) struct Lab {
    runtime: Runtime,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for the simulators");
        Self { runtime }
    }

    /// Starts a BMC with [`USER`].
    pub(crate) fn start(&self, device: Device) -> Sim {
        self.start_with(config(), device)
    }

    /// Starts a BMC.
    pub(crate) fn start_with(&self, config: BmcConfig, device: Device) -> Sim {
        self.runtime
            .block_on(Sim::start(config, device))
            .expect("a free UDP port on loopback")
    }

    /// Starts a BMC where another one was.
    pub(crate) fn start_in_place_of(&self, gone: Sim, config: &BmcConfig, device: &Device) -> Sim {
        let address = gone.addr();
        drop(gone);
        let end = Instant::now() + LIMIT;
        loop {
            // The socket lives until the task of the old one is gone.
            match self
                .runtime
                .block_on(Sim::start_at(address, config.clone(), device.clone()))
            {
                Ok(sim) => return sim,
                Err(error) => assert!(Instant::now() < end, "{address}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the counters satisfy a condition.
    pub(crate) fn wait_for(
        &self,
        sim: &SimHandle,
        limit: Duration,
        condition: impl Fn(&Counters) -> bool,
    ) -> Counters {
        self.runtime
            .block_on(sim.wait_for(limit, condition))
            .unwrap_or_else(|timeout| panic!("{timeout}"))
    }
}

/// A BMC that knows [`USER`].
pub(crate) fn config() -> BmcConfig {
    BmcConfig::new().user(User::administrator(USER, PASSWORD))
}

/// A machine with this many temperature sensors, whose value is their raw
/// reading and whose record id is their number, and with DCMI.
pub(crate) fn machine(sensors: u16) -> Device {
    DeviceBuilder::new()
        .analogs(sensors)
        .dcmi_power(158)
        .build()
}

/// A configuration with one module, `bmc`: [`USER`], the default collectors and
/// `more` lines (indented by four blanks).
pub(crate) fn module(more: &str) -> String {
    modules(&[("bmc", more)])
}

/// A configuration with these modules, all with [`USER`].
pub(crate) fn modules(modules: &[(&str, &str)]) -> String {
    let modules: Vec<String> = modules
        .iter()
        .map(|(name, more)| format!("  {name}:\n    user: {USER}\n    pass: {PASSWORD}\n{more}\n"))
        .collect();
    format!("modules:\n{}", modules.concat())
}

/// A UDP port on loopback that takes everything and says nothing.
pub(crate) fn deaf_port() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free UDP port on loopback");
    socket.set_nonblocking(true).expect("no blocking");
    socket
}

/// How many datagrams came to [`deaf_port`] since the last call.
pub(crate) fn heard(socket: &UdpSocket) -> usize {
    let mut buffer = [0; 2048];
    std::iter::from_fn(|| socket.recv_from(&mut buffer).ok()).count()
}

/// One answered scrape.
pub(crate) struct Scrape {
    pub(crate) exposition: Exposition,
    pub(crate) body: String,
    /// From the request to the whole answer.
    pub(crate) took: Duration,
    pub(crate) started: Instant,
}

/// Scrapes with module `bmc`, with time enough.
pub(crate) fn scrape(exporter: &Exporter, sim: &SimHandle) -> Scrape {
    scrape_within(exporter, sim, "20")
}

/// Scrapes with module `bmc` and Prometheus' time-out in seconds.
pub(crate) fn scrape_within(exporter: &Exporter, sim: &SimHandle, timeout: &str) -> Scrape {
    scrape_target(exporter, &sim.addr().to_string(), "bmc", Some(timeout))
}

/// Scrapes with any module.
pub(crate) fn scrape_with(exporter: &Exporter, sim: &SimHandle, module: &str) -> Scrape {
    scrape_target(exporter, &sim.addr().to_string(), module, Some("20"))
}

/// Scrapes anything; the answer must be an exposition.
pub(crate) fn scrape_target(
    exporter: &Exporter,
    target: &str,
    module: &str,
    timeout: Option<&str>,
) -> Scrape {
    let path = format!(
        "/ipmi?target={}&module={}",
        query_value(target),
        query_value(module)
    );
    let timeout = timeout.map(|seconds| ("X-Prometheus-Scrape-Timeout-Seconds", seconds));
    let started = Instant::now();
    let answer = http::request(exporter.address, "GET", &path, timeout.as_slice())
        .expect("the exporter answers");
    let took = started.elapsed();
    assert_eq!(answer.status, 200, "{}", answer.body);
    Scrape {
        exposition: Exposition::parse(&answer.body),
        body: answer.body,
        took,
        started,
    }
}

impl Scrape {
    /// Value of a series without labels.
    pub(crate) fn plain(&self, name: &str) -> Option<f64> {
        self.exposition.value(name, &[])
    }

    /// The series of one family.
    pub(crate) fn family(&self, name: &str) -> BTreeMap<&Series, f64> {
        self.exposition
            .series
            .iter()
            .filter(|(series, _)| series.name == name)
            .map(|(series, value)| (series, *value))
            .collect()
    }

    /// Collectors by whether they are up.
    pub(crate) fn up(&self) -> BTreeMap<&str, bool> {
        self.family("ipmi_up")
            .into_iter()
            .map(|(series, value)| (series.labels["collector"].as_str(), same(value, 1.0)))
            .collect()
    }

    /// Whether this collector is up.
    pub(crate) fn is_up(&self, collector: &str) -> bool {
        self.up()[collector]
    }

    /// Whether all collectors are up.
    pub(crate) fn is_complete(&self) -> bool {
        self.up().values().all(|up| *up)
    }

    /// Whether all collectors are down and there is nothing but that to tell.
    pub(crate) fn is_empty(&self) -> bool {
        !self.up().values().any(|up| *up)
            && self
                .exposition
                .families
                .keys()
                .all(|name| name == "ipmi_up" || name == "ipmi_scrape_duration_seconds")
    }

    /// Sensor values by the label `id`.
    pub(crate) fn values(&self) -> BTreeMap<u16, f64> {
        self.exposition
            .series
            .iter()
            .filter(|(series, _)| VALUE_FAMILIES.contains(&series.name.as_str()))
            .map(|(series, value)| (series.labels["id"].parse().expect("a record id"), *value))
            .collect()
    }

    /// The value of the sensor with this record id.
    pub(crate) fn sensor(&self, id: u16) -> Option<f64> {
        self.values().get(&id).copied()
    }

    /// Holds every value against the BMC's own log: it must have been served
    /// while this scrape ran. Only for [`machine`]s.
    pub(crate) fn assert_served(&self, sim: &SimHandle) {
        let served = sim.served();
        for (id, value) in self.values() {
            let sensor = SensorKey::bmc(u8::try_from(id).expect("ids are sensor numbers"));
            let is_true = served.iter().any(|entry| {
                entry.sensor == sensor
                    && entry.at >= self.started
                    && entry
                        .data
                        .first()
                        .is_some_and(|raw| same(f64::from(*raw), value))
            });
            assert!(is_true, "sensor {id} never said {value} in this scrape");
        }
    }
}

/// The exporter's own metrics.
pub(crate) fn own_metrics(exporter: &Exporter) -> Exposition {
    let answer = http::get(exporter.address, "/metrics").expect("the exporter answers");
    assert_eq!(answer.status, 200, "{}", answer.body);
    Exposition::parse(&answer.body)
}

/// One of the exporter's own metrics; 0 when there is no such series yet.
pub(crate) fn own_metric(exporter: &Exporter, name: &str, labels: &[(&str, &str)]) -> f64 {
    own_metrics(exporter)
        .value(name, labels)
        .unwrap_or_default()
}

/// Never two sessions, never two requests at once.
pub(crate) fn assert_one_session_and_one_request(counters: &Counters) {
    assert_eq!(counters.sessions_open_peak, 1);
    assert_eq!(counters.commands_in_work_peak, 1);
}
