//! The desired state as a whole, for those who publish it.

use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::query::statements;
use super::{StoreError, Tx, json};
use crate::model::{Inventory, Labels, MonitoredServer};

statements! {
    MONITORED = "SELECT s.id, s.name, s.address, s.port, c.name AS module, g.name AS group_name, \
                 s.exporter_id, s.manufacturer, s.model, s.site, s.rack, s.labels FROM servers s \
                 LEFT JOIN credentials c ON c.id = s.credential_id \
                 LEFT JOIN groups g ON g.id = s.group_id \
                 WHERE s.monitoring_enabled = 1 ORDER BY s.id";
}

impl Tx {
    /// All monitored servers and all exporters, from one moment.
    ///
    /// # Errors
    /// When the database fails; then nothing must be published, least of all an
    /// empty list.
    pub async fn inventory(&mut self) -> Result<Inventory, StoreError> {
        let revision = self.revision().await?;
        let exporters = self.all_exporters().await?;
        let mut servers = Vec::new();
        let mut rows = sqlx::query(MONITORED).fetch(self.connection());
        while let Some(row) = rows.try_next().await? {
            servers.push(read(&row)?);
        }
        Ok(Inventory {
            revision,
            servers,
            exporters,
        })
    }
}

fn read(row: &AnyRow) -> Result<MonitoredServer, StoreError> {
    let port: i64 = row.try_get("port")?;
    let labels: std::collections::BTreeMap<String, String> = json(row, "labels")?;
    Ok(MonitoredServer {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        address: row.try_get("address")?,
        port: u16::try_from(port).map_err(|_| StoreError::Damaged(format!("port {port}")))?,
        module: row.try_get("module")?,
        group: row.try_get("group_name")?,
        exporter_id: row.try_get("exporter_id")?,
        manufacturer: row.try_get("manufacturer")?,
        model: row.try_get("model")?,
        site: row.try_get("site")?,
        rack: row.try_get("rack")?,
        labels: Labels::parse(&labels).map_err(StoreError::Damaged)?,
    })
}
