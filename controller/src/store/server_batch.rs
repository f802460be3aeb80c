//! Many servers at once, with few statements however many there are.

use std::collections::{BTreeMap, HashMap};

use sqlx::Row;

use super::groups::and_in_scope;
use super::query::{Query, statements};
use super::servers::{SELECT, and_filter, read, search_text};
use super::{StoreError, Tx, WriteTx, to_json};
use crate::model::{Id, Scope, Server, ServerDraft, ServerFilter, Version};

/// Values that one statement looks for.
const CHUNK: usize = 250;
/// Rows that one statement writes. For each value SQLite looks through the names of
/// all before it, so that a statement with four times the rows takes four times as
/// long for each.
const ROWS: usize = 40;

const INSERT: &str = "INSERT INTO servers (name, address, port, credential_id, group_id, \
    exporter_id, monitoring_enabled, manufacturer, model, serial_number, site, rack, \
    description, tags, labels, search, version, created_ms, updated_ms) VALUES ";
const REPLACE: &str = "INSERT INTO servers (id, name, address, port, credential_id, group_id, \
    exporter_id, monitoring_enabled, manufacturer, model, serial_number, site, rack, \
    description, tags, labels, search, version, created_ms, updated_ms) VALUES ";
const REPLACE_END: &str = " ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
    address = excluded.address, port = excluded.port, credential_id = excluded.credential_id, \
    group_id = excluded.group_id, exporter_id = excluded.exporter_id, \
    monitoring_enabled = excluded.monitoring_enabled, manufacturer = excluded.manufacturer, \
    model = excluded.model, serial_number = excluded.serial_number, site = excluded.site, \
    rack = excluded.rack, description = excluded.description, tags = excluded.tags, \
    labels = excluded.labels, search = excluded.search, version = excluded.version, \
    updated_ms = excluded.updated_ms";

statements! {
    GROUP_NAMES = "SELECT id, name FROM groups";
    CREDENTIAL_NAMES = "SELECT id, name FROM credentials";
    EXPORTER_NAMES = "SELECT id, name FROM exporters";
}

/// Names of the rows that servers refer to, with their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Groups.
    pub groups: HashMap<String, Id>,
    /// Credential profiles.
    pub credentials: HashMap<String, Id>,
    /// Exporters.
    pub exporters: HashMap<String, Id>,
}

/// Who is at an address.
pub type Places = HashMap<(String, u16), Id>;

