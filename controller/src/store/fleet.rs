//! All servers, with as much of each as an overview of them needs.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use sqlx::Row;

use super::query::statements;
use super::{StoreError, Tx, truth};
use crate::model::Id;

statements! {
    ALL = "SELECT s.id, s.name, s.address, s.group_id, g.name AS group_name, s.site, s.rack, \
           s.manufacturer, s.model, s.monitoring_enabled, s.search FROM servers s \
           LEFT JOIN groups g ON g.id = s.group_id ORDER BY s.id";
    FIRING = "SELECT server_id, severity, COUNT(*) FROM alerts \
              WHERE state = 'firing' AND server_id IS NOT NULL GROUP BY server_id, severity";
}

/// A server in an overview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetEntry {
    /// Number of the server.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Address of its BMC.
    pub address: String,
    /// Number of its group.
    pub group_id: Option<Id>,
    /// Name of its group; empty without one.
    pub group: String,
    /// Where it is; may be empty.
    pub site: String,
    /// Where there; may be empty.
    pub rack: String,
    /// Who made it; may be empty.
    pub manufacturer: String,
    /// What it is; may be empty.
    pub model: String,
    /// Whether its BMC is asked.
    pub monitoring_enabled: bool,
    /// All that a search looks at, in lower case.
    pub search: String,
}

/// Alerts that fire for one server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Firing {
    /// Those with the severity `critical`.
    pub critical: i64,
    /// Those with the severity `warning`.
    pub warning: i64,
    /// All others.
    pub other: i64,
}

impl Tx {
    /// All servers, in the order of their numbers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fleet(&mut self) -> Result<Vec<FleetEntry>, StoreError> {
        let mut entries = Vec::new();
        let mut rows = sqlx::query(ALL).fetch(self.connection());
        while let Some(row) = rows.try_next().await? {
            let group: Option<String> = row.try_get("group_name")?;
            entries.push(FleetEntry {
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                address: row.try_get("address")?,
                group_id: row.try_get("group_id")?,
                group: group.unwrap_or_default(),
                site: row.try_get("site")?,
                rack: row.try_get("rack")?,
                manufacturer: row.try_get("manufacturer")?,
                model: row.try_get("model")?,
                monitoring_enabled: truth(&row, "monitoring_enabled")?,
                search: row.try_get("search")?,
            });
        }
        Ok(entries)
    }

    /// Alerts that fire now, by server.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn firing_by_server(&mut self) -> Result<HashMap<Id, Firing>, StoreError> {
        let mut found: HashMap<Id, Firing> = HashMap::new();
        let rows = sqlx::query(FIRING).fetch_all(self.connection()).await?;
        for row in rows {
            let firing = found.entry(row.try_get(0)?).or_default();
            let severity: String = row.try_get(1)?;
            let count: i64 = row.try_get(2)?;
            match severity.as_str() {
                "critical" => firing.critical += count,
                "warning" => firing.warning += count,
                _ => firing.other += count,
            }
        }
        Ok(found)
    }
}
