//! What backups ask of a database: copies, counts, and whether it is whole.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};
use tokio::sync::watch;

use super::secrets::open_check;
use super::{Kind, Sealer, Store, StoreError, TransactionTimes, Tx};
use crate::clock::Clock;

/// How long a database may take to let us in.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

// Each database has words of its own for these.
const COPY_INTO: &str = "VACUUM INTO $1";
const INTEGRITY: &str = "PRAGMA integrity_check(20)";
const FOREIGN_KEYS: &str = "PRAGMA foreign_key_check";
const SQLITE_TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
const POSTGRES_TABLES: &str = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name";
const SCHEMA_VERSION: &str = "SELECT MAX(version) FROM _sqlx_migrations";
const EXPORT_SNAPSHOT: &str = "SELECT pg_export_snapshot()";

impl Store {
    /// An existing database as it is: nothing is migrated.
    async fn inspect(url: &str, sealer: Arc<Sealer>, clock: Clock) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let kind = Kind::of(url).unwrap_or(Kind::Sqlite);
        let options: AnyConnectOptions = url.parse()?;
        // A pool tries again and again, and tells the reason to nobody.
        let tried = tokio::time::timeout(ACQUIRE_TIMEOUT, AnyConnection::connect_with(&options));
        tried
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??
            .close()
            .await?;
        let pool = AnyPoolOptions::new()
            .max_connections(2)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await?;
        Ok(Self {
            reader: pool.clone(),
            writer: pool,
            kind,
            sealer,
            clock,
            revision: watch::channel(0).0,
            times: TransactionTimes::default(),
        })
    }

    /// A SQLite file that nobody changes, such as a backup, under the same
    /// master key.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn inspect_file(&self, path: &Path) -> Result<Self, StoreError> {
        let url = format!("sqlite://{}?mode=ro&immutable=true", path.display());
        Self::inspect(&url, Arc::clone(&self.sealer), self.clock.clone()).await
    }

    /// An existing database as it is, whatever schema it has.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn inspect_at(url: &str, sealer: Sealer, clock: Clock) -> Result<Self, StoreError> {
        Self::inspect(url, Arc::new(sealer), clock).await
    }

    /// A store of nothing, for its master key.
    ///
    /// # Errors
    /// Never in practice.
    pub async fn in_memory(sealer: Sealer, clock: Clock) -> Result<Self, StoreError> {
        Self::inspect("sqlite::memory:", Arc::new(sealer), clock).await
    }

    /// Copies a SQLite database into an empty file, while others use it.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub async fn copy_into(&self, to: &Path) -> Result<(), StoreError> {
        let mut connection = self.reader.acquire().await?;
        sqlx::query(COPY_INTO)
            .bind(to.to_string_lossy().into_owned())
            .execute(&mut *connection)
            .await?;
        Ok(())
    }

    /// Whether the master key opens what another database has for checking it.
    ///
    /// # Errors
    /// When it does not.
    pub fn verify_key_check(&self, check: &str) -> Result<(), StoreError> {
        open_check(&self.sealer, check)
    }
}

impl Tx {
    /// Number of the newest migration; `None` in a database of nobody.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn schema_version(&mut self) -> Result<Option<i64>, StoreError> {
        if !self.table_counts().await?.contains_key("_sqlx_migrations") {
            return Ok(None);
        }
        let row = sqlx::query(SCHEMA_VERSION)
            .fetch_one(self.connection())
            .await?;
        Ok(row.try_get(0)?)
    }

    /// What SQLite finds wrong with its file; at most a few sentences.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn integrity_problems(&mut self) -> Result<Vec<String>, StoreError> {
        let mut problems = Vec::new();
        for row in sqlx::query(INTEGRITY).fetch_all(self.connection()).await? {
            let text: String = row.try_get(0)?;
            if text != "ok" {
                problems.push(text);
            }
        }
        let dangling = sqlx::query(FOREIGN_KEYS)
            .fetch_all(self.connection())
            .await?;
        if !dangling.is_empty() {
            problems.push(format!(
                "{} rows refer to rows that are missing",
                dangling.len()
            ));
        }
        Ok(problems)
    }

    /// How many rows each table has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn table_counts(&mut self) -> Result<BTreeMap<String, i64>, StoreError> {
        let list = match self.kind {
            Kind::Sqlite => SQLITE_TABLES,
            Kind::Postgres => POSTGRES_TABLES,
        };
        let mut counts = BTreeMap::new();
        for row in sqlx::query(list).fetch_all(self.connection()).await? {
            let table: String = row.try_get(0)?;
            // A name cannot be a value of a statement; quoted, it is only a name.
            let quoted = table.replace('"', "\"\"");
            let statement = format!("SELECT COUNT(*) FROM \"{quoted}\"");
            let row = sqlx::query(AssertSqlSafe(statement))
                .fetch_one(self.connection())
                .await?;
            counts.insert(table, row.try_get(0)?);
        }
        Ok(counts)
    }

    /// A name by which others see PostgreSQL as this transaction sees it, as long
    /// as this transaction lives.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export_snapshot(&mut self) -> Result<String, StoreError> {
        let row = sqlx::query(EXPORT_SNAPSHOT)
            .fetch_one(self.connection())
            .await?;
        Ok(row.try_get(0)?)
    }
}
