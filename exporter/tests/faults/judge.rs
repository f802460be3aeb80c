//! Holds a scrape against the BMC's own log of what it served, and against what
//! a row expects.

use std::collections::BTreeMap;

use bmc_sim::{SensorKey, SimHandle};

use crate::lab::Scrape;
use crate::machine::{ANALOG, ENTRIES, SATELLITE, WATTS};
use crate::row::{Expect, Row};
use crate::support::exposition::same;

/// Families with the state of a sensor.
const STATE_FAMILIES: [&str; 3] = [
    "ipmi_temperature_state",
    "ipmi_sensor_state",
    "ipmi_power_state",
];

/// Record ids of the BMC's own sensors end here; what follows is the satellite's.
const LAST_OWN: u8 = ANALOG + 2;

/// The sensor behind a record id: some faults change the upper half.
fn number(id: u16) -> u8 {
    let [low, _] = id.to_le_bytes();
    low
}

/// Values by the number of their sensor; sensors without a value are left out.
pub(crate) fn values(scrape: &Scrape) -> BTreeMap<u8, f64> {
    scrape
        .values()
        .into_iter()
        .filter(|(_, value)| !value.is_nan())
        .map(|(id, value)| (number(id), value))
        .collect()
}

/// Every value was served by its sensor in this very scrape, and what does not
/// change is as it is.
pub(crate) fn assert_nothing_wrong(row: &Row, sim: &SimHandle, scrape: &Scrape) {
    let served = sim.served();
    for (number, value) in values(scrape) {
        let is_the_sensor = |sensor: SensorKey| match number {
            0..=LAST_OWN => sensor == SensorKey::bmc(number),
            _ => sensor.owner == SATELLITE,
        };
        let is_true = served.iter().any(|entry| {
            is_the_sensor(entry.sensor)
                && entry.at >= scrape.started
                && entry
                    .data
                    .first()
                    .is_some_and(|raw| same(f64::from(*raw), value))
        });
        assert!(is_true, "sensor {number} never said {value} in this scrape");
    }
    for (name, truth) in [
        ("ipmi_dcmi_power_consumption_watts", f64::from(WATTS)),
        ("ipmi_chassis_power_state", 1.0),
        ("ipmi_bmc_watchdog_initial_countdown_seconds", 300.0),
        ("ipmi_bmc_watchdog_current_countdown_seconds", 250.0),
    ] {
        if let Some(value) = scrape.plain(name) {
            assert!(same(value, truth), "{name} is {value}, not {truth}");
        }
    }
    if row.judge_states {
        for (series, state) in STATE_FAMILIES
            .iter()
            .flat_map(|family| scrape.family(family))
        {
            assert!(state.is_nan() || same(state, 0.0), "{series} is {state}");
        }
    }
}

/// What the row expects while the fault is on.
pub(crate) fn assert_expected(row: &Row, sim: &SimHandle, scrape: &Scrape) {
    assert_nothing_wrong(row, sim, scrape);
    let values = values(scrape);
    let have = |wanted: fn(u8) -> bool| {
        (1..=ANALOG)
            .filter(|number| wanted(*number))
            .all(|number| values.contains_key(&number))
    };
    match row.expect {
        Expect::Values => {
            assert!(scrape.is_complete(), "{:?}", scrape.up());
            assert!(have(|_| true), "sensors are missing: {values:?}");
        }
        Expect::Absent => {
            assert!(scrape.is_complete(), "{:?}", scrape.up());
            assert!(have(|number| number % 2 == 1), "too few values: {values:?}");
            let surplus = values.keys().find(|number| **number % 2 == 0);
            assert_eq!(surplus, None, "a value where there is none");
        }
        Expect::Down(down) => {
            for (collector, is_up) in scrape.up() {
                assert_eq!(is_up, !down.contains(&collector), "{collector}");
            }
            if !down.contains(&"ipmi") {
                assert!(have(|_| true), "sensors are missing: {values:?}");
            }
        }
        Expect::Refused => {
            let up = scrape.up();
            assert!(!up.values().any(|up| *up), "{up:?}");
            assert!(values.is_empty(), "{values:?}");
        }
        Expect::NeverWrong => {}
    }
}

/// Whether everything is there, as before the fault.
pub(crate) fn is_whole(scrape: &Scrape) -> bool {
    let values = values(scrape);
    scrape.is_complete()
        && (1..=ANALOG).all(|number| values.contains_key(&number))
        && scrape.plain("ipmi_dcmi_power_consumption_watts") == Some(f64::from(WATTS))
        && scrape.plain("ipmi_sel_logs_count") == Some(f64::from(ENTRIES))
}
