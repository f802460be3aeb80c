//! Identity and commands.

use crate::looks::{
    no_version_of_the_system, the_watchdog_stands, there_is_a_guid, there_is_no_guid,
};
use crate::machine::everything;
use crate::row::Expect::{NeverWrong, Values};
use crate::row::{Row, row};

/// With everything that there is to ask.
const fn all(row: Row) -> Row {
    row.machine(everything).all_collectors()
}

pub(crate) const ROWS: &[Row] = &[
    row("d4_spurious", Values),
    row("c1_transient=5", NeverWrong),
    row("c1_transient=5", NeverWrong).while_running(),
    row("firmware_wedge=20", NeverWrong).while_running(),
    row("guid_zero", Values),
    row("guid_order", Values),
    all(row("guid_zero", Values)).look(there_is_no_guid),
    all(row("guid_order", Values)).look(there_is_a_guid),
    all(row("extra_bytes=12", Values)),
    row("extra_bytes=12", Values),
    row("sysinfo_empty_set", Values).look(no_version_of_the_system),
    row("wdt_flag_stuck", Values).look(the_watchdog_stands),
];
