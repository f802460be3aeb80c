//! The session against a BMC on a virtual clock and a link that loses, delays,
//! copies and reorders: what must hold whatever the network does.
//!
//! Nothing here waits and nothing here is random twice: a run follows from its
//! seed. A failing test prints the seed; `LINK_SEED=<seed>` runs that one alone,
//! and `LINK_RUNS=<n>` makes the random tests n times longer.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod answers;
mod arrivals;
mod bridge;
mod close;
mod deadlines;
mod login;
mod login_refused;
mod loss;
mod malformed;
mod outage;
mod packets;
mod pair;
mod peers;
mod quirks;
mod schedules;
mod suite_list;
mod v15;
mod v15_bmc;

#[path = "../support/forge.rs"]
mod forge;
