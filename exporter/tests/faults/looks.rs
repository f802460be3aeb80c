//! What single rows look at beside the values of sensors.

use bmc_sim::SimHandle;
use rmcp_ipmi::wire::NetFn;

use crate::judge::values;
use crate::lab::{LIMIT, Scrape, own_metric};
use crate::machine::{ANALOG, CPU_TEMPERATURES, TIME};
use crate::support::exporter::Exporter;
use crate::support::exposition::same;
use crate::support::wait_for;

const GET_SEL_ENTRY: u8 = 0x43;

fn by_name(scrape: &Scrape, family: &str) -> Option<f64> {
    scrape.exposition.value(family, &[("name", "memory")])
}

fn assert_memory_events(scrape: &Scrape, count: f64) {
    let found = by_name(scrape, "ipmi_sel_events_count_by_name");
    assert_eq!(found, Some(count), "memory events");
}

/// What two ids in a row give is one entry.
pub(crate) fn pairs_count_once(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_memory_events(scrape, 2.0);
    assert_eq!(scrape.plain("ipmi_sel_logs_count"), Some(4.0));
}

/// Entries of a type that does not exist are no memory events.
pub(crate) fn half_of_the_events_count(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_memory_events(scrape, 2.0);
    assert_eq!(scrape.plain("ipmi_sel_logs_count"), Some(4.0));
}

/// With `assumesystemevent` they are.
pub(crate) fn all_events_count(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_memory_events(scrape, 4.0);
}

pub(crate) fn the_log_is_empty(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_eq!(scrape.plain("ipmi_sel_logs_count"), Some(0.0));
    assert_eq!(scrape.plain("ipmi_sel_free_space_bytes"), Some(0.0));
}

/// A long log is read once.
pub(crate) fn the_log_is_read_once(_: &Exporter, sim: &SimHandle, scrape: &Scrape) {
    assert_memory_events(scrape, 1_200.0);
    assert_eq!(scrape.plain("ipmi_sel_logs_count"), Some(1_200.0));
    let reads = sim.counters().command(NetFn::STORAGE, GET_SEL_ENTRY);
    assert!(reads < 1_300, "{reads} reads of 1,200 entries");
}

fn assert_latest(scrape: &Scrape, time: u32) {
    let found = by_name(scrape, "ipmi_sel_events_latest_timestamp");
    assert_eq!(found, Some(f64::from(time)), "latest event");
}

/// A clock that was never set tells no time.
pub(crate) fn events_have_no_time(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_latest(scrape, 0);
}

/// Otherwise time stamps are those of the BMC's clock, right or wrong.
pub(crate) fn events_are_two_hours_late(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_latest(scrape, TIME + 180 + 7_200);
}

pub(crate) fn no_power(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    let watts = scrape.plain("ipmi_dcmi_power_consumption_watts");
    assert_eq!(watts, None);
}

pub(crate) fn the_satellite_is_read(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    let all = values(scrape).len();
    assert_eq!(all, usize::from(ANALOG) + 2, "{:?}", values(scrape));
}

/// Units that nobody knows make no temperatures.
pub(crate) fn half_are_of_no_known_kind(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    let temperatures = scrape.family("ipmi_temperature_celsius").len();
    assert_eq!(temperatures, usize::from(ANALOG) / 2);
}

pub(crate) fn all_are_temperatures(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    let temperatures = scrape.family("ipmi_temperature_celsius").len();
    assert_eq!(temperatures, usize::from(ANALOG));
}

pub(crate) fn names_have_changed(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    for series in scrape.family("ipmi_temperature_celsius").into_keys() {
        let name = &series.labels["name"];
        assert!(name.ends_with('b'), "{name} is a name of before");
    }
}

/// Waits until the BMC has ended the session that nobody uses.
pub(crate) fn the_session_ends(_: &Exporter, sim: &SimHandle, _: &Scrape) {
    let gone = || (sim.counters().sessions_open == 0).then_some(());
    wait_for("the end of an idle session", LIMIT, gone);
}

pub(crate) fn the_watchdog_stands(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_eq!(scrape.plain("ipmi_bmc_watchdog_timer_state"), Some(0.0));
}

/// What one session is for is not done in two, nor two things at a time.
pub(crate) fn one_at_a_time(_: &Exporter, sim: &SimHandle, _: &Scrape) {
    let counters = sim.counters();
    assert_eq!(counters.sessions_open_peak, 1);
    assert_eq!(counters.commands_in_work_peak, 1);
}

pub(crate) fn firmware_is_as_it_is(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    for series in scrape.family("ipmi_bmc_info").into_keys() {
        assert_eq!(series.labels["firmware_revision"], "2.30");
    }
}

