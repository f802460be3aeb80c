//! A transaction that may be one for looking only.

use super::{Store, StoreError, Tx, WriteTx};

/// A transaction that changes, or one that reads because nothing is to be changed:
/// a long dry run must not keep others from writing.
pub enum Session {
    /// Only reads.
    Look(Tx),
    /// Also writes.
    Write(WriteTx),
}

impl Session {
    /// Begins; without changes when it is a dry run.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(store: &Store, dry_run: bool) -> Result<Self, StoreError> {
        Ok(if dry_run {
            Self::Look(store.read().await?)
        } else {
            let mut tx = store.write().await?;
            tx.take_turn().await?;
            Self::Write(tx)
        })
    }

    /// For reading.
    pub fn tx(&mut self) -> &mut Tx {
        match self {
            Self::Look(tx) => tx,
            Self::Write(tx) => tx,
        }
    }

    /// For writing, unless nothing is to be changed.
    pub fn writer(&mut self) -> Option<&mut WriteTx> {
        match self {
            Self::Look(_) => None,
            Self::Write(tx) => Some(tx),
        }
    }

    /// Makes changes durable, and says whether there could be any.
    ///
    /// # Errors
    /// When the database fails; then nothing was changed.
    pub async fn commit(self) -> Result<bool, StoreError> {
        match self {
            Self::Look(_) => Ok(false),
            Self::Write(tx) => tx.commit().await.map(|()| true),
        }
    }
}
