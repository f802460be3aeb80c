//! The collectors by name: one table says everything about them that is not
//! their work.

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
    /// More about the controller: revisions, abilities, whether its firmware is available.
    BmcDetails,
    /// The BMC's clock against ours.
    BmcClock,
    /// Result of the BMC's self test.
    SelfTest,
    /// Identifier of the system.
    Guid,
    /// More about the chassis: restart cause, policy, buttons, abilities.
    ChassisDetails,
    /// How long the machine has been on.
    PowerOnHours,
    /// DCMI power statistics and limit.
    DcmiStatistics,
    /// DCMI temperatures, eight for a request.
    DcmiTemperatures,
    /// The BMC's network interface.
    Lan,
    /// Thresholds of the sensors.
    Thresholds,
    /// Entries of the system event log in words.
    SelEntries,
    /// Inventory.
    Fru,
    /// Power as Dell measures it.
    DellPower,
    /// Energy counters of Lenovo and IBM.
    LenovoEnergy,
    /// Enclosure power of Lenovo NeXtScale.
    LenovoFpcPower,
    /// Statistics of Intel's Node Manager, behind the BMC.
    IntelNodeManager,
    /// Supplies of some Supermicro boards, read from their I2C bus.
    SmPowerSupplies,
}

/// What is known of a collector without asking anybody.
struct Row {
    collector: Collector,
    /// The name in the configuration and in the label `collector`.
    name: &'static str,
    /// Its turn in a scrape, from 0: what costs little and cannot stall comes first.
    turn: u8,
    origin: Origin,
}

/// Since when a collector is there, and for whom.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The stock exporter's; a module without `collectors` runs it.
    Default,
    /// The stock exporter's, only by name.
    Stock,
    /// Ours, only by name.
    Additional,
}

const fn row(collector: Collector, name: &'static str, turn: u8, origin: Origin) -> Row {
    Row {
        collector,
        name,
        turn,
        origin,
    }
}

/// In the order of the README and of messages, which is also that of the enum.
///
/// Turns: one request each first, then the records (the sensors, and what needs
/// the records too), at last what walks or pokes.
#[rustfmt::skip]
const TABLE: [Row; 25] = [
    row(Collector::Ipmi,             "ipmi",               15, Origin::Default),
    row(Collector::Dcmi,             "dcmi",                1, Origin::Default),
    row(Collector::Bmc,              "bmc",                 2, Origin::Default),
    row(Collector::BmcWatchdog,      "bmc-watchdog",        3, Origin::Stock),
    row(Collector::Chassis,          "chassis",             0, Origin::Default),
    row(Collector::Sel,              "sel",                 5, Origin::Stock),
    row(Collector::SelEvents,        "sel-events",         18, Origin::Stock),
    row(Collector::SmLanMode,        "sm-lan-mode",         4, Origin::Stock),
    row(Collector::BmcDetails,       "bmc-details",         6, Origin::Additional),
    row(Collector::BmcClock,         "bmc-clock",           7, Origin::Additional),
    row(Collector::SelfTest,         "self-test",           8, Origin::Additional),
    row(Collector::Guid,             "guid",                9, Origin::Additional),
    row(Collector::ChassisDetails,   "chassis-details",    10, Origin::Additional),
    row(Collector::PowerOnHours,     "power-on-hours",     11, Origin::Additional),
    row(Collector::DcmiStatistics,   "dcmi-statistics",    12, Origin::Additional),
    row(Collector::DcmiTemperatures, "dcmi-temperatures",  13, Origin::Additional),
    row(Collector::Lan,              "lan",                14, Origin::Additional),
    row(Collector::Thresholds,       "thresholds",         17, Origin::Additional),
    row(Collector::SelEntries,       "sel-entries",        19, Origin::Additional),
    row(Collector::Fru,              "fru",                20, Origin::Additional),
    row(Collector::DellPower,        "dell-power",         16, Origin::Additional),
    row(Collector::LenovoEnergy,     "lenovo-energy",      16, Origin::Additional),
    row(Collector::LenovoFpcPower,   "lenovo-fpc-power",   16, Origin::Additional),
    row(Collector::IntelNodeManager, "intel-node-manager", 21, Origin::Additional),
    row(Collector::SmPowerSupplies,  "sm-power-supplies",  22, Origin::Additional),
];

impl Collector {
    /// How many there are.
    pub const COUNT: usize = TABLE.len();

    /// All of them, in the order of the README.
    pub const ALL: [Self; Self::COUNT] = {
        let mut all = [Self::Ipmi; Self::COUNT];
        let mut index = 0;
        while index < Self::COUNT {
            all[index] = TABLE[index].collector;
            index += 1;
        }
        all
    };

    /// Names of [`ALL`](Self::ALL), for messages.
    pub const NAMES: [&'static str; Self::COUNT] = {
        let mut names = [""; Self::COUNT];
        let mut index = 0;
        while index < Self::COUNT {
            names[index] = TABLE[index].name;
            index += 1;
        }
        names
    };

    /// What a module without `collectors` runs.
    #[must_use]
    pub fn default_set() -> Vec<Self> {
        TABLE
            .iter()
            .filter(|row| row.origin == Origin::Default)
            .map(|row| row.collector)
            .collect()
    }

    /// The name in the configuration and in the label `collector`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// Its turn in a scrape, from 0: those that ask for little come first, so
    /// that a deadline that the sensors overrun takes nothing else along.
    #[must_use]
    pub fn turn(self) -> u8 {
        self.row().turn
    }

    /// Whether the stock exporter does not have it.
    #[must_use]
    pub fn is_additional(self) -> bool {
        self.row().origin == Origin::Additional
    }

    /// The collector of that name; names are exact.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|row| row.name == name)
            .map(|row| row.collector)
    }

    fn row(self) -> &'static Row {
        const ROWS: &[Row; Collector::COUNT] = &TABLE;
        // A test holds the table against the enum.
        &ROWS[self as usize]
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
    fn every_collector_has_the_row_at_its_own_place() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.collector as usize, index, "{}", row.name);
            assert_eq!(Collector::parse(row.name), Some(row.collector));
            assert_eq!(row.collector.as_str(), row.name);
        }
        assert_eq!(Collector::parse("IPMI"), None);
    }

    #[test]
    fn nothing_of_ours_runs_without_being_named() {
        use Collector::{Bmc, Chassis, Dcmi, Ipmi};
        assert_eq!(Collector::default_set(), [Ipmi, Dcmi, Bmc, Chassis]);
    }
}
