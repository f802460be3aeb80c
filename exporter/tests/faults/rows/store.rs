//! Event log, clock, inventory, data center commands.

use crate::looks::{
    all_events_count, events_are_two_hours_late, events_have_no_time, half_of_the_events_count,
    no_power, no_statistics, one_page_of_temperatures, pairs_count_once, the_inventory_is_marked,
    the_inventory_is_read, the_limit_is_off, the_log_is_empty, the_log_is_read_once,
    there_is_a_skew, there_is_no_skew,
};
use crate::machine::everything;
use crate::row::Expect::{Down, NeverWrong, Values};
use crate::row::{Row, row};

/// With everything that there is to ask.
const fn all(row: Row) -> Row {
    row.machine(everything).all_collectors()
}

pub(crate) const ROWS: &[Row] = &[
    row("sel_bad_type", Values).look(half_of_the_events_count),
    row("sel_bad_type", Values)
        .module("    workaround_flags: [assumesystemevent]")
        .look(all_events_count),
    row("sel_dup_ids", Values).look(pairs_count_once),
    row("sel_stamp_stuck", Values),
    row("sel_zero_sizes", Values).look(the_log_is_empty),
    row("sel_erase_81=3", NeverWrong),
    row("clock_wrong=1970", Values).look(events_have_no_time),
    row("clock_wrong=local", Values).look(events_are_two_hours_late),
    row("clock_wrong=wrap", Values),
    row("clock_wrong=backwards", Values),
    all(row("clock_wrong=1970", Values)).look(there_is_no_skew),
    all(row("clock_wrong=local", Values)).look(there_is_a_skew),
    all(row("clock_wrong=wrap", Values)),
    row("sel_huge=1200", Values).look(the_log_is_read_once),
    all(row("fru_checksum", Values)).look(the_inventory_is_marked),
    all(row("fru_size_lies", Values)).look(the_inventory_is_read),
    row("dcmi_power_off_bit=zero", Values).look(no_power),
    row("dcmi_power_off_bit=stale", Values).look(no_power),
    row("dcmi_power_off_bit=c1", Down(&["dcmi"])),
    all(row("dcmi_power_off_bit=zero", Values)).look(no_statistics),
    all(row("dcmi_start_ignored", Values)).look(one_page_of_temperatures),
    all(row("dcmi_80_with_data", Values)).look(the_limit_is_off),
];
