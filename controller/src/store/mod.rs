//! Keeps everything: SQLite by default, PostgreSQL by connection string, one
//! layer over both.
//!
//! Reading happens in a [`Tx`], changing in a [`WriteTx`], which is a `Tx` that
//! can be committed. Each kind of row has a file with its questions as methods.
//! A change and its entry in the audit trail are one transaction.

mod alert_episode;
mod alert_expiry;
mod alert_gaps;
mod alert_look;
mod alert_record;
mod alert_recovery;
mod alerting;
mod alerts;
mod audit;
mod changes;
mod channels;
mod connect;
mod credentials;
mod error;
mod exporters;
mod fleet;
mod grafana;
mod groups;
mod guard;
mod idempotency;
mod identities;
mod inspect;
mod inventory;
mod maintenance;
mod migrate;
mod observe;
mod query;
mod rule_groups;
mod runs;
mod seal;
mod secrets;
mod server_batch;
mod servers;
mod session;
mod silence_keeping;
mod silences;
mod sync;
mod thresholds;
mod tokens;
mod uplink;
mod users;

#[cfg(test)]
mod conformance;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row, Transaction};
use tokio::sync::watch;

use crate::clock::{Clock, Timestamp};

pub use alert_look::Looked;
pub use alert_record::Recorded;
pub use alert_recovery::{RecoveredWindow, RecoveryMarker};
pub use alerting::{AlertingDraft, AlertingPart, InhibitionRow, PartRow, Ties};
pub use audit::{AuditCounts, AuditFilter, ChainBreak, ChainReport};
pub use changes::{FiringMark, Marks};
pub use channels::AWAY as CHANNEL_AWAY;
pub use connect::Kind;
pub use error::StoreError;
pub use fleet::{Firing, FleetEntry};
pub use grafana::GrafanaObject;
pub use idempotency::{Claim, IdempotencyKey, KEY_LIFE, KeptAnswer};
pub use migrate::NEWEST_SCHEMA;
pub use observe::{PoolLoad, TransactionFamily, TransactionLabels, TransactionTimes};
pub use runs::NewRun;
pub use seal::{KeyId, Place, SealError, Sealer};
pub use server_batch::{Names, Places};
pub use session::Session;
pub use silences::{MAX_SILENCES, NewSilence};
pub use sync::NewSyncVersion;
pub use tokens::{NewToken, TokenOwner};

use observe::Timer;
use prometheus_client::metrics::histogram::Histogram;
use query::statements;

statements! {
    BUMP_REVISION = "UPDATE revision SET value = value + 1 WHERE only_row = 1 RETURNING value";
    GET_REVISION = "SELECT value FROM revision WHERE only_row = 1";
}

// Each database has words of its own for this.
const SQLITE_BYTES: &str =
    "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
const POSTGRES_BYTES: &str = "SELECT pg_database_size(current_database())";

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    reader: AnyPool,
    /// SQLite allows one writer: a pool of one queues them fairly, where several
    /// would fail with "database is locked".
    writer: AnyPool,
    kind: Kind,
    sealer: Arc<Sealer>,
    clock: Clock,
    revision: watch::Sender<i64>,
    times: TransactionTimes,
}

impl Store {
    /// Opens the database, brings its schema up to date, and makes sure that the
    /// master key opens what is sealed.
    ///
    /// # Errors
    /// When the database cannot be reached, is newer than this program, or was
    /// sealed with another key.
    pub async fn open(url: &str, sealer: Sealer, clock: Clock) -> Result<Self, StoreError> {
        let (kind, reader, writer) = connect::connect(url).await?;
        migrate::run(kind, &writer).await?;
        let store = Self {
            reader,
            writer,
            kind,
            sealer: Arc::new(sealer),
            clock,
            revision: watch::channel(0).0,
            times: TransactionTimes::default(),
        };
        let mut tx = store.write().await?;
        tx.check_master_key().await?;
        let revision = tx.revision().await?;
        tx.commit().await?;
        store.revision.send_replace(revision);
        Ok(store)
    }