impl Tx {
    /// Up to `limit` servers with numbers above `after`, by number: a way through
    /// all of them in pieces.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn servers_after(
        &mut self,
        after: Id,
        filter: &ServerFilter,
        scope: &Scope,
        limit: i64,
    ) -> Result<Vec<Server>, StoreError> {
        let mut query = Query::new(SELECT);
        and_filter(&mut query, filter)?;
        and_in_scope(&mut query, "group_id", scope)?;
        query.and("id > ").bind(after)?;
        query.push(" ORDER BY id LIMIT ").bind(limit)?;
        query.fetch_all(self).await?.iter().map(read).collect()
    }

    /// Up to `limit` servers, by number, without the first `skip` of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn servers_from(
        &mut self,
        filter: &ServerFilter,
        scope: &Scope,
        skip: i64,
        limit: i64,
    ) -> Result<Vec<Server>, StoreError> {
        let mut query = Query::new(SELECT);
        and_filter(&mut query, filter)?;
        and_in_scope(&mut query, "group_id", scope)?;
        query.push(" ORDER BY id LIMIT ").bind(limit)?;
        query.push(" OFFSET ").bind(skip)?;
        query.fetch_all(self).await?.iter().map(read).collect()
    }

    /// How many servers a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_servers(
        &mut self,
        filter: &ServerFilter,
        scope: &Scope,
    ) -> Result<i64, StoreError> {
        let mut query = Query::new("SELECT COUNT(*) FROM servers");
        and_filter(&mut query, filter)?;
        and_in_scope(&mut query, "group_id", scope)?;
        Ok(query.fetch_one(self).await?.try_get(0)?)
    }

    /// The servers of these numbers that there are and that are in the scope, by
    /// number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn servers_with_ids(
        &mut self,
        ids: &[Id],
        scope: &Scope,
    ) -> Result<Vec<Server>, StoreError> {
        let mut servers = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let mut query = Query::new(SELECT);
            query.and("id IN ").list(chunk.iter().copied())?;
            and_in_scope(&mut query, "group_id", scope)?;
            for row in query.fetch_all(self).await? {
                servers.push(read(&row)?);
            }
        }
        servers.sort_unstable_by_key(|server| server.id);
        Ok(servers)
    }

    /// The servers of these names, whosever they are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn servers_named(
        &mut self,
        names: &[&str],
    ) -> Result<HashMap<String, Server>, StoreError> {
        let mut servers = HashMap::with_capacity(names.len());
        for chunk in names.chunks(CHUNK) {
            let mut query = Query::new(SELECT);
            let names = chunk.iter().map(|name| (*name).to_owned());
            query.and("name IN ").list(names)?;
            for row in query.fetch_all(self).await? {
                let server = read(&row)?;
                servers.insert(server.name.clone(), server);
            }
        }
        Ok(servers)
    }

    /// Numbers of the servers at these addresses and ports, whosever they are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn servers_at(&mut self, places: &[(&str, u16)]) -> Result<Places, StoreError> {
        let mut found = Places::with_capacity(places.len());
        for chunk in places.chunks(CHUNK) {
            // For `(address, port) IN (VALUES …)` SQLite would read all servers.
            let mut query = Query::new("WITH wanted (address, port) AS (VALUES ");
            for (index, (address, port)) in chunk.iter().enumerate() {
                query.push(if index == 0 { "(" } else { ", (" });
                query.bind((*address).to_owned())?.push(", ");
                query.bind(i64::from(*port))?.push(")");
            }
            query.push(
                ") SELECT s.address, s.port, s.id FROM wanted CROSS JOIN servers s \
                 WHERE s.address = wanted.address AND s.port = wanted.port",
            );
            for row in query.fetch_all(self).await? {
                let port: i64 = row.try_get(1)?;
                let port =
                    u16::try_from(port).map_err(|_| StoreError::Damaged(format!("port {port}")))?;
                found.insert((row.try_get(0)?, port), row.try_get(2)?);
            }
        }
        Ok(found)
    }

    /// Names of all groups, profiles and exporters.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn names(&mut self) -> Result<Names, StoreError> {
        let mut read = async |statement: &'static str| {
            let rows = sqlx::query(statement).fetch_all(self.connection()).await?;
            rows.iter()
                .map(|row| Ok((row.try_get(1)?, row.try_get(0)?)))
                .collect::<Result<HashMap<String, Id>, StoreError>>()
        };
        Ok(Names {
            groups: read(GROUP_NAMES).await?,
            credentials: read(CREDENTIAL_NAMES).await?,
            exporters: read(EXPORTER_NAMES).await?,
        })
    }

    /// How many of the servers that a filter lets through have each value of a
    /// column.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_servers_by_group(
        &mut self,
        filter: &ServerFilter,
        scope: &Scope,
    ) -> Result<BTreeMap<Option<Id>, i64>, StoreError> {
        let mut query = Query::new("SELECT group_id, COUNT(*) FROM servers");
        and_filter(&mut query, filter)?;
        and_in_scope(&mut query, "group_id", scope)?;
        query.push(" GROUP BY group_id");
        let rows = query.fetch_all(self).await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }
}

