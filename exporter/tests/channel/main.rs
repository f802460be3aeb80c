//! Modules from a controller: the real program in a process of its own, against
//! a real controller in this one ([`controller`]), and against servers that are
//! none ([`impostor`]). With a real Prometheus and a real Alertmanager it is the
//! whole [`system`].
//!
//! The controller is a library here and not a program, so that one crate's tests
//! need one other crate's program only.
#![allow(
    clippy::unwrap_used,
    reason = "what a helper cannot do fails the test that called it"
)]

#[allow(dead_code, reason = "shared with another test program")]
#[path = "../support/canary.rs"]
mod canary;
#[allow(dead_code, reason = "shared with another test program")]
#[path = "../promises/lab.rs"]
mod lab;
#[path = "../support/mod.rs"]
mod support;

mod controller;
mod follower;
mod impostor;
mod system;

mod alarm;
mod collect;
mod dashboards;
mod following;
mod hostile;
mod rules;
mod series;
mod start;
