//! Identity and commands.

use crate::looks::{no_version_of_the_system, the_watchdog_stands};
use crate::row::Expect::{NeverWrong, Values};
use crate::row::{Row, row};

pub(crate) const ROWS: &[Row] = &[
    row("d4_spurious", Values),
    row("c1_transient=5", NeverWrong),
    row("c1_transient=5", NeverWrong).while_running(),
    row("firmware_wedge=20", NeverWrong).while_running(),
    row("guid_zero", Values),
    row("guid_order", Values),
    row("extra_bytes=12", Values),
    row("sysinfo_empty_set", Values).look(no_version_of_the_system),
    row("wdt_flag_stuck", Values).look(the_watchdog_stands),
];