impl WriteTx {
    /// Adds servers, whose names and places nobody has and whose references exist.
    /// Gives them in the same order.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when one has, without saying which.
    pub async fn insert_servers(
        &mut self,
        drafts: &[&ServerDraft],
    ) -> Result<Vec<Server>, StoreError> {
        self.take_turn().await?;
        let now = self.now();
        let mut servers = Vec::with_capacity(drafts.len());
        for chunk in drafts.chunks(ROWS) {
            let mut query = Query::new(INSERT);
            for (index, draft) in chunk.iter().enumerate() {
                query.push(if index == 0 { "(" } else { ", (" });
                push_draft(&mut query, draft)?;
                query.push(", 1, ").bind(now.0)?;
                query.push(", ").bind(now.0)?.push(")");
            }
            query.push(" RETURNING id, name");
            let rows = query.fetch_all(self).await.map_err(taken)?;
            // In which order they come, no database promises.
            let mut ids: HashMap<String, Id> = rows
                .iter()
                .map(|row| Ok((row.try_get(1)?, row.try_get(0)?)))
                .collect::<Result<_, StoreError>>()?;
            for draft in chunk {
                let id = ids
                    .remove(draft.name.as_str())
                    .ok_or_else(|| StoreError::Damaged("a new server has no number".to_owned()))?;
                servers.push(draft.stored(id, 1, now, now));
            }
        }
        self.note_change(drafts.len());
        Ok(servers)
    }

    /// Changes servers as a whole; references exist. Gives them as they are, in the
    /// same order.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when a name or place is, without saying which.
    pub async fn replace_servers(
        &mut self,
        rows: &[(&Server, &ServerDraft)],
    ) -> Result<Vec<Server>, StoreError> {
        self.take_turn().await?;
        let now = self.now();
        let mut servers = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(ROWS) {
            let mut query = Query::new(REPLACE);
            for (index, (before, draft)) in chunk.iter().enumerate() {
                let version: Version = before.version + 1;
                query.push(if index == 0 { "(" } else { ", (" });
                query.bind(before.id)?.push(", ");
                push_draft(&mut query, draft)?;
                query.push(", ").bind(version)?;
                query.push(", ").bind(before.created_at.0)?;
                query.push(", ").bind(now.0)?.push(")");
                servers.push(draft.stored(before.id, version, before.created_at, now));
            }
            query.push(REPLACE_END);
            query.fetch_all(self).await.map_err(taken)?;
        }
        self.note_change(rows.len());
        Ok(servers)
    }

    /// Takes servers away.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_servers(&mut self, ids: &[Id]) -> Result<(), StoreError> {
        self.take_turn().await?;
        for chunk in ids.chunks(CHUNK) {
            let mut query = Query::new("DELETE FROM servers");
            query.and("id IN ").list(chunk.iter().copied())?;
            query.fetch_all(self).await?;
        }
        self.note_change(ids.len());
        Ok(())
    }

    fn note_change(&mut self, rows: usize) {
        if rows > 0 {
            self.touch();
        }
    }
}

fn taken(error: StoreError) -> StoreError {
    error.taken("server", "address")
}

/// Adds a draft's values, in the order of both statements.
fn push_draft(query: &mut Query, draft: &ServerDraft) -> Result<(), StoreError> {
    query.bind(draft.name.as_str().to_owned())?.push(", ");
    query.bind(draft.address.as_str().to_owned())?.push(", ");
    query.bind(i64::from(draft.port.0))?.push(", ");
    query.bind(draft.credential_id)?.push(", ");
    query.bind(draft.group_id)?.push(", ");
    query.bind(draft.exporter_id)?.push(", ");
    query.bind(i64::from(draft.monitoring_enabled))?.push(", ");
    for text in [
        &draft.manufacturer,
        &draft.model,
        &draft.serial_number,
        &draft.site,
        &draft.rack,
        &draft.description,
    ] {
        query.bind(text.as_str().to_owned())?.push(", ");
    }
    query.bind(to_json(&draft.tags)?)?.push(", ");
    query.bind(to_json(&draft.labels)?)?.push(", ");
    query.bind(search_text(draft))?;
    Ok(())
}
