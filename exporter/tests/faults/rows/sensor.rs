//! Sensors.

use crate::looks::{
    all_are_temperatures, limits_are_as_they_are, names_have_changed,
    states_are_computed_in_the_end,
};
use crate::machine::everything;
use crate::row::Expect::{Absent, Values};
use crate::row::{Row, row};

/// A sensor that was not there three times is asked at every fifth scrape, of
/// which there are ten in a second here.
const PROBE: u64 = 5;

pub(crate) const ROWS: &[Row] = &[
    row("lun_sensors", Values),
    row("wrong_owner", Absent),
    row("wrong_owner", Values).module("    workaround_flags: [assumebmcowner]"),
    row("analog_in_discrete", Absent),
    row("analog_in_discrete", Values).module("    workaround_flags: [discretereading]"),
    row("thr_bits_shifted", Values),
    row("thr_bits_shifted", Values).module("    threshold_states: computed"),
    // What is computed knows better, once the thresholds have been asked for.
    row("thr_bits_random", Values)
        .module("    threshold_states: computed")
        .any_state()
        .look(states_are_computed_in_the_end),
    row("thr_bits_random", Values).any_state(),
    row("scan_bit_wrong", Absent).recovers_within(PROBE),
    row("scan_bit_wrong", Values).module("    workaround_flags: [ignorescanningdisabled]"),
    row("absent_many_codes", Absent).recovers_within(PROBE),
    row("absent_c0", Absent),
    row("absent_slow=300", Absent).recovers_within(PROBE),
    row("short_reading=0", Absent).recovers_within(PROBE),
    row("short_reading=1", Absent).recovers_within(PROBE),
    row("short_reading=2", Values),
    row("unit_mod_unspecified", Values).look(all_are_temperatures),
    row("illegal_states", Values),
    row("thr_illogical", Values),
    row("thr_illogical", Values)
        .all_collectors()
        .machine(everything)
        .look(limits_are_as_they_are),
    row("m_zero", Absent),
    row("log_neg", Absent),
    row("name_churn", Values)
        .while_running()
        .look(names_have_changed),
];
