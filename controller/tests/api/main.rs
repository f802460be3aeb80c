//! The REST interface, as programs and browsers meet it.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod alerting;
mod alerts;
mod audit;
mod auth;
mod browser;
mod bulk;
mod channel;
mod discovery;
mod events;
mod grafana;
mod import;
mod monitoring;
mod openserverhub;
mod rules;
mod sandbox;
mod secrets;
mod servers;
mod silences;
mod sync;
mod trail;
