//! The REST interface, as programs and browsers meet it.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod alerts;
mod audit;
mod auth;
mod bulk;
mod crash;
mod discovery;
mod import;
mod openserverhub;
mod secrets;
mod servers;
mod sync;
