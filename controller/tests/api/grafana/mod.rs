//! Dashboards: their form, and how they come into Grafana. Their queries are
//! asked in the exporter's tests, which have both products.

mod contract;
mod drift;
mod form;
