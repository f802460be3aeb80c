//! What can go wrong with the store, without a word about HTTP.

use crate::model::{Invalid, Version};

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such row, or the asker must not know of it.
    #[error("there is no {what} with this number")]
    NotFound {
        /// The kind of row.
        what: &'static str,
    },
    /// Another row has this already.
    #[error("another {what} has this {field} already")]
    Taken {
        /// The kind of row.
        what: &'static str,
        /// The field that must be unique.
        field: &'static str,
    },
    /// A field refers to a row that there is not.
    #[error("{field}: there is no such {what}")]
    Dangling {
        /// The kind of row that is missing.
        what: &'static str,
        /// The field that names it.
        field: &'static str,
    },
    /// Somebody else changed the row meanwhile.
    #[error("it was changed meanwhile; it is at version {current} now")]
    Changed {
        /// The version that it has.
        current: Version,
    },
    /// Other rows need it.
    #[error("{count} {users} still use it")]
    InUse {
        /// How many.
        count: i64,
        /// What they are, plural.
        users: &'static str,
    },
    /// There are as many as there may be.
    #[error("there are {limit} {what} already, and no more are allowed")]
    TooMany {
        /// What they are, plural.
        what: &'static str,
        /// How many there may be.
        limit: i64,
    },
    /// It came with the program, and would come back.
    #[error("it came with the program; disable it instead")]
    Shipped,
    /// It did not come with the program.
    #[error("it did not come with the program, so there is nothing to return to")]
    NotShipped,
    /// Without this user nobody could manage users any more.
    #[error("this is the only active admin; make another one first")]
    LastAdmin,
    /// The password that is kept is too long for the new driver.
    #[error(
        "the password that is kept has more than {longest} bytes, the most that this driver takes; give a shorter one"
    )]
    PasswordTooLong {
        /// Most bytes.
        longest: usize,
    },
    /// It does not fit to what is stored.
    #[error("{}", first(.0))]
    Invalid(Vec<Invalid>),
    /// A stored secret cannot be read.
    #[error(transparent)]
    Seal(#[from] super::SealError),
    /// What is stored is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The database's schema is from a newer version of this program.
    #[error(
        "the database has schema version {found}, this program knows up to {known}; use the newer program, or restore a backup that was made before the upgrade"
    )]
    Newer {
        /// The database's version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The database itself.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed; the schema is as it was.
    #[error("the database cannot be brought to this version's schema: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl StoreError {
    /// Turns a broken unique constraint into [`StoreError::Taken`].
    pub(super) fn taken(self, what: &'static str, field: &'static str) -> Self {
        match &self {
            Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Self::Taken { what, field }
            }
            _ => self,
        }
    }
}

fn first(found: &[Invalid]) -> String {
    found.first().map(ToString::to_string).unwrap_or_default()
}
