//! The audit trail: who did what, from where, and what it changed.

use serde::Serialize;
use utoipa::ToSchema;

use super::Id;
use crate::clock::Timestamp;

/// Something that was done, to be written down.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// Who: a user's name, a token's, or a program's part.
    pub actor: String,
    /// The user behind it, if one is.
    pub actor_id: Option<Id>,
    /// From which network address.
    pub source: Option<String>,
    /// What: resource and verb, such as `server.update`.
    pub action: &'static str,
    /// To what, as path below `/api/v1`, such as `servers/12`.
    pub resource: String,
    /// How it was, without secrets.
    pub before: Option<serde_json::Value>,
    /// How it is now, without secrets.
    pub after: Option<serde_json::Value>,
}

/// One link of the trail's chain.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Rises by one with each entry.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The user behind it, if one is.
    pub actor_id: Option<Id>,
    /// From which network address.
    pub source: Option<String>,
    /// What.
    pub action: String,
    /// To what.
    pub resource: String,
    /// How it was, without secrets.
    pub before: Option<serde_json::Value>,
    /// How it is now, without secrets.
    pub after: Option<serde_json::Value>,
    /// SHA-256 over the entry and the hash of the one before, in hexadecimal.
    pub hash: String,
}

impl AuditEvent {
    /// Adds how the resource was and how it is. What is serialised must hold no
    /// secrets; the types of the model hold none.
    #[must_use]
    pub fn with<T: Serialize>(mut self, before: Option<&T>, after: Option<&T>) -> Self {
        let value = |of: Option<&T>| of.and_then(|of| serde_json::to_value(of).ok());
        self.before = value(before);
        self.after = value(after);
        self
    }
}
