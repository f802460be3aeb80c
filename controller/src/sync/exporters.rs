//! Where the exporters' modules stand. Exporters fetch them over their channel and
//! tell what they work with; this only makes that a row like all others.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::status::{ArtefactStatus, State, StatusSource};
use crate::channel;
use crate::clock::Timestamp;
use crate::model::{Applied, Artefact, ChannelStatus, Id, SyncKey};
use crate::store::{Store, StoreError};

/// How often it is looked where they stand.
const LOOK: Duration = Duration::from_secs(1);

/// Rows for all exporters. Cheap to clone.
#[derive(Clone)]
pub struct Exporters {
    store: Store,
    channel: channel::Handle,
    rows: watch::Sender<HashMap<Id, ArtefactStatus>>,
}

impl Exporters {
    /// Rows for the exporters in the store.
    #[must_use]
    pub fn new(store: Store, channel: channel::Handle) -> Self {
        Self {
            store,
            channel,
            rows: watch::channel(HashMap::new()).0,
        }
    }

    /// Looks again and again, until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "Where the exporters stand could not be read");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        let exporters = self.store.read().await?.all_exporters().await?;
        let channels: HashMap<Id, ChannelStatus> =
            self.channel.statuses().await?.into_iter().collect();
        let now = self.store.clock().now();
        self.rows.send_modify(|rows| {
            let mut old = std::mem::take(rows);
            for exporter in &exporters {
                let key = SyncKey::new(Artefact::ExporterModules, exporter.name.as_str());
                let mut row = old
                    .remove(&exporter.id)
                    .filter(|row| row.server == key.server)
                    .unwrap_or_else(|| ArtefactStatus::new(&key, now));
                let targets = self.channel.view(exporter.id).map(|v| v.target_count());
                row.entries = targets.map_or(0, |n| i64::try_from(n).unwrap_or(i64::MAX));
                stand(&mut row, exporter.id, channels.get(&exporter.id), now);
                rows.insert(exporter.id, row);
            }
        });
        Ok(())
    }
}

impl StatusSource for Exporters {
    fn statuses(&self) -> Vec<ArtefactStatus> {
        let mut rows: Vec<ArtefactStatus> = self.rows.borrow().values().cloned().collect();
        rows.sort_by(|a, b| a.server.cmp(&b.server));
        rows
    }
}

/// Notes where one stands.
fn stand(row: &mut ArtefactStatus, exporter: Id, channel: Option<&ChannelStatus>, now: Timestamp) {
    let Some(channel) = channel else {
        let message = format!(
            "it has never asked for its modules: it works with a file of its own, or is to be \
             started with --controller.url and a token for exporter {exporter}"
        );
        row.stand(State::Unverified, message, now);
        return;
    };
    row.verified_at = Some(channel.last_seen_at).filter(|_| channel.applied == Applied::InSync);
    let (state, message) = match (channel.applied, channel.is_connected) {
        (Applied::InSync, true) => (State::InSync, String::new()),
        (Applied::InSync, false) => (
            State::Unverified,
            "it has not asked lately; when it did, it worked with what it should have".to_owned(),
        ),
        (Applied::Pending, true) => (
            State::Pending,
            "it has not told yet that it works with the latest".to_owned(),
        ),
        (Applied::Pending, false) => (
            State::Pending,
            "it does not ask; it works with what it has until it is back".to_owned(),
        ),
        (Applied::Failed, _) => (
            State::Failed,
            format!(
                "it refused what it was given, and works with what it had; exporters/{exporter} has \
                 its words"
            ),
        ),
    };
    if state == State::Failed && row.state != State::Failed {
        row.fail(now);
    }
    row.warnings = channel.error.iter().cloned().collect();
    row.stand(state, message, now);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ChannelSource;

    fn channel(applied: Applied, is_connected: bool) -> ChannelStatus {
        ChannelStatus {
            connected_at: Timestamp(1_000),
            last_seen_at: Timestamp(2_000),
            is_connected,
            applied,
            error: (applied == Applied::Failed).then(|| "modules.x: no".to_owned()),
            exporter_version: String::new(),
            started_at: None,
            source: ChannelSource::default(),
        }
    }

    #[test]
    fn each_state_of_a_channel_is_a_state_of_an_artefact() {
        let now = Timestamp(3_000);
        let key = SyncKey::new(Artefact::ExporterModules, "east");
        let mut row = ArtefactStatus::new(&key, Timestamp(0));
        let cases = [
            (None, State::Unverified, "has never asked"),
            (
                Some((Applied::Pending, true)),
                State::Pending,
                "not told yet",
            ),
            (Some((Applied::InSync, true)), State::InSync, ""),
            (
                Some((Applied::InSync, false)),
                State::Unverified,
                "not asked lately",
            ),
            (
                Some((Applied::Pending, false)),
                State::Pending,
                "until it is back",
            ),
            (Some((Applied::Failed, true)), State::Failed, "exporters/7"),
            (Some((Applied::Failed, true)), State::Failed, "exporters/7"),
        ];
        for (known, state, message) in cases {
            let known = known.map(|(applied, is_connected)| channel(applied, is_connected));
            stand(&mut row, 7, known.as_ref(), now);
            assert_eq!(row.state, state);
            assert!(row.message.contains(message), "{}", row.message);
            assert_eq!(row.message.is_empty(), state == State::InSync);
            let is_good = known.is_some_and(|known| known.applied == Applied::InSync);
            assert_eq!(row.verified_at.is_some(), is_good, "{state:?}");
            // The words of an exporter may name servers; those who are limited to
            // groups do not see warnings.
            assert_eq!(row.warnings.is_empty(), state != State::Failed);
        }
        assert_eq!((row.failures, row.failed_at), (1, Some(now)), "told twice");
    }
}
