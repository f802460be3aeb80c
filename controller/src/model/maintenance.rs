//! Maintenance windows: when the servers of a group are worked on, again and again.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Id, Invalid, Name, Problems, Recurrence, RecurrenceBody, Text, Version};
use crate::clock::Timestamp;

/// Most maintenance windows.
pub const MAX_WINDOWS: i64 = 1000;

/// A maintenance window as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MaintenanceWindow {
    /// Number of the window.
    pub id: Id,
    /// Unique name.
    pub name: String,
    /// The group whose servers are worked on.
    pub group_id: Id,
    /// Why; the reason of its silences.
    pub reason: String,
    /// When.
    pub when: RecurrenceBody,
    /// Whether it makes silences.
    pub enabled: bool,
    /// Who made it or changed it last: the author of its silences.
    pub author: String,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A maintenance window as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowDraft {
    /// Unique name.
    pub name: Name,
    /// The group whose servers are worked on.
    pub group_id: Id,
    /// Why.
    pub reason: Text,
    /// When.
    pub recurrence: Recurrence,
    /// Whether it makes silences.
    pub enabled: bool,
}

/// The form of [`WindowDraft`] in a request.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowBody {
    /// Unique name.
    pub name: String,
    /// The group whose servers are worked on.
    pub group_id: Id,
    /// Why. A window for many servers needs it.
    #[serde(default)]
    pub reason: String,
    /// When.
    pub when: RecurrenceBody,
    /// Whether it makes silences.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// Which maintenance windows are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct WindowFilter {
    /// Number of a group.
    pub group_id: Option<Id>,
    /// Part of the name or the reason; case does not matter.
    pub search: Option<String>,
}

impl WindowDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &WindowBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let name = problems.check("name", Name::parse(&body.name));
        let reason = problems.check("reason", Text::parse(body.reason.trim()));
        let recurrence = match Recurrence::parse(&body.when) {
            Ok(recurrence) => Some(recurrence),
            Err(found) => {
                for problem in found {
                    problems.add(&format!("when.{}", problem.field), problem.message);
                }
                None
            }
        };
        let draft = name.zip(reason).zip(recurrence);
        let draft = draft.map(|((name, reason), recurrence)| Self {
            name,
            group_id: body.group_id,
            reason,
            recurrence,
            enabled: body.enabled,
        });
        problems.finish(draft)
    }
}
