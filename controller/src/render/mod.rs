//! Turns the desired state into the texts that other programs read. Pure: no
//! clock, no network, no store; the same state gives the same bytes.

pub mod alertmanager;
mod assign;
mod carried;
mod document;
mod rule_groups;
mod rules;
mod shard;
mod targets;
mod thresholds;

pub use assign::{Assignment, Unassigned, assign};
pub use carried::{Carried, desired as carried, published as carried_by};
pub use document::{Document, DocumentError, Entry, list};
pub use rule_groups::rule_groups;
pub use rules::{RuleFile, RuleFileError};
pub use shard::{Shard, distribute};
pub use targets::{
    BlindSpot, JOB, RenderedTargets, ShardTargets, TARGET_LABELS, series_labels, targets,
};
pub use thresholds::{OVERRIDE_METRIC, thresholds};
