//! What a row says.

use std::fmt;

use bmc_sim::{BmcConfig, Device, SimHandle};

use crate::lab::Scrape;
use crate::machine;
use crate::support::exporter::Exporter;

/// What must come out while the fault is on. Whatever it is, no value may be one
/// that the BMC did not serve in that very scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Every collector is up, every value there and right.
    Values,
    /// Every collector is up; the sensors with an even number have no value, the
    /// others the right one.
    Absent,
    /// These collectors are down, the others up with all their values.
    Down(&'static [&'static str]),
    /// All collectors are down.
    Refused,
    /// Collectors may be up or down.
    NeverWrong,
}

/// When the fault is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Before the exporter has ever seen the BMC.
    Before,
    /// After a first good scrape, with a session open and the records known.
    Running,
}

/// How everything is right again once the fault is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// The next scrape is complete.
    AtOnce,
    /// A scrape is complete within so many seconds: the first back-off is 5 s.
    Within(u64),
    /// An exporter that is started anew scrapes completely. For faults after which
    /// the exporter leaves the BMC alone for minutes, on purpose; with the reason.
    Restart(&'static str),
    /// There is none to speak of, for this reason.
    KeepsTheFault(&'static str),
}

/// A look at a scrape beyond what is the same for all rows.
pub(crate) type Look = fn(&Exporter, &SimHandle, &Scrape);

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// As on a command line.
    pub(crate) fault: &'static str,
    /// Further faults without which this one has no occasion.
    pub(crate) with: &'static [&'static str],
    pub(crate) expect: Expect,
    pub(crate) when: When,
    pub(crate) recovery: Recovery,
    /// Lines of the module, each indented by four blanks.
    pub(crate) module: &'static str,
    /// As in a module.
    pub(crate) collectors: &'static str,
    pub(crate) config: fn() -> BmcConfig,
    pub(crate) machine: fn() -> Device,
    pub(crate) scrapes: usize,
    /// Prometheus' time-out in seconds.
    pub(crate) timeout: &'static str,
    /// Whether states are judged too: all sensors are nominal.
    pub(crate) judge_states: bool,
    pub(crate) look: Option<Look>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)?;
        for fault in self.with {
            write!(f, " + {fault}")?;
        }
        if !self.module.is_empty() {
            write!(f, " ({})", self.module.trim())?;
        }
        write!(f, " {:?}", self.expect)
    }
}

/// Everything of stock's that the machine has, so that a fault of one part shows in
/// it alone.
const COLLECTORS: &str = "ipmi, dcmi, bmc, chassis, sel, sel-events, bmc-watchdog";
/// And what this exporter has besides.
const ALL_COLLECTORS: &str = "ipmi, dcmi, bmc, chassis, sel, sel-events, bmc-watchdog, \
    bmc-clock, guid, thresholds, fru, dcmi-statistics, dcmi-temperatures";

/// A row with what most rows have.
pub(crate) const fn row(fault: &'static str, expect: Expect) -> Row {
    Row {
        fault,
        with: &[],
        expect,
        when: When::Before,
        recovery: Recovery::AtOnce,
        module: "",
        collectors: COLLECTORS,
        config: machine::config,
        machine: machine::machine,
        scrapes: 3,
        timeout: "20",
        judge_states: true,
        look: None,
    }
}

impl Row {
    pub(crate) const fn with(mut self, faults: &'static [&'static str]) -> Self {
        self.with = faults;
        self
    }

    pub(crate) const fn while_running(mut self) -> Self {
        self.when = When::Running;
        self
    }

    pub(crate) const fn recovers_within(mut self, seconds: u64) -> Self {
        self.recovery = Recovery::Within(seconds);
        self
    }

    pub(crate) const fn needs_restart(mut self, why: &'static str) -> Self {
        self.recovery = Recovery::Restart(why);
        self
    }

    pub(crate) const fn keeps_the_fault(mut self, why: &'static str) -> Self {
        self.recovery = Recovery::KeepsTheFault(why);
        self
    }

    pub(crate) const fn module(mut self, lines: &'static str) -> Self {
        self.module = lines;
        self
    }

    /// With the additional collectors.
    pub(crate) const fn all_collectors(mut self) -> Self {
        self.collectors = ALL_COLLECTORS;
        self
    }

    pub(crate) const fn config(mut self, config: fn() -> BmcConfig) -> Self {
        self.config = config;
        self
    }

    pub(crate) const fn machine(mut self, machine: fn() -> Device) -> Self {
        self.machine = machine;
        self
    }

    pub(crate) const fn scrapes(mut self, scrapes: usize) -> Self {
        self.scrapes = scrapes;
        self
    }

    pub(crate) const fn timeout(mut self, seconds: &'static str) -> Self {
        self.timeout = seconds;
        self
    }

    pub(crate) const fn any_state(mut self) -> Self {
        self.judge_states = false;
        self
    }

    pub(crate) const fn look(mut self, look: Look) -> Self {
        self.look = Some(look);
        self
    }
}
