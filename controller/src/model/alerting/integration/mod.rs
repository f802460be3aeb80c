//! The ways in which people are told: one integration is one of Alertmanager's,
//! or one that the controller passes on itself. Each has a file of its own: what can
//! be set, and what is wrong with it.

mod connection;
mod email;
mod fields;
mod opsgenie;
mod pagerduty;
mod raw;
mod robot;
mod secret;
mod slack;
mod telegram;
mod webhook;
mod wecom;

pub use connection::{HttpSettings, TlsSettings};
pub use email::EmailSettings;
pub use opsgenie::{OpsgenieResponder, OpsgenieSettings};
pub use pagerduty::PagerdutySettings;
pub use raw::RawSettings;
pub use robot::RobotSettings;
pub use secret::{BEARER_TOKEN, HTTP_PASSWORD, PASSWORD, SIGNING_KEY, URL};
pub use slack::SlackSettings;
pub use telegram::{TelegramParseMode, TelegramSettings};
pub use webhook::WebhookSettings;
pub use wecom::WecomSettings;

pub(super) use email::check_mail_server;
pub(super) use fields::Fields;
pub(super) use secret::{SecretField, SecretForm};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::secret::{ADDRESS, needed, optional};

/// In which language texts are that nobody wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese, as far as rules have Chinese texts.
    Zh,
}

impl Language {
    /// As it is in names of templates.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

/// What an integration is, and what of it is no secret. Texts are templates of
/// Alertmanager unless said otherwise; empty ones are the controller's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum IntegrationSettings {
    /// E-mail.
    Email(EmailSettings),
    /// A POST with Alertmanager's JSON.
    Webhook(WebhookSettings),
    /// Slack, and what takes its messages.
    Slack(SlackSettings),
    /// PagerDuty, events version 2.
    Pagerduty(PagerdutySettings),
    /// Opsgenie.
    Opsgenie(OpsgenieSettings),
    /// Telegram, by a bot.
    Telegram(TelegramSettings),
    /// WeCom, by an application.
    Wecom(WecomSettings),
    /// WeCom, by a group's robot. Passed on by the controller.
    WecomRobot(RobotSettings),
    /// Microsoft Teams, by a workflow. Passed on by the controller.
    Msteams(RobotSettings),
    /// `DingTalk`, by a group's robot. Passed on by the controller.
    Dingtalk(RobotSettings),
    /// Feishu or Lark, by a group's robot. Passed on by the controller.
    Feishu(RobotSettings),
    /// Any other integration of Alertmanager, in its own words.
    Raw(RawSettings),
}

impl IntegrationSettings {
    /// The word of its type.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::Pagerduty(_) => "pagerduty",
            Self::Opsgenie(_) => "opsgenie",
            Self::Telegram(_) => "telegram",
            Self::Wecom(_) => "wecom",
            Self::WecomRobot(_) => "wecom_robot",
            Self::Msteams(_) => "msteams",
            Self::Dingtalk(_) => "dingtalk",
            Self::Feishu(_) => "feishu",
            Self::Raw(_) => "raw",
        }
    }

    /// Whether Alertmanager tells the controller, which passes it on.
    #[must_use]
    pub fn is_relayed(&self) -> bool {
        matches!(
            self,
            Self::WecomRobot(_) | Self::Msteams(_) | Self::Dingtalk(_) | Self::Feishu(_)
        )
    }

    /// The secrets that it has; those of a raw one are found by their places.
    pub(super) fn secret_fields(&self) -> &'static [SecretField] {
        const WEBHOOK: [SecretField; 3] =
            [ADDRESS, optional(BEARER_TOKEN), optional(HTTP_PASSWORD)];
        const SLACK: [SecretField; 2] = [ADDRESS, optional(HTTP_PASSWORD)];
        const SIGNED: [SecretField; 2] = [ADDRESS, optional(SIGNING_KEY)];
        match self {
            Self::Email(_) => &const { [optional(PASSWORD)] },
            Self::Webhook(_) => &WEBHOOK,
            Self::Slack(_) => &SLACK,
            Self::Pagerduty(_) => &const { [needed("routing_key"), optional(HTTP_PASSWORD)] },
            Self::Opsgenie(_) => &const { [needed("api_key"), optional(HTTP_PASSWORD)] },
            Self::Telegram(_) => &const { [needed("bot_token"), optional(HTTP_PASSWORD)] },
            Self::Wecom(_) => &const { [needed("api_secret"), optional(HTTP_PASSWORD)] },
            Self::WecomRobot(_) | Self::Msteams(_) => &const { [ADDRESS] },
            Self::Dingtalk(_) | Self::Feishu(_) => &SIGNED,
            Self::Raw(_) => &[],
        }
    }

    /// Where its secrets are sent, as far as that is no secret itself.
    pub(super) fn destination(&self) -> Vec<&str> {
        match self {
            Self::Email(email) => email.smarthost.as_deref().into_iter().collect(),
            Self::Pagerduty(it) => it.url.as_deref().into_iter().collect(),
            Self::Opsgenie(it) => it.api_url.as_deref().into_iter().collect(),
            Self::Telegram(it) => it.api_url.as_deref().into_iter().collect(),
            Self::Wecom(it) => it.api_url.as_deref().into_iter().collect(),
            Self::Raw(raw) => raw.destination(),
            Self::Webhook(_)
            | Self::Slack(_)
            | Self::WecomRobot(_)
            | Self::Msteams(_)
            | Self::Dingtalk(_)
            | Self::Feishu(_) => Vec::new(),
        }
    }

    /// Notes what is wrong.
    pub(super) fn check(&self, fields: &mut Fields<'_>) {
        match self {
            Self::Email(it) => it.check(fields),
            Self::Webhook(_) => {}
            Self::Slack(it) => it.check(fields),
            Self::Pagerduty(it) => it.check(fields),
            Self::Opsgenie(it) => it.check(fields),
            Self::Telegram(it) => it.check(fields),
            Self::Wecom(it) => it.check(fields),
            Self::Msteams(it) => {
                if it.at_all {
                    fields.add("at_all", "is not possible with Teams");
                }
                it.check(fields);
            }
            Self::WecomRobot(it) | Self::Dingtalk(it) | Self::Feishu(it) => it.check(fields),
            Self::Raw(it) => it.check(fields),
        }
    }
}
