//! Dashboards: their form, their queries, and how they come into Grafana.

mod contract;
mod drift;
mod form;
mod queries;
