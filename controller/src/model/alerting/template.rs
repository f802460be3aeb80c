//! Texts that messages are made with: files of Go templates.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::model::{Id, Invalid, Problems, Text, Version};

/// Most template files.
pub const MAX_TEMPLATES: i64 = 100;
/// Longest template file, in bytes.
const MAX_CONTENT: usize = 128 * 1024;
/// Longest name.
const MAX_NAME: usize = 64;

/// A template file as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotificationTemplate {
    /// Number of the file.
    pub id: Id,
    /// Unique name, part of the file's.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Go templates: `{{ define "subject" }}…{{ end }}`.
    pub content: String,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A template file as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationTemplateDraft {
    /// Unique name.
    pub name: String,
    /// What it is for.
    pub description: Text,
    /// Go templates.
    pub content: String,
}

/// The form of [`NotificationTemplateDraft`] in a request.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationTemplateBody {
    /// Unique name: letters, digits, `_` and `-`.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Go templates: `{{ define "subject" }}…{{ end }}`. Receivers use them with
    /// `{{ template "subject" . }}`.
    pub content: String,
}

/// Which template files are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct NotificationTemplateFilter {
    /// Part of the name or description; case does not matter.
    pub search: Option<String>,
}

impl NotificationTemplateDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &NotificationTemplateBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let name = problems.check("name", file_name(&body.name));
        let description = problems.check("description", Text::parse(&body.description));
        if body.content.len() > MAX_CONTENT {
            let length = body.content.len();
            problems.add(
                "content",
                format!("has {length} bytes; at most {MAX_CONTENT} are allowed"),
            );
        }
        problems.check("content", crate::model::rule::check_template(&body.content));
        let draft = name.zip(description).map(|(name, description)| Self {
            name,
            description,
            content: body.content.clone(),
        });
        problems.finish(draft)
    }
}

fn file_name(text: &str) -> Result<String, String> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if text.is_empty() || text.len() > MAX_NAME || !text.chars().all(is_good) {
        return Err(format!(
            "is no name of a file; 1 to {MAX_NAME} letters, digits, underscores and hyphens are allowed"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_with_its_field() {
        let body = |name: &str, content: &str| NotificationTemplateBody {
            name: name.to_owned(),
            description: String::new(),
            content: content.to_owned(),
        };
        let good = "{{ define \"x\" }}{{ .Status }}{{ end }}";
        assert!(NotificationTemplateDraft::parse(&body("mail", good)).is_ok());
        for (name, content, field) in [("../x", good, "name"), ("x", "{{ define", "content")] {
            let found = NotificationTemplateDraft::parse(&body(name, content)).unwrap_err();
            assert_eq!((found.len(), found[0].field.as_str()), (1, field));
        }
    }
}
