//! Receivers: parts that have secrets.

use std::collections::BTreeMap;

use super::parts::AlertingDraft;
use crate::model::alerting::{Integration, Receiver, ReceiverDraft, receiver_without_mail};
use crate::store::{StoreError, WriteTx};

/// What their secrets are for.
const PURPOSE: &str = "receiver";

impl AlertingDraft for ReceiverDraft {
    type Part = Receiver;

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn description(&self) -> &str {
        self.description.as_str()
    }

    /// Seals what secrets are given, and keeps the others.
    async fn body(
        &self,
        tx: &mut WriteTx,
        before: Option<&Receiver>,
    ) -> Result<Vec<Integration>, StoreError> {
        let before = before.map_or(&[][..], |before| &before.integrations);
        let sources = self.secret_sources(before).map_err(StoreError::Invalid)?;
        let mut integrations = Vec::with_capacity(sources.len());
        for (one, sources) in self.integrations.iter().zip(sources) {
            let mut secrets = BTreeMap::new();
            for (name, source) in sources {
                if let Some(place) = tx.put_source(PURPOSE, source).await? {
                    secrets.insert(name, place);
                }
            }
            integrations.push(Integration {
                key: one.key.clone(),
                send_resolved: one.send_resolved,
                language: one.language,
                settings: one.settings.clone(),
                http: one.http.clone(),
                secrets,
            });
        }
        let settings = tx.alerting_settings().await?;
        match receiver_without_mail(&integrations, &settings) {
            found if found.is_empty() => Ok(integrations),
            found => Err(StoreError::Invalid(found)),
        }
    }
}
