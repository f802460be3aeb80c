//! Telegram, by a bot.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::Fields;

/// A chat of Telegram; the bot's token is the secret `bot_token`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelegramSettings {
    /// Number of the chat; those of groups are negative.
    pub chat_id: i64,
    /// Where the bot is; Telegram itself when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// The message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// How it is read.
    pub parse_mode: TelegramParseMode,
    /// Whether it comes without a sound.
    pub disable_notifications: bool,
}

/// How Telegram reads a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TelegramParseMode {
    /// A few tags; the rest is escaped by Alertmanager.
    #[default]
    #[serde(rename = "HTML")]
    Html,
    /// The old Markdown.
    Markdown,
    /// The new one, in which many characters need a backslash.
    MarkdownV2,
    /// As it stands.
    #[serde(rename = "")]
    Plain,
}

impl TelegramParseMode {
    /// The word in Alertmanager's configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "HTML",
            Self::Markdown => "Markdown",
            Self::MarkdownV2 => "MarkdownV2",
            Self::Plain => "",
        }
    }
}

impl TelegramSettings {
    pub(super) fn check(&self, fields: &mut Fields<'_>) {
        if self.chat_id == 0 {
            fields.add("chat_id", "is missing");
        }
        let is_markdown = matches!(
            self.parse_mode,
            TelegramParseMode::Markdown | TelegramParseMode::MarkdownV2
        );
        if is_markdown && self.message.is_empty() {
            fields.add("message", "is missing; the common one is no Markdown");
        }
        fields.templates(&[("message", &self.message)]);
        fields.address("api_url", self.api_url.as_ref());
    }
}
