//! What BMCs that lie can do to the exporter: nothing. One row for each profile
//! of [`bmc_sim::hostile`], each with an exporter of its own, a crowd of liars,
//! and an honest BMC that is scraped all the while.
//!
//! Whatever the liar, in each row: every scrape ends in time; what is shown was
//! said by the BMC, in a packet worth believing, during this very scrape; no
//! RAKP message 3 with a code goes to somebody who has not proved the password;
//! password, K_g, and the codes and keys made of them are in no answer, metric
//! or log; the process neither panics nor grows past [`row::MEMORY_LIMIT`]; and
//! the honest BMC's scrapes are whole.
//!
//! The tests scrape a handful of liars for each row. `HOSTILE_SESSIONS=1000`
//! makes that a thousand log-ins, `HOSTILE=mb16,mb17` picks rows.
#![allow(
    clippy::unwrap_used,
    reason = "what a helper cannot do fails the test that called it"
)]

#[path = "../support/canary.rs"]
mod canary;
#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "the tests of the promises use more of it")]
#[path = "../promises/lab.rs"]
mod lab;

mod name;
mod row;
mod table;
mod trace;
