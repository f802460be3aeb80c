//! One controller leads: it alone publishes, ends alerts and makes backups.
//! The others answer.
//!
//! On PostgreSQL the leader is who holds an advisory lock in a session of its
//! own. A leader asks that session each second whether it still lives, and has
//! stopped at the latest `PING` and `PING_TIMEOUT` after it died. Whoever
//! gets the lock waits `GRACE`, which is longer, before it begins. So there
//! are never two. On SQLite there is one controller, and a lock on a file
//! beside the database refuses a second one.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, Connection, Executor, Row};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::store::Kind;

/// Key of the advisory lock: "ipmictrl" in ASCII.
const LOCK_KEY: i64 = 0x6970_6d69_6374_726c;
/// Pause between two looks at the session.
const PING: Duration = Duration::from_secs(1);
/// Longest time for an answer.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From the lock to the first deed: what a leader before needs to notice that
/// it leads no more, and two seconds.
const GRACE: Duration = Duration::from_secs(5);

/// Whether this controller leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It answers, and another one leads, or will.
    #[default]
    Follows,
    /// It does what only one may do.
    Leads,
}

/// Why this controller cannot work on its database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaderError {
    /// The database's file has another controller.
    #[error(
        "another ipmi_controller works on {} ({} is locked); stop it first, or use PostgreSQL for several controllers",
        database.display(), lock.display()
    )]
    Occupied {
        /// The database.
        database: PathBuf,
        /// The file that is locked.
        lock: PathBuf,
    },
    /// A controller leads on the database.
    #[error("an ipmi_controller works on the database; stop all of them first")]
    Led,
    /// The lock file cannot be had.
    #[error("{}: {cause}", lock.display())]
    Lock {
        /// The file.
        lock: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The connection string is none.
    #[error("database: {0}")]
    Url(sqlx::Error),
    /// The database fails.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

/// A SQLite database that nobody else works on, as long as this lives.
#[derive(Debug)]
pub struct Occupation {
    /// The lock goes with the file.
    _file: Option<File>,
}

impl Occupation {
    /// Takes the database of a connection string for this process. PostgreSQL
    /// and databases in memory need nothing.
    ///
    /// # Errors
    /// [`LeaderError::Occupied`], or when the lock file cannot be made.
    pub fn take(url: &str) -> Result<Self, LeaderError> {
        let Some(database) = sqlite_file(url)? else {
            return Ok(Self { _file: None });
        };
        let mut lock = database.clone().into_os_string();
        lock.push(".lock");
        let lock = PathBuf::from(lock);
        let cause = |cause| LeaderError::Lock {
            lock: lock.clone(),
            cause,
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(cause)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(LeaderError::Occupied { database, lock }),
            Err(TryLockError::Error(error)) => Err(cause(error)),
        }
    }
}

/// The file of a SQLite database; `None` for others.
///
/// # Errors
/// [`LeaderError::Url`].
pub fn sqlite_file(url: &str) -> Result<Option<PathBuf>, LeaderError> {
    if Kind::of(url) != Some(Kind::Sqlite) || url.contains(":memory:") {
        return Ok(None);
    }
    let options = SqliteConnectOptions::from_str(url).map_err(LeaderError::Url)?;
    Ok(Some(options.get_filename().to_path_buf()))
}

/// Stands for election.
pub struct Election {
    /// Connection string of a PostgreSQL; without it there is nobody else.
    postgres: Option<String>,
    standing: watch::Sender<Standing>,
    /// Kept while waiting for the lock.
    session: Option<AnyConnection>,
}

impl Election {
    /// For the controllers of a database.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            postgres: (Kind::of(url) == Some(Kind::Postgres)).then(|| url.to_owned()),
            standing: watch::channel(Standing::Follows).0,
            session: None,
        }
    }

    /// Whether this controller leads, now and later.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Waits until this controller leads.
    pub async fn win(&mut self) {
        if let Some(url) = self.postgres.clone() {
            while let Err(error) = self.try_win(&url).await {
                tracing::warn!(%error, "Nobody knows who leads; trying again");
                self.session = None;
                sleep(PING).await;
            }
        }
        self.standing.send_replace(Standing::Leads);
    }

    async fn try_win(&mut self, url: &str) -> Result<(), LeaderError> {
        let connecting = timeout(CONNECT_TIMEOUT, AnyConnection::connect(url));
        let mut session = connecting.await.map_err(|_| late())??;
        // When the network goes, the server shall notice as well, or nobody leads.
        session
            .execute(
                "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; \
                 SET tcp_keepalives_count = 3",
            )
            .await?;
        while !try_lock(&mut session).await? {
            sleep(PING).await;
        }
        let pings = GRACE.as_secs() / PING.as_secs();
        for _ in 0..pings {
            sleep(PING).await;
            ping(&mut session).await?;
        }
        self.session = Some(session);
        tracing::info!("This controller leads");
        Ok(())
    }

    /// Returns when this controller leads no more; on SQLite never.
    pub async fn hold(&mut self) {
        let Some(session) = &mut self.session else {
            return std::future::pending().await;
        };
        loop {
            sleep(PING).await;
            if let Err(error) = ping(session).await {
                tracing::error!(%error, "This controller leads no more");
                self.standing.send_replace(Standing::Follows);
                return;
            }
        }
    }

    /// Lets another one lead, at once.
    pub async fn resign(&mut self) {
        self.standing.send_replace(Standing::Follows);
        if let Some(session) = self.session.take() {
            // The lock goes with the session, however that ends.
            let _ = timeout(PING_TIMEOUT, session.close()).await;
        }
    }
}

/// Takes the place of the leader of a PostgreSQL database, so that no controller
/// works on it as long as the result lives.
///
/// # Errors
/// [`LeaderError::Led`] when there is one.
pub async fn vacancy(url: &str) -> Result<AnyConnection, LeaderError> {
    sqlx::any::install_default_drivers();
    let connecting = timeout(CONNECT_TIMEOUT, AnyConnection::connect(url));
    let mut session = connecting.await.map_err(|_| late())??;
    if try_lock(&mut session).await? {
        Ok(session)
    } else {
        Err(LeaderError::Led)
    }
}

async fn try_lock(session: &mut AnyConnection) -> Result<bool, LeaderError> {
    let asking = sqlx::query("SELECT CASE WHEN pg_try_advisory_lock($1) THEN 1 ELSE 0 END")
        .bind(LOCK_KEY)
        .fetch_one(session);
    let row = timeout(PING_TIMEOUT, asking).await.map_err(|_| late())??;
    Ok(row.try_get::<i32, _>(0)? == 1)
}

async fn ping(session: &mut AnyConnection) -> Result<(), LeaderError> {
    let asking = session.execute("SELECT 1");
    timeout(PING_TIMEOUT, asking).await.map_err(|_| late())??;
    Ok(())
}

fn late() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "it does not answer in time",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_controller() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!(
            "sqlite://{}?mode=rwc",
            directory.path().join("c.db").display()
        );
        let first = Occupation::take(&url).unwrap();
        let message = Occupation::take(&url).unwrap_err().to_string();
        assert!(
            message.contains("c.db") && message.contains("stop it"),
            "{message}"
        );
        drop(first);
        assert!(Occupation::take(&url).is_ok());
        assert!(Occupation::take("postgres://x/y").is_ok());
    }

    #[test]
    fn a_leader_stops_before_the_next_one_begins() {
        assert!(PING + PING_TIMEOUT < GRACE);
    }
}
