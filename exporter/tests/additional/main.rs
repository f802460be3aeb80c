//! The collectors that the stock exporter does not have: the real program in a
//! process of its own against simulated BMCs in this one, and other programs
//! against the same BMCs.
#![allow(
    clippy::unwrap_used,
    reason = "what a helper cannot do fails the test that called it"
)]

#[allow(dead_code, reason = "shared with another test program")]
#[path = "../promises/lab.rs"]
mod lab;
#[path = "../support/mod.rs"]
mod support;

mod cost;
mod dcmi;
mod event_log;
mod inventory;
mod machine;
mod odd_answers;
mod other_programs;
mod probe;
mod values;
mod vendors;
