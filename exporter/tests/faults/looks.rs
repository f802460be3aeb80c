//! What single rows look at beside the values of sensors.

use bmc_sim::SimHandle;
use rmcp_ipmi::wire::NetFn;

use crate::judge::values;
use crate::lab::{LIMIT, Scrape, own_metric};
use crate::machine::{ANALOG, TIME};
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
