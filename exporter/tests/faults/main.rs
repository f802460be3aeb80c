//! One row for each named fault: what is injected, what must come out of the
//! running exporter, no wrong value meanwhile, and recovery afterwards.
//!
//! The rows are tables in [`rows`], by the sections of `fixtures/FAULTS.md`; what
//! they mean is in [`row`], and how they are run in [`run`]. `FAULT_SCRAPES=100`
//! scrapes that often under each fault instead of a few times.
#![allow(
    clippy::unwrap_used,
    reason = "what a helper cannot do fails the test that called it"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../promises/lab.rs"]
#[allow(
    dead_code,
    reason = "shared with another test program, which uses more of it"
)]
mod lab;

mod judge;
mod looks;
mod machine;
mod pairs;
mod row;
mod rows;
mod run;

use std::collections::BTreeSet;

use bmc_sim::Fault;
use run::run;

#[test]
fn faults_of_the_log_in() {
    run(rows::LOGIN);
}

#[test]
fn faults_of_links_and_packets() {
    run(rows::TRANSPORT);
}

#[test]
fn faults_of_records() {
    run(rows::SDR);
}

#[test]
fn faults_of_sensors() {
    run(rows::SENSOR);
}

#[test]
fn faults_of_identity_logs_and_the_rest() {
    run(rows::IDENTITY);
    run(rows::STORE);
}

/// A fault that nobody tests is a promise that nobody keeps.
#[test]
fn every_fault_has_a_row_and_every_row_a_fault() {
    let known: BTreeSet<&str> = Fault::catalogue().map(|info| info.name).collect();
    let mut tested = BTreeSet::new();
    for row in rows::all() {
        let fault: Fault = row
            .fault
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", row.fault));
        tested.insert(fault.name());
    }
    let untested: Vec<_> = known.difference(&tested).collect();
    assert!(untested.is_empty(), "no row for {untested:?}");
}
