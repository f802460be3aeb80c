//! Brings the schema up to date at start. One set of migrations for each
//! database, with the same numbers.

use std::borrow::Cow;

use sqlx::AnyPool;
use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::{Kind, StoreError};

/// Number, description, SQLite's text, PostgreSQL's text. Released rows never change.
const MIGRATIONS: &[(i64, &str, &str, &str)] = &[
    (
        1,
        "initial",
        include_str!("../../migrations/sqlite/0001_initial.sql"),
        include_str!("../../migrations/postgres/0001_initial.sql"),
    ),
    (
        2,
        "sync",
        include_str!("../../migrations/sqlite/0002_sync.sql"),
        include_str!("../../migrations/postgres/0002_sync.sql"),
    ),
    (
        3,
        "alerts",
        include_str!("../../migrations/sqlite/0003_alerts.sql"),
        include_str!("../../migrations/postgres/0003_alerts.sql"),
    ),
    (
        4,
        "rules",
        include_str!("../../migrations/sqlite/0004_rules.sql"),
        include_str!("../../migrations/postgres/0004_rules.sql"),
    ),
    (
        5,
        "inventory",
        include_str!("../../migrations/sqlite/0005_inventory.sql"),
        include_str!("../../migrations/postgres/0005_inventory.sql"),
    ),
    (
        6,
        "exporter channels",
        include_str!("../../migrations/sqlite/0006_exporter_channels.sql"),
        include_str!("../../migrations/postgres/0006_exporter_channels.sql"),
    ),
    (
        7,
        "operation",
        include_str!("../../migrations/sqlite/0007_operation.sql"),
        include_str!("../../migrations/postgres/0007_operation.sql"),
    ),
    (
        8,
        "sync_servers",
        include_str!("../../migrations/sqlite/0008_sync_servers.sql"),
        include_str!("../../migrations/postgres/0008_sync_servers.sql"),
    ),
    (
        9,
        "recovery",
        include_str!("../../migrations/sqlite/0009_recovery.sql"),
        include_str!("../../migrations/postgres/0009_recovery.sql"),
    ),
    (
        10,
        "alerting",
        include_str!("../../migrations/sqlite/0010_alerting.sql"),
        include_str!("../../migrations/postgres/0010_alerting.sql"),
    ),
    (
        11,
        "silences",
        include_str!("../../migrations/sqlite/0011_silences.sql"),
        include_str!("../../migrations/postgres/0011_silences.sql"),
    ),
    (
        12,
        "grafana",
        include_str!("../../migrations/sqlite/0012_grafana.sql"),
        include_str!("../../migrations/postgres/0012_grafana.sql"),
    ),
];

/// Number of the newest migration that this program knows.
pub const NEWEST_SCHEMA: i64 = {
    match MIGRATIONS.last() {
        Some((number, ..)) => *number,
        None => 0,
    }
};

/// Runs what is missing. Refuses a schema that a newer program made.
pub(super) async fn run(kind: Kind, pool: &AnyPool) -> Result<(), StoreError> {
    let migrator = migrator(kind);
    let mut connection = pool.acquire().await?;
    let known = NEWEST_SCHEMA;
    connection
        .ensure_migrations_table(&migrator.table_name)
        .await?;
    let applied = connection
        .list_applied_migrations(&migrator.table_name)
        .await?;
    if let Some(found) = applied.iter().map(|migration| migration.version).max()
        && found > known
    {
        return Err(StoreError::Newer { found, known });
    }
    migrator.run_direct(None, &mut *connection, false).await?;
    Ok(())
}

fn migrator(kind: Kind) -> Migrator {
    let migrations = MIGRATIONS
        .iter()
        .map(|(number, description, sqlite, postgres)| {
            let text = match kind {
                Kind::Sqlite => *sqlite,
                Kind::Postgres => *postgres,
            };
            Migration::new(
                *number,
                Cow::Borrowed(*description),
                MigrationType::Simple,
                AssertSqlSafe(text).into_sql_str(),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(migrations)
}
