//! What is remembered of objects in Grafana.

use serde_json::Value;

/// A kind of object in Grafana.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrafanaKind {
    /// A data source.
    DataSource,
    /// A folder.
    Folder,
    /// A dashboard.
    Dashboard,
}

impl GrafanaKind {
    const ALL: [Self; 3] = [Self::DataSource, Self::Folder, Self::Dashboard];

    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DataSource => "data_source",
            Self::Folder => "folder",
            Self::Dashboard => "dashboard",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An object as it was when it was written last.
#[derive(Clone, Debug, PartialEq)]
pub struct GrafanaRecord {
    /// Digest of what was wanted; empty when what is wanted is to be written
    /// whatever is there.
    pub wanted: String,
    /// Digest of what Grafana showed afterwards.
    pub shown: String,
    /// Grafana's version of it afterwards.
    pub version: i64,
    /// Whether it was made by us; else it was there.
    pub is_made: bool,
    /// What people made of it, where that is wanted.
    pub adopted: Option<Value>,
}

impl GrafanaRecord {
    /// Whether what is wanted is to be written whatever is there.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        self.wanted.is_empty()
    }
}
