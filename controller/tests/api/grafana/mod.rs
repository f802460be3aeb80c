//! Dashboards: their form, their queries, and how they come into Grafana.

mod form;
mod queries;
