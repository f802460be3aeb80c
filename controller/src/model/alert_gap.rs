//! Times of which the journal of alerts does not know all, or knew it late.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::alert::words;
use super::{Id, Page};
use crate::clock::Timestamp;

words! {
    /// Why alerts of that time may be missing.
    GapCause {
        /// The controller did not run.
        ControllerDown = "controller_down",
        /// It ran, but alerts came to light that nobody had told it of.
        NotHeard = "not_heard",
        /// Prometheus could not be asked for its records of that time.
        PrometheusUnreachable = "prometheus_unreachable",
        /// Prometheus did not run, so nothing was evaluated.
        PrometheusDown = "prometheus_down",
        /// The records of that time are too large to be read, or older than is
        /// looked back.
        RecordsUnread = "records_unread",
    }
}

words! {
    /// What became of a gap.
    GapState {
        /// It is still to be filled from Prometheus' records.
        Open = "open",
        /// What these have of it is in the journal.
        Closed = "closed",
        /// It cannot be filled.
        Lost = "lost",
    }
}

/// A time of which the journal does not know all, or knew it late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlertGap {
    /// Number of the gap.
    pub id: Id,
    /// Why.
    pub cause: GapCause,
    /// What became of it.
    pub state: GapState,
    /// Which Prometheus; absent where it is about all.
    pub prometheus: Option<String>,
    /// When it began.
    pub from: Timestamp,
    /// When it was over, as far as is known.
    pub until: Timestamp,
    /// Episodes that were found afterwards.
    pub episodes: i64,
}

/// Which gaps are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct GapFilter {
    /// What became of it.
    #[param(inline)]
    pub state: Option<GapState>,
    /// Why.
    #[param(inline)]
    pub cause: Option<GapCause>,
    /// Over not before this moment (RFC 3339).
    pub since: Option<Timestamp>,
    /// Began before this moment (RFC 3339).
    pub until: Option<Timestamp>,
}

/// How far the records of a Prometheus have been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecoverySource {
    /// Which Prometheus.
    pub prometheus: String,
    /// Until when its records are in the journal.
    pub recovered_until: Timestamp,
    /// What keeps them from being read; absent when nothing does.
    pub problem: Option<String>,
}

/// Gaps, and how far they are being filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlertGaps {
    /// Gaps, the newest first.
    #[serde(flatten)]
    pub page: Page<AlertGap>,
    /// How far the records of each Prometheus have been read.
    pub sources: Vec<RecoverySource>,
}