    /// Which database it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Begins to read. What is read is from one moment.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let begin = match self.kind {
            Kind::Sqlite => "BEGIN",
            Kind::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.begin(&self.reader, begin, &self.times.read).await
    }

    /// Begins to change. Nothing is changed unless it is committed.
    ///
    /// # Errors
    /// When the database cannot be reached, or is locked for too long.
    pub async fn write(&self) -> Result<WriteTx, StoreError> {
        // SQLite: take the write lock at once, or reading first and writing then
        // could fail half-way.
        let begin = match self.kind {
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        };
        Ok(WriteTx {
            tx: self.begin(&self.writer, begin, &self.times.write).await?,
            revision: self.revision.clone(),
            has_turn: false,
            changes_desired_state: false,
        })
    }

    async fn begin(
        &self,
        pool: &AnyPool,
        statement: &'static str,
        times: &Histogram,
    ) -> Result<Tx, StoreError> {
        let timer = Timer::start(times);
        Ok(Tx {
            kind: self.kind,
            inner: pool.begin_with(statement).await?,
            now: self.clock.now(),
            sealer: Arc::clone(&self.sealer),
            _timer: timer,
        })
    }

    /// Looks whether another controller has raised the revision, and tells those
    /// who wait for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look_for_revision(&self) -> Result<(), StoreError> {
        let found = self.read().await?.revision().await?;
        self.revision.send_if_modified(|known| {
            let is_newer = found > *known;
            if is_newer {
                *known = found;
            }
            is_newer
        });
        Ok(())
    }

    /// What seals secrets at rest.
    #[must_use]
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// How long transactions take.
    #[must_use]
    pub fn times(&self) -> &TransactionTimes {
        &self.times
    }

    /// How busy the connections are. PostgreSQL has one pool for both.
    #[must_use]
    pub fn load(&self) -> Vec<PoolLoad> {
        match self.kind {
            Kind::Sqlite => vec![
                PoolLoad::of("read", &self.reader),
                PoolLoad::of("write", &self.writer),
            ],
            Kind::Postgres => vec![PoolLoad::of("both", &self.writer)],
        }
    }

    /// A text's name that tells nothing about it to those without the master key.
    /// The same for all controllers of a database.
    #[must_use]
    pub fn fingerprint<'a>(
        &self,
        purpose: &'a str,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> [u8; 32] {
        self.sealer.fingerprint(purpose, parts)
    }

    /// Tells whenever the desired state has a new revision.
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<i64> {
        self.revision.subscribe()
    }

    /// Closes all connections, waiting for those in use.
    pub async fn close(&self) {
        self.writer.close().await;
        self.reader.close().await;
    }
}

/// A transaction that reads.
pub struct Tx {
    kind: Kind,
    inner: Transaction<'static, sqlx::Any>,
    now: Timestamp,
    sealer: Arc<Sealer>,
    _timer: Timer,
}

impl Tx {
    fn connection(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }

    /// When the transaction began.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The revision of the desired state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revision(&mut self) -> Result<i64, StoreError> {
        let row = sqlx::query(GET_REVISION)
            .fetch_one(self.connection())
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Bytes of the whole database.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn database_bytes(&mut self) -> Result<i64, StoreError> {
        let statement = match self.kind {
            Kind::Sqlite => SQLITE_BYTES,
            Kind::Postgres => POSTGRES_BYTES,
        };
        let row = sqlx::query(statement).fetch_one(self.connection()).await?;
        Ok(row.try_get(0)?)
    }
}

/// A transaction that changes.
pub struct WriteTx {
    tx: Tx,
    revision: watch::Sender<i64>,
    has_turn: bool,
    changes_desired_state: bool,
}

impl WriteTx {
    /// Notes that what is published changes, so that the commit raises the
    /// revision.
    fn touch(&mut self) {
        self.changes_desired_state = true;
    }

    /// Makes the changes durable. After this returns they survive a crash.
    ///
    /// # Errors
    /// When the database fails; then nothing was changed.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let mut raised = None;
        if self.changes_desired_state {
            let row = sqlx::query(BUMP_REVISION)
                .fetch_one(self.tx.connection())
                .await?;
            raised = Some(row.try_get(0)?);
        }
        self.tx.inner.commit().await?;
        if let Some(raised) = raised {
            self.revision.send_replace(raised);
        }
        Ok(())
    }
}

impl Deref for WriteTx {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.tx
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.tx
    }
}

/// A truth value from its column.
fn truth(row: &AnyRow, column: &str) -> Result<bool, StoreError> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

/// A moment from its column.
fn moment(row: &AnyRow, column: &str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp(row.try_get(column)?))
}

/// A moment that may be absent from its column.
fn maybe_moment(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp))
}

/// A JSON text from its column.
fn json<T: serde::de::DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, StoreError> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| StoreError::Damaged(format!("{column}: {error}")))
}

/// JSON text for a column.
fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// One of several words from its column.
fn word<T>(row: &AnyRow, column: &str, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let text: String = row.try_get(column)?;
    parse(&text).ok_or_else(|| StoreError::Damaged(format!("{column}: {text}")))
}
