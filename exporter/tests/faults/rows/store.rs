//! Event log, clock, inventory, data center commands.

use crate::row::Expect::{Down, NeverWrong, Values};
use crate::row::{Row, row};

pub(crate) const ROWS: &[Row] = &[
    row("sel_bad_type", Values),
    row("sel_dup_ids", Values),
    row("sel_stamp_stuck", Values),
    row("sel_zero_sizes", Values),
    row("sel_erase_81=3", NeverWrong),
    row("clock_wrong=1970", Values),
    row("clock_wrong=local", Values),
    row("clock_wrong=wrap", Values),
    row("clock_wrong=backwards", Values),
    row("sel_huge=1200", NeverWrong),
    row("fru_checksum", Values),
    row("fru_size_lies", Values),
    row("dcmi_power_off_bit=zero", Values),
    row("dcmi_power_off_bit=stale", Values),
    row("dcmi_power_off_bit=c1", Down(&["dcmi"])),
    row("dcmi_start_ignored", Values),
    row("dcmi_80_with_data", Values),
];
