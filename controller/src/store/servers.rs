//! Servers.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::groups::and_in_scope;
use super::guard::expect_version;
use super::query::{Bound, List, Query, statements};
use super::{StoreError, Tx, WriteTx, json, moment, to_json, truth};
use crate::clock::Timestamp;
use crate::model::{
    Id, Page, PageRequest, Scope, Server, ServerDraft, ServerFilter, ServerSort, Sort, Version,
};

/// All columns but `search`, in the order of [`Server`].
macro_rules! columns {
    () => {
        "id, name, address, port, credential_id, group_id, exporter_id, monitoring_enabled, \
         manufacturer, model, serial_number, site, rack, description, tags, labels, version, \
         created_ms, updated_ms"
    };
}

/// The beginning of every question for whole servers.
pub(super) const SELECT: &str = concat!("SELECT ", columns!(), " FROM servers");

/// A search that finds no more servers than this goes on with their numbers.
const FEW: usize = 1000;

statements! {
    GET = concat!("SELECT ", columns!(), " FROM servers WHERE id = $1");
    INSERT = "INSERT INTO servers (name, address, port, credential_id, group_id, exporter_id, \
              monitoring_enabled, manufacturer, model, serial_number, site, rack, description, \
              tags, labels, search, version, created_ms, updated_ms) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, \
              $17, $17) RETURNING id";
    UPDATE = "UPDATE servers SET name = $1, address = $2, port = $3, credential_id = $4, \
              group_id = $5, exporter_id = $6, monitoring_enabled = $7, manufacturer = $8, \
              model = $9, serial_number = $10, site = $11, rack = $12, description = $13, \
              tags = $14, labels = $15, search = $16, updated_ms = $17, version = version + 1 \
              WHERE id = $18";
    DELETE = "DELETE FROM servers WHERE id = $1";
    NAME_TAKEN = "SELECT COUNT(*) FROM servers WHERE name = $1 AND id <> $2";
    HAS_GROUP = "SELECT COUNT(*) FROM groups WHERE id = $1";
    HAS_CREDENTIAL = "SELECT COUNT(*) FROM credentials WHERE id = $1";
    HAS_EXPORTER = "SELECT COUNT(*) FROM exporters WHERE id = $1";
}

/// References of a server: statement that counts the row, kind of row, field.
const REFERENCES: [(&str, &str, &str); 3] = [
    (HAS_GROUP, "group", "group_id"),
    (HAS_CREDENTIAL, "credential", "credential_id"),
    (HAS_EXPORTER, "exporter", "exporter_id"),
];

impl Tx {
    /// The server of that number, if it is in the scope.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also when it is out of scope.
    pub async fn server(&mut self, id: Id, scope: &Scope) -> Result<Server, StoreError> {
        let row = sqlx::query(GET)
            .bind(id)
            .fetch_optional(self.connection())
            .await?;
        let server = row.as_ref().map(read).transpose()?;
        server
            .filter(|server| scope.covers(server.group_id))
            .ok_or(StoreError::NotFound { what: "server" })
    }