pub(crate) fn no_version_of_the_system(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    for series in scrape.family("ipmi_bmc_info").into_keys() {
        let version = &series.labels["system_firmware_version"];
        assert!(version.is_empty() || version == "N/A", "{version}");
    }
}

/// Nothing was tried again: a wrong password that is tried fast locks accounts.
pub(crate) fn one_log_in_was_tried(_: &Exporter, sim: &SimHandle, _: &Scrape) {
    let tried = sim.counters().open_session_requests;
    assert!(tried <= 2, "{tried} log-ins");
}

pub(crate) fn suite_3_is_a_downgrade(exporter: &Exporter, _: &SimHandle, _: &Scrape) {
    let labels = [("cipher_suite", "3")];
    let logins = own_metric(
        exporter,
        "ipmi_exporter_logins_by_cipher_suite_total",
        &labels,
    );
    assert!(same(logins, 1.0), "{logins} log-ins with suite 3");
}

fn only(scrape: &Scrape, family: &str) -> f64 {
    let series = scrape.family(family);
    assert_eq!(series.len(), 1, "{family}: {series:?}");
    series.into_values().sum()
}

/// Wrong checksums are told, and the texts are told all the same.
pub(crate) fn the_inventory_is_marked(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_eq!(only(scrape, "ipmi_fru_checksums_valid"), 0.0);
    the_board_is_known(scrape);
}

pub(crate) fn the_inventory_is_read(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_eq!(only(scrape, "ipmi_fru_checksums_valid"), 1.0);
    the_board_is_known(scrape);
}

fn the_board_is_known(scrape: &Scrape) {
    for series in scrape.family("ipmi_fru_info").into_keys() {
        assert_eq!(series.labels["board_manufacturer"], "Maker");
        assert_eq!(series.labels["board_serial"], "S1");
    }
    only(scrape, "ipmi_fru_info");
}

/// All machines without a GUID would be one machine.
pub(crate) fn there_is_no_guid(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert!(scrape.family("ipmi_system_guid_info").is_empty());
}

pub(crate) fn there_is_a_guid(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_eq!(only(scrape, "ipmi_system_guid_info"), 1.0);
}

/// The first page is told once, however often it comes.
pub(crate) fn one_page_of_temperatures(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    let temperatures = scrape.family("ipmi_dcmi_temperature_celsius");
    let mut values: Vec<i8> = Vec::new();
    for value in temperatures.into_values() {
        let known = CPU_TEMPERATURES
            .into_iter()
            .find(|known| same(f64::from(*known), value));
        values.push(known.unwrap_or_else(|| panic!("no processor has {value} degrees")));
    }
    values.sort_unstable();
    values.dedup();
    assert_eq!(values, CPU_TEMPERATURES[..8]);
}

/// "No active limit" comes with the limit.
pub(crate) fn the_limit_is_off(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_eq!(scrape.plain("ipmi_dcmi_power_limit_active"), Some(0.0));
    assert_eq!(scrape.plain("ipmi_dcmi_power_limit_watts"), Some(400.0));
}

pub(crate) fn no_statistics(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_eq!(scrape.plain("ipmi_dcmi_power_average_watts"), None);
    assert_eq!(scrape.plain("ipmi_dcmi_power_maximum_watts"), None);
}

/// A clock that was never set has no skew.
pub(crate) fn there_is_no_skew(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert_eq!(scrape.plain("ipmi_bmc_clock_skew_seconds"), None);
}

pub(crate) fn there_is_a_skew(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    assert!(scrape.plain("ipmi_bmc_clock_skew_seconds").is_some());
}

/// Limits are told as the BMC has them, also those that make no sense.
pub(crate) fn limits_are_as_they_are(_: &Exporter, _: &SimHandle, scrape: &Scrape) {
    for (series, value) in scrape.family("ipmi_sensor_threshold") {
        let number: u8 = series.labels["id"].parse().expect("a record id");
        let expected = match series.labels["threshold"].as_str() {
            "upper_critical" if number.is_multiple_of(2) => 1.0,
            "upper_critical" => 95.0,
            "upper_non_critical" => 85.0,
            other => panic!("there is no {other}"),
        };
        assert!(same(value, expected), "{series} is {value}");
    }
    assert_eq!(
        scrape.family("ipmi_sensor_threshold").len(),
        2 * usize::from(ANALOG)
    );
}

/// Thresholds are asked for at the end of the first scrape.
pub(crate) fn states_are_computed_in_the_end(_: &Exporter, sim: &SimHandle, scrape: &Scrape) {
    if sim.counters().readings_served > 10 {
        for (series, state) in scrape.family("ipmi_temperature_state") {
            assert!(same(state, 0.0), "{series} is {state}");
        }
    }
}
