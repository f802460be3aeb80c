//! A part of a long list.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Most rows of one page.
pub const MAX_LIMIT: i64 = 1000;
/// Rows of a page when nobody says.
pub const DEFAULT_LIMIT: i64 = 100;

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageRequest {
    /// Rows to leave out in front.
    #[serde(default)]
    #[param(minimum = 0, default = 0)]
    pub offset: i64,
    /// Most rows to give.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: i64,
}

fn default_limit() -> i64 {
    DEFAULT_LIMIT
}

impl Default for PageRequest {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: DEFAULT_LIMIT,
        }
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many there are in the whole list.
    pub total: i64,
    /// Rows that were left out in front.
    pub offset: i64,
    /// Most rows that were asked for.
    pub limit: i64,
}

impl<T> Page<T> {
    /// The same part with each row made into something else.
    ///
    /// # Errors
    /// The first that making gives.
    pub fn try_map<U, E>(self, make: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        Ok(Page {
            items: self.items.into_iter().map(make).collect::<Result<_, _>>()?,
            total: self.total,
            offset: self.offset,
            limit: self.limit,
        })
    }
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort<K> {
    /// By what.
    pub key: K,
    /// The greatest first.
    pub descending: bool,
}

/// By what named rows are ordered; the number decides between equals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameSort {
    /// Name.
    #[default]
    Name,
    /// When they were made.
    Id,
    /// Last change.
    UpdatedAt,
}
