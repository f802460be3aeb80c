//! Links and packets.

use crate::looks::{firmware_is_as_it_is, one_at_a_time, the_satellite_is_read, the_session_ends};
use crate::machine::{both_generations, with_satellite};
use crate::row::Expect::{Down, NeverWrong, Refused, Values};
use crate::row::{Row, row};

/// Refused after waiting for answers that are not taken.
const fn unheard(fault: &'static str) -> Row {
    row(fault, Refused)
        .timeout("12")
        .scrapes(1)
        .recovers_within(8)
}

pub(crate) const ROWS: &[Row] = &[
    row("conf_pad_16", Values),
    unheard("conf_pad_garbage"),
    row("seq_skip", Values),
    row("seq_jump=400", Values).while_running(),
    unheard("sid_zero"),
    unheard("sid_zero")
        .config(both_generations)
        .module("    driver: LAN"),
    row("sid_zero", Values)
        .config(both_generations)
        .module("    driver: LAN\n    workaround_flags: [idzero]"),
    row("seq_swapped", Values),
    // Where the numbers jump to depends on where they begin.
    row("seq_swapped", NeverWrong)
        .config(both_generations)
        .module("    driver: LAN")
        .timeout("12")
        .scrapes(1)
        .recovers_within(15),
    row("seq_swapped", Values)
        .config(both_generations)
        .module("    driver: LAN\n    workaround_flags: [endianseq]")
        .keeps_the_fault("the flag is for BMCs that have it for good"),
    row("wrong_len_trailer", Values),
    row("retry_ignored", Values).with(&["drop_p=0.05"]),
    row("one_at_a_time", Values),
    row("one_at_a_time=c0", Values).with(&["delay_ms=20"]),
    row("torn_reply", Values)
        .with(&["delay_ms=20"])
        .look(firmware_is_as_it_is),
    // Retries overlap with what they repeat.
    row("torn_reply", Values)
        .with(&["delay_ms=300"])
        .timeout("25")
        .look(firmware_is_as_it_is),
    row("dup_reply=0", Values),
    row("dup_reply=15", Values),
    row("reordered=30", Values),
    row("drop_p=0.02", Values),
    row("delay_ms=40", Values),
    row("jitter=40", Values),
    row("close_silent", Values),
    row("slots_exhausted", Refused)
        .scrapes(1)
        .needs_restart("slots that others hold are waited for for a minute"),
    row("reap_fast=20", Values).look(the_session_ends),
    row("session_lost_silent=5", Values).while_running(),
    row("power_window=2500", NeverWrong)
        .while_running()
        .recovers_within(8),
    row("overload_crash=1", Values)
        .with(&["delay_ms=20"])
        .look(one_at_a_time),
    // The first answer still comes.
    row("overload_crash=0", NeverWrong)
        .timeout("12")
        .scrapes(1)
        .recovers_within(8),
    row("slow_decay=1", Values),
    row("bridge_reorder", Values)
        .machine(with_satellite)
        .module("    bridge_sensors: true")
        .look(the_satellite_is_read),
    row("bridge_embedded", Values)
        .machine(with_satellite)
        .module("    bridge_sensors: true")
        .look(the_satellite_is_read),
    row("sdr_whole_short=20", Values),
    row("sdr_resv_thrash=3", Values).with(&["sdr_ca_min=16"]),
    row("sdr_ca_min=16", Values),
    row("sdr_ca_min=10", Values),
    // One silence of six seconds; then the records are read in pieces.
    row("too_big_silence=30", Values),
    row("silent", Refused).scrapes(2).recovers_within(8),
    row("silent_after=8", NeverWrong)
        .scrapes(1)
        .recovers_within(8),
    row("drop_requests_p=0.02", Values),
    row("drop_replies_p=0.02", Values),
    row("drop_request_nth=2+9+20", Values).while_running(),
    row("drop_reply_nth=2+9+20", Values).while_running(),
    row("latency_ms=30", Values),
    row("slow_command=04:2d:30", Values),
    row("late_reply_nth=9:700", Values).while_running(),
    row("silent_command=2c:02", Down(&["dcmi"])),
    row("dup_request", Values),
    row("garbage=200", Values),
    unheard("reply_bad_authcode"),
    // The first reply of each session is as good as any.
    row("seq_stuck", NeverWrong)
        .timeout("12")
        .scrapes(1)
        .recovers_within(8),
    unheard("wrong_command"),
    unheard("wrong_request_sequence"),
];
