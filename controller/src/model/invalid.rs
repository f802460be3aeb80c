//! What is wrong with input, each with the field that it is about.

use serde::Serialize;
use utoipa::ToSchema;

/// One thing wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Invalid {
    /// The field's name in the request, dotted where it is nested.
    pub field: String,
    /// One sentence for a person: what was found, what is allowed.
    pub message: String,
}

impl Invalid {
    /// Names a field and what is wrong with it.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Collects everything that is wrong, so that a person mends it in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Invalid>);

impl Problems {
    /// Keeps the value, or notes what is wrong with `field`.
    pub fn check<T>(&mut self, field: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.add(field, message)).ok()
    }

    /// Notes that something is wrong with `field`.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(Invalid::new(field, message));
    }

    /// What was found; empty when all is well.
    #[must_use]
    pub fn found(&self) -> &[Invalid] {
        &self.0
    }

    /// The value, unless something was wrong.
    ///
    /// # Errors
    /// Everything that was noted, or a note about the whole when the value is
    /// absent without one.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Invalid>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ if self.0.is_empty() => Err(vec![Invalid::new("", "is incomplete")]),
            _ => Err(self.0),
        }
    }
}
