//! What kinds of users there are, and whose servers they see.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Id;

/// What a user may do at most. Ordered: each may do what the one before may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks. OpenServerHub's `user` and `readonly` are read as this.
    #[serde(alias = "user", alias = "readonly")]
    Viewer,
    /// Looks, and handles servers, alerts and rules.
    Operator,
    /// Everything, also users, credentials and settings.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word in the store and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Reads [`Self::as_str`].
    ///
    /// # Errors
    /// A sentence that lists the roles.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no role; there are viewer, operator and admin"))
    }
}

/// Whose servers somebody sees. Every question about servers takes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those of these groups; with no group, none.
    Groups(BTreeSet<Id>),
}

impl Scope {
    /// Whether a server of this group is seen.
    #[must_use]
    pub fn covers(&self, group: Option<Id>) -> bool {
        match self {
            Self::All => true,
            Self::Groups(groups) => group.is_some_and(|group| groups.contains(&group)),
        }
    }
}
