//! Groups of servers: what roles are limited to, and a label on every series.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Id, Invalid, Name, Problems, Text, Version};
use crate::clock::Timestamp;

/// A group as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Group {
    /// Number of the group.
    pub id: Id,
    /// Unique name; value of the label `group`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How many servers are in it.
    pub server_count: i64,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A group as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDraft {
    /// Unique name.
    pub name: Name,
    /// What it is for.
    pub description: Text,
}

/// The form of [`GroupDraft`] in a request.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupBody {
    /// Unique name; value of the label `group`.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
}

/// Which groups are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct GroupFilter {
    /// Part of the name or description; case does not matter.
    pub search: Option<String>,
}

impl GroupDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &GroupBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let name = problems.check("name", Name::parse(&body.name));
        let description = problems.check("description", Text::parse(&body.description));
        let draft = name
            .zip(description)
            .map(|(name, description)| Self { name, description });
        problems.finish(draft)
    }
}
