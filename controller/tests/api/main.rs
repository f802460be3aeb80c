//! The REST interface, as programs and browsers meet it.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod alerts;
mod audit;
mod auth;
mod channel;
mod crash;
mod monitoring;
mod rule_files;
mod rules;
mod secrets;
mod servers;
mod shards;
mod sync;