    /// Servers that a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn servers(
        &mut self,
        filter: &ServerFilter,
        sort: Sort<ServerSort>,
        scope: &Scope,
        page: PageRequest,
    ) -> Result<Page<Server>, StoreError> {
        let list = List {
            columns: columns!(),
            from: " FROM servers",
            order: order(sort),
        };
        // Rows with a rare text are found by reading the texts alone, once, and
        // not for the page and again for the count; a frequent one fills a page
        // soon.
        let hits = self.few_hits(filter.search.as_deref()).await?;
        let others = ServerFilter {
            search: filter.search.clone().filter(|_| hits.is_none()),
            ..filter.clone()
        };
        let filter = |query: &mut Query| {
            if let Some(hits) = &hits {
                // Nobody has number 0.
                let ids = std::iter::once(0).chain(hits.iter().copied());
                query.and("id IN ").list(ids)?;
            }
            and_filter(query, &others)?;
            and_in_scope(query, "group_id", scope)
        };
        list.page(self, page, filter, read).await
    }

    /// Numbers of all servers in the scope, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn server_ids(&mut self, scope: &Scope) -> Result<Vec<Id>, StoreError> {
        let mut query = Query::new("SELECT id FROM servers");
        and_in_scope(&mut query, "group_id", scope)?;
        query.push(" ORDER BY id");
        let rows = query.fetch_all(self).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The servers that a search finds, unless they are many.
    async fn few_hits(&mut self, search: Option<&str>) -> Result<Option<Vec<Id>>, StoreError> {
        if search.is_none() {
            return Ok(None);
        }
        let mut query = Query::new("SELECT id FROM servers");
        query.and_contains("search LIKE ", search)?;
        let limit = i64::try_from(FEW).unwrap_or(i64::MAX).saturating_add(1);
        query.push(" LIMIT ").bind(limit)?;
        let rows = query.fetch_all(self).await?;
        if rows.len() > FEW {
            return Ok(None);
        }
        let ids = rows.iter().map(|row| Ok(row.try_get(0)?));
        ids.collect::<Result<_, StoreError>>().map(Some)
    }
}

impl WriteTx {
    /// Adds a server.
    ///
    /// # Errors
    /// [`StoreError::Taken`], [`StoreError::Dangling`].
    pub async fn insert_server(&mut self, draft: &ServerDraft) -> Result<Server, StoreError> {
        self.take_turn().await?;
        self.check_server(draft, 0).await?;
        let now = self.now();
        let row = bound(INSERT, draft, now)?
            .fetch_one(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("server", "address"))?;
        self.touch();
        self.server(row.try_get(0)?, &Scope::All).await
    }

    /// Changes a server; with a version only when it still has that. Gives it as
    /// it was and as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`],
    /// [`StoreError::Dangling`].
    pub async fn update_server(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &ServerDraft,
        scope: &Scope,
    ) -> Result<(Server, Server), StoreError> {
        self.take_turn().await?;
        let before = self.server(id, scope).await?;
        expect_version(before.version, version)?;
        self.check_server(draft, id).await?;
        let now = self.now();
        bound(UPDATE, draft, now)?
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("server", "address"))?;
        self.touch();
        // The new group may be out of the asker's scope; that it was allowed to
        // go there is the caller's decision.
        let after = self.server(id, &Scope::All).await?;
        Ok((before, after))
    }

    /// Takes a server away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`].
    pub async fn delete_server(
        &mut self,
        id: Id,
        version: Option<Version>,
        scope: &Scope,
    ) -> Result<Server, StoreError> {
        self.take_turn().await?;
        let before = self.server(id, scope).await?;
        expect_version(before.version, version)?;
        self.delete_row(DELETE, id).await?;
        self.touch();
        Ok(before)
    }

    /// Names what is wrong before the database's constraints would, which name
    /// no field.
    async fn check_server(&mut self, draft: &ServerDraft, id: Id) -> Result<(), StoreError> {
        let taken: i64 = sqlx::query(NAME_TAKEN)
            .bind(draft.name.as_str())
            .bind(id)
            .fetch_one(self.connection())
            .await?
            .try_get(0)?;
        if taken > 0 {
            return Err(StoreError::Taken {
                what: "server",
                field: "name",
            });
        }
        let references = [draft.group_id, draft.credential_id, draft.exporter_id];
        for ((count, what, field), id) in REFERENCES.into_iter().zip(references) {
            if let Some(id) = id {
                self.expect_there(count, id, what, field).await?;
            }
        }
        Ok(())
    }
}

