//! What Alertmanager's configuration is made of: `parts` (what people make many of,
//! rows of one table), of which `receivers` have secrets, `ties` (what holds parts
//! together), and two documents: the tree of `routes` and the `settings`.

mod parts;
mod receivers;
mod routes;
mod settings;
mod ties;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;

use super::query::statements;
use super::{StoreError, Tx, WriteTx, json, moment, to_json};
use crate::clock::Timestamp;
use crate::model::alerting::{Alerting, AlertingSettings, Receiver, SecretPlace, SecretSource};
use crate::model::{SecretChange, Version};
use crate::render::alertmanager::Vault;

pub use parts::{AlertingDraft, AlertingPart, InhibitionRow, PartRow};
pub use ties::Ties;

/// Columns of a part.
macro_rules! columns {
    () => {
        "id, name, description, body, version, created_ms, updated_ms"
    };
}

use columns;

statements! {
    GET = concat!("SELECT ", columns!(), " FROM alerting_parts WHERE id = $1 AND kind = $2");
    ALL = concat!("SELECT ", columns!(), " FROM alerting_parts WHERE kind = $1 ORDER BY name, id");
    COUNT = "SELECT COUNT(*) FROM alerting_parts WHERE kind = $1";
    INSERT = "INSERT INTO alerting_parts (kind, name, description, body, version, created_ms, \
              updated_ms) VALUES ($1, $2, $3, $4, 1, $5, $5) RETURNING id";
    UPDATE = "UPDATE alerting_parts SET name = $1, description = $2, body = $3, \
              version = version + 1, updated_ms = $4 WHERE id = $5";
    DELETE = "DELETE FROM alerting_parts WHERE id = $1";
    GET_DOCUMENT = "SELECT document, version, updated_ms FROM alerting_documents WHERE name = $1";
    PUT_DOCUMENT = "INSERT INTO alerting_documents (name, document, version, updated_ms) \
                    VALUES ($1, $2, 1, $3) ON CONFLICT (name) DO UPDATE SET \
                    document = excluded.document, version = alerting_documents.version + 1, \
                    updated_ms = excluded.updated_ms";
}

/// Names of the documents.
const ROUTE: &str = "route";
const SETTINGS: &str = "settings";

impl Tx {
    /// All of alerting, from one moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerting(&mut self) -> Result<Alerting, StoreError> {
        Ok(Alerting {
            receivers: self.all_parts().await?,
            route: self.route_tree().await?.route,
            inhibitions: self.all_parts().await?,
            intervals: self.all_parts().await?,
            templates: self.all_parts().await?,
            settings: self.alerting_settings().await?,
        })
    }

    /// Opens all secrets of receivers and of the settings. They are for
    /// Alertmanager only.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub async fn alerting_vault(
        &mut self,
        receivers: &[Receiver],
        settings: &AlertingSettings,
    ) -> Result<Vault, StoreError> {
        let integrations = receivers.iter().flat_map(|one| &one.integrations);
        let places = integrations.flat_map(|one| one.secrets.values());
        let mut vault = Vault::new();
        for place in places.chain(&settings.mail_password) {
            let secret = self.secret_text(&place.id).await?;
            vault.insert(place.id.clone(), secret);
        }
        Ok(vault)
    }

    /// A document, or what it is before anybody wrote it, at version 0.
    async fn document<T: DeserializeOwned + Default>(
        &mut self,
        name: &'static str,
    ) -> Result<(T, Version, Timestamp), StoreError> {
        let query = sqlx::query(GET_DOCUMENT).bind(name);
        match query.fetch_optional(self.connection()).await? {
            None => Ok((T::default(), 0, Timestamp(0))),
            Some(row) => Ok((
                json(&row, "document")?,
                row.try_get("version")?,
                moment(&row, "updated_ms")?,
            )),
        }
    }
}

impl WriteTx {
    async fn put_document<T: Serialize>(
        &mut self,
        name: &'static str,
        document: &T,
    ) -> Result<(), StoreError> {
        let now = self.now();
        sqlx::query(PUT_DOCUMENT)
            .bind(name)
            .bind(to_json(document)?)
            .bind(now.0)
            .execute(self.connection())
            .await?;
        self.touch();
        Ok(())
    }

    /// Seals a secret that is given; one that is kept stays where it is.
    async fn put_source(
        &mut self,
        purpose: &'static str,
        source: SecretSource,
    ) -> Result<Option<SecretPlace>, StoreError> {
        Ok(match source {
            SecretSource::Kept(place) => Some(place),
            SecretSource::Given(SecretChange::Set(secret), hint) => Some(SecretPlace {
                id: self.put_secret(purpose, secret.as_bytes()).await?,
                hint,
            }),
            SecretSource::Given(SecretChange::Keep | SecretChange::Clear, _) => None,
        })
    }
}
