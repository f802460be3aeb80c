//! `WeCom`, by an application.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::Fields;

/// An application of `WeCom`; its secret is the secret `api_secret`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WecomSettings {
    /// Where messages are sent; `WeCom` itself when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// Number of the company.
    pub corp_id: String,
    /// Number of the application.
    pub agent_id: String,
    /// Users, with `|` between them; `@all` for everybody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to_user: String,
    /// Departments, with `|` between them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to_party: String,
    /// Tags, with `|` between them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to_tag: String,
    /// The message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Whether it is read as Markdown.
    pub markdown: bool,
}

impl WecomSettings {
    pub(super) fn check(&self, fields: &mut Fields<'_>) {
        fields.required("corp_id", &self.corp_id);
        fields.required("agent_id", &self.agent_id);
        if self.to_user.is_empty() && self.to_party.is_empty() && self.to_tag.is_empty() {
            fields.add(
                "to_user",
                "is missing, and to_party and to_tag with it; one of them is needed",
            );
        }
        fields.words(&[
            ("to_user", &self.to_user),
            ("to_party", &self.to_party),
            ("to_tag", &self.to_tag),
        ]);
        fields.templates(&[("message", &self.message)]);
        fields.address("api_url", self.api_url.as_ref());
    }
}
