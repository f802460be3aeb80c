//! What the exporter promises, each promise in a file of its own: the real
//! program in a process of its own against simulated BMCs in this one.
//!
//! The simulators' counters say what was on the wire, and their log of served
//! values says what may be in an answer. All files are one test program, because
//! most of these tests wait more than they work.
#![allow(
    clippy::unwrap_used,
    reason = "what a helper cannot do fails the test that called it"
)]

#[path = "../support/canary.rs"]
mod canary;
#[path = "../support/mod.rs"]
mod support;

mod lab;

mod allow_list;
mod deadline;
mod event_log;
mod isolation;
mod logins;
mod odd_sensors;
mod probe;
mod queries;
mod record;
mod reload;
mod round_trip;
mod satellites;
mod sdr_cache;
mod sdr_devices;
mod secrets;
mod sensor_commands;
mod sessions;
