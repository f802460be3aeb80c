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
        "recovery",
        include_str!("../../migrations/sqlite/0004_recovery.sql"),
        include_str!("../../migrations/postgres/0004_recovery.sql"),
    ),
];

/// Runs what is missing. Refuses a schema that a newer program made.
pub(super) async fn run(kind: Kind, pool: &AnyPool) -> Result<(), StoreError> {
    let migrator = migrator(kind);
    let mut connection = pool.acquire().await?;
    let known = MIGRATIONS.last().map_or(0, |(number, ..)| *number);
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
