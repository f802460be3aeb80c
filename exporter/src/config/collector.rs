//! The collectors by name.

use std::fmt;

/// One thing that a scrape can read from a BMC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Collector {
    /// Sensors.
    Ipmi,
    /// DCMI power reading.
    Dcmi,
    /// Controller identification.
    Bmc,
    /// Watchdog timer of the BMC.
    BmcWatchdog,
    /// Chassis power and faults.
    Chassis,
    /// Entries and free space of the system event log.
    Sel,
    /// Events of the system event log, counted by state and by the module's own expressions.
    SelEvents,
    /// Supermicro's LAN mode.
    SmLanMode,
}

impl Collector {
    /// All of them, in the order of the README.
    pub const ALL: [Self; 8] = [
        Self::Ipmi,
        Self::Dcmi,
        Self::Bmc,
        Self::BmcWatchdog,
        Self::Chassis,
        Self::Sel,
        Self::SelEvents,
        Self::SmLanMode,
    ];

    /// Names of [`ALL`](Self::ALL), for messages.
    pub const NAMES: [&'static str; 8] = [
        "ipmi",
        "dcmi",
        "bmc",
        "bmc-watchdog",
        "chassis",
        "sel",
        "sel-events",
        "sm-lan-mode",
    ];

    /// What a module without `collectors` runs.
    pub const DEFAULT: [Self; 4] = [Self::Ipmi, Self::Dcmi, Self::Bmc, Self::Chassis];

    /// The name in the configuration and in the label `collector`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipmi => "ipmi",
            Self::Dcmi => "dcmi",
            Self::Bmc => "bmc",
            Self::BmcWatchdog => "bmc-watchdog",
            Self::Chassis => "chassis",
            Self::Sel => "sel",
            Self::SelEvents => "sel-events",
            Self::SmLanMode => "sm-lan-mode",
        }
    }

    /// The collector of that name; names are exact.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|collector| collector.as_str() == name)
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_collectors_match_both_ways() {
        for (collector, name) in Collector::ALL.into_iter().zip(Collector::NAMES) {
            assert_eq!(collector.as_str(), name);
            assert_eq!(Collector::parse(name), Some(collector));
        }
        assert_eq!(Collector::parse("IPMI"), None);
    }
}
