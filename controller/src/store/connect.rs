//! Connects to the database.

use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, ConnectOptions, Executor};

use super::StoreError;

/// Connections that read SQLite at once, and connections to PostgreSQL.
const MAX_CONNECTIONS: u32 = 16;
/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One file.
    Sqlite,
    /// A server.
    Postgres,
}

impl Kind {
    /// Tells from the scheme of a connection string.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        match url.split(':').next()? {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::Postgres),
            _ => None,
        }
    }
}

/// Gives the pools for reading and for writing.
pub(super) async fn connect(url: &str) -> Result<(Kind, AnyPool, AnyPool), StoreError> {
    sqlx::any::install_default_drivers();
    let kind = Kind::of(url).ok_or_else(|| {
        StoreError::Database(sqlx::Error::Configuration(
            "the database is neither sqlite: nor postgres:".into(),
        ))
    })?;
    let options: AnyConnectOptions = url.parse()?;
    let options =
        options.log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1));
    match kind {
        Kind::Postgres => {
            let pool = pool(kind, MAX_CONNECTIONS).connect_with(options).await?;
            Ok((kind, pool.clone(), pool))
        }
        Kind::Sqlite => {
            // The writer first: it makes the file.
            let writer = pool(kind, 1).connect_with(options.clone()).await?;
            let reader = pool(kind, MAX_CONNECTIONS).connect_with(options).await?;
            Ok((kind, reader, writer))
        }
    }
}

fn pool(kind: Kind, connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if kind == Kind::Sqlite {
                    // FULL: a commit is on disk when it returns, not only in the log's cache.
                    connection
                        .execute(
                            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                             PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 10000; \
                             PRAGMA cache_size = -16384",
                        )
                        .await?;
                }
                Ok(())
            })
        })
}
