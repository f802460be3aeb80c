//! Sensor data records.

use crate::looks::half_are_of_no_known_kind;
use crate::row::Expect::{Down, Values};
use crate::row::{Row, row};

pub(crate) const ROWS: &[Row] = &[
    row("sdr_id_mismatch", Values),
    row("sdr_excess=7", Values),
    row("sdr_last_c3", Values),
    row("sdr_no_end=first", Values),
    row("sdr_no_end=same", Values),
    row("sdr_count_wrong=3", Values),
    row("sdr_count_wrong=300", Values),
    row("sdr_erased", Down(&["ipmi", "sel-events"])),
    row("sdr_erased", Down(&["ipmi", "sel-events"])).while_running(),
    row("sdr_c1_info", Values),
    row("sdr_c1_reserve", Values),
    row("sdr_c1_reserve", Values).with(&["sdr_ca_min=16"]),
    row("sdr_stamp_const=zero", Values),
    row("sdr_stamp_const=ones", Values),
    row("sdr_stamp_const=moving", Values),
    row("sdr_changes_midwalk=4", Values),
    row("sdr_dup_number", Values),
    row("sdr_bad_id=long", Values),
    row("sdr_bad_id=nul", Values),
    row("sdr_bad_id=empty", Values),
    row("sdr_garbage_units", Values).look(half_are_of_no_known_kind),
];