/// Binds what both statements that write a server begin with.
fn bound(sql: &'static str, draft: &ServerDraft, now: Timestamp) -> Result<Bound, StoreError> {
    Ok(sqlx::query(sql)
        .bind(draft.name.as_str().to_owned())
        .bind(draft.address.as_str().to_owned())
        .bind(i64::from(draft.port.0))
        .bind(draft.credential_id)
        .bind(draft.group_id)
        .bind(draft.exporter_id)
        .bind(i64::from(draft.monitoring_enabled))
        .bind(draft.manufacturer.as_str().to_owned())
        .bind(draft.model.as_str().to_owned())
        .bind(draft.serial_number.as_str().to_owned())
        .bind(draft.site.as_str().to_owned())
        .bind(draft.rack.as_str().to_owned())
        .bind(draft.description.as_str().to_owned())
        .bind(to_json(&draft.tags)?)
        .bind(to_json(&draft.labels)?)
        .bind(search_text(draft))
        .bind(now.0))
}

/// Adds a filter's conditions.
pub(super) fn and_filter(query: &mut Query, filter: &ServerFilter) -> Result<(), StoreError> {
    query
        .and_contains("search LIKE ", filter.search.as_deref())?
        .and_equals("group_id = ", filter.group_id)?
        .and_equals("credential_id = ", filter.credential_id)?
        .and_equals("exporter_id = ", filter.exporter_id)?
        .and_equals(
            "monitoring_enabled = ",
            filter.monitoring_enabled.map(i64::from),
        )?
        .and_equals("site = ", filter.site.clone())?
        .and_equals("rack = ", filter.rack.clone())?
        .and_equals("manufacturer = ", filter.manufacturer.clone())?;
    Ok(())
}

fn order(sort: Sort<ServerSort>) -> &'static str {
    match (sort.key, sort.descending) {
        (ServerSort::Id, false) => " ORDER BY id",
        (ServerSort::Id, true) => " ORDER BY id DESC",
        (ServerSort::Name, false) => " ORDER BY name, id",
        (ServerSort::Name, true) => " ORDER BY name DESC, id DESC",
        (ServerSort::Address, false) => " ORDER BY address, port, id",
        (ServerSort::Address, true) => " ORDER BY address DESC, port DESC, id DESC",
        (ServerSort::Manufacturer, false) => " ORDER BY manufacturer, id",
        (ServerSort::Manufacturer, true) => " ORDER BY manufacturer DESC, id DESC",
        (ServerSort::Site, false) => " ORDER BY site, rack, id",
        (ServerSort::Site, true) => " ORDER BY site DESC, rack DESC, id DESC",
        (ServerSort::UpdatedAt, false) => " ORDER BY updated_ms, id",
        (ServerSort::UpdatedAt, true) => " ORDER BY updated_ms DESC, id DESC",
    }
}

/// What a search looks at. Lines are separated, so that no hit spans two fields.
pub(super) fn search_text(draft: &ServerDraft) -> String {
    let mut text = [
        draft.name.as_str(),
        draft.address.as_str(),
        draft.serial_number.as_str(),
        draft.model.as_str(),
    ]
    .join("\n");
    for tag in &draft.tags {
        text.push('\n');
        text.push_str(tag.as_str());
    }
    text.to_lowercase()
}

pub(super) fn read(row: &AnyRow) -> Result<Server, StoreError> {
    let port: i64 = row.try_get("port")?;
    let labels: std::collections::BTreeMap<String, String> = json(row, "labels")?;
    Ok(Server {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        address: row.try_get("address")?,
        port: u16::try_from(port).map_err(|_| StoreError::Damaged(format!("port {port}")))?,
        credential_id: row.try_get("credential_id")?,
        group_id: row.try_get("group_id")?,
        exporter_id: row.try_get("exporter_id")?,
        monitoring_enabled: truth(row, "monitoring_enabled")?,
        manufacturer: row.try_get("manufacturer")?,
        model: row.try_get("model")?,
        serial_number: row.try_get("serial_number")?,
        site: row.try_get("site")?,
        rack: row.try_get("rack")?,
        description: row.try_get("description")?,
        tags: json(row, "tags")?,
        labels: crate::model::Labels::parse(&labels).map_err(StoreError::Damaged)?,
        version: row.try_get("version")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    })
}
