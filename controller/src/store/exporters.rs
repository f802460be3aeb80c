//! Exporters.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::guard::expect_version;
use super::query::{List, Query, name_order, statements};
use super::{StoreError, Tx, WriteTx, moment, truth};
use crate::model::{
    Exporter, ExporterDraft, ExporterFilter, Id, NameSort, Page, PageRequest, Sort, Version,
};

macro_rules! columns {
    () => {
        "id, name, url, site, weight, is_enabled, version, created_ms, updated_ms"
    };
}

statements! {
    GET = concat!("SELECT ", columns!(), " FROM exporters WHERE id = $1");
    GET_BY_NAME = concat!("SELECT ", columns!(), " FROM exporters WHERE name = $1");
    ALL = concat!("SELECT ", columns!(), " FROM exporters ORDER BY id");
    INSERT = "INSERT INTO exporters (name, url, site, weight, is_enabled, version, created_ms, \
              updated_ms) VALUES ($1, $2, $3, $4, $5, 1, $6, $6) RETURNING id";
    UPDATE = "UPDATE exporters SET name = $1, url = $2, site = $3, weight = $4, is_enabled = $5, \
              version = version + 1, updated_ms = $6 WHERE id = $7";
    DELETE = "DELETE FROM exporters WHERE id = $1";
    COUNT_SERVERS = "SELECT COUNT(*) FROM servers WHERE exporter_id = $1";
}

const NOT_FOUND: StoreError = StoreError::NotFound { what: "exporter" };

impl Tx {
    /// The exporter of that number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn exporter(&mut self, id: Id) -> Result<Exporter, StoreError> {
        let row = self.row_of(GET, id, NOT_FOUND).await?;
        read(&row)
    }

    /// The exporter of that name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn exporter_by_name(&mut self, name: &str) -> Result<Exporter, StoreError> {
        let row = sqlx::query(GET_BY_NAME)
            .bind(name)
            .fetch_optional(self.connection())
            .await?
            .ok_or(NOT_FOUND)?;
        read(&row)
    }

    /// Exporters that a filter lets through.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn exporters(
        &mut self,
        filter: &ExporterFilter,
        sort: Sort<NameSort>,
        page: PageRequest,
    ) -> Result<Page<Exporter>, StoreError> {
        let list = List {
            columns: columns!(),
            from: " FROM exporters",
            order: name_order(sort),
        };
        let filter = |query: &mut Query| {
            query
                .and_any_contains(
                    &["LOWER(name) LIKE ", "LOWER(url) LIKE "],
                    filter.search.as_deref(),
                )?
                .and_equals("site = ", filter.site.clone())?
                .and_equals("is_enabled = ", filter.enabled.map(i64::from))?;
            Ok(())
        };
        list.page(self, page, filter, read).await
    }

    /// Every exporter, by number: what servers are assigned to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_exporters(&mut self) -> Result<Vec<Exporter>, StoreError> {
        let rows = sqlx::query(ALL).fetch_all(self.connection()).await?;
        rows.iter().map(read).collect()
    }
}

impl WriteTx {
    /// Adds an exporter.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the name is.
    pub async fn insert_exporter(&mut self, draft: &ExporterDraft) -> Result<Exporter, StoreError> {
        self.take_turn().await?;
        let now = self.now();
        let row = sqlx::query(INSERT)
            .bind(draft.name.as_str())
            .bind(draft.url.as_str())
            .bind(draft.site.as_str())
            .bind(draft.weight)
            .bind(i64::from(draft.enabled))
            .bind(now.0)
            .fetch_one(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("exporter", "name"))?;
        self.touch();
        self.exporter(row.try_get(0)?).await
    }

    /// Changes an exporter; with a version only when it still has that.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::Taken`].
    pub async fn update_exporter(
        &mut self,
        id: Id,
        version: Option<Version>,
        draft: &ExporterDraft,
    ) -> Result<(Exporter, Exporter), StoreError> {
        self.take_turn().await?;
        let before = self.exporter(id).await?;
        expect_version(before.version, version)?;
        let now = self.now();
        sqlx::query(UPDATE)
            .bind(draft.name.as_str())
            .bind(draft.url.as_str())
            .bind(draft.site.as_str())
            .bind(draft.weight)
            .bind(i64::from(draft.enabled))
            .bind(now.0)
            .bind(id)
            .execute(self.connection())
            .await
            .map_err(|error| StoreError::from(error).taken("exporter", "name"))?;
        self.touch();
        let after = self.exporter(id).await?;
        Ok((before, after))
    }

    /// Takes an exporter away that no server was given to by hand.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Changed`], [`StoreError::InUse`].
    pub async fn delete_exporter(
        &mut self,
        id: Id,
        version: Option<Version>,
    ) -> Result<Exporter, StoreError> {
        self.take_turn().await?;
        let before = self.exporter(id).await?;
        expect_version(before.version, version)?;
        self.expect_unused(COUNT_SERVERS, id, "servers").await?;
        self.revoke_exporter_tokens(id).await?;
        self.delete_row(DELETE, id).await?;
        self.touch();
        Ok(before)
    }
}

fn read(row: &AnyRow) -> Result<Exporter, StoreError> {
    Ok(Exporter {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        url: row.try_get("url")?,
        site: row.try_get("site")?,
        weight: row.try_get("weight")?,
        enabled: truth(row, "is_enabled")?,
        version: row.try_get("version")?,
        created_at: moment(row, "created_ms")?,
        updated_at: moment(row, "updated_ms")?,
    })
}
