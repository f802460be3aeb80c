//! Benchmarks of the exporter as a running program.
//!
//! * `fleet`: many simulated BMCs, scraped as Prometheus scrapes them, with our
//!   exporter, the stock exporter and any other, and with the floor: the same
//!   datagrams by a bare loop ([`fleet`]);
//! * `comparison`: one BMC of an independent simulator, ours beside the stock
//!   exporter ([`comparison`]);
//! * `instructions`: how many instructions a warm scrape takes, by callgrind
//!   ([`instructions`]).
#![forbid(unsafe_code)]

#[path = "../../exporter/tests/support/mod.rs"]
mod support;

mod comparison;
mod fleet;
mod instructions;
mod measure;
mod relay;
mod report;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "Benchmarks of ipmi_exporter", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Many simulated BMCs, scraped as Prometheus does; the goals
    Fleet(fleet::Arguments),
    /// One BMC of an independent simulator, beside the stock exporter
    Comparison(comparison::Arguments),
    /// Instructions of a warm scrape, compared with the committed number
    Instructions(instructions::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Fleet(arguments) => fleet::run(&arguments),
        Command::Comparison(arguments) => comparison::run(&arguments),
        Command::Instructions(arguments) => instructions::run(&arguments),
    }
}
