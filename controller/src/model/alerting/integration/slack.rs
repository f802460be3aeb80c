//! Slack, and what takes its messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::Fields;

/// A channel of Slack; the webhook's address is the secret `url`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SlackSettings {
    /// Channel or user, such as `#hardware`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// Who it seems to come from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Such as `:fire:`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub icon_emoji: String,
    /// First line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Where the first line leads.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title_link: String,
    /// Text above the message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pretext: String,
    /// The message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Colour of the bar beside it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub color: String,
    /// Text below the message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub footer: String,
}

impl SlackSettings {
    pub(super) fn check(&self, fields: &mut Fields<'_>) {
        fields.words(&[
            ("channel", &self.channel),
            ("username", &self.username),
            ("icon_emoji", &self.icon_emoji),
            ("color", &self.color),
        ]);
        fields.templates(&[
            ("title", &self.title),
            ("title_link", &self.title_link),
            ("pretext", &self.pretext),
            ("text", &self.text),
            ("footer", &self.footer),
        ]);
    }
}
