//! The ways in which people are told: one integration is one of Alertmanager's,
//! or one that the controller passes on itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::words;
use crate::model::Problems;

/// Most nodes of a raw integration.
const MAX_RAW_NODES: usize = 1_000;
/// Deepest value of a raw integration.
const MAX_RAW_DEPTH: usize = 8;
/// Keys of an integration that the controller writes itself.
const OWN_RAW_KEYS: [&str; 1] = ["send_resolved"];

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

/// E-mail. What is absent comes from the settings of alerting; a mail server of
/// its own has a log-in of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EmailSettings {
    /// Addresses, with commas between them.
    pub to: String,
    /// The sender's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Mail server and port, such as `mail.example.org:587`. Port 465 means TLS
    /// from the first byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smarthost: Option<String>,
    /// User at the mail server; its password is the secret `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whether STARTTLS is a must.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_tls: Option<bool>,
    /// Whom to believe at the mail server.
    #[serde(skip_serializing_if = "TlsSettings::is_default")]
    pub tls: TlsSettings,
    /// The subject.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The body as HTML; none when only `text` is there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub html: String,
    /// The body as text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// More headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// A webhook; its address is the secret `url`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookSettings {
    /// Most alerts in one delivery; 0 for all.
    pub max_alerts: u32,
}

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

/// A service of `PagerDuty`; its key is the secret `routing_key`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PagerdutySettings {
    /// Where events are sent; `PagerDuty` itself when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What happened.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `critical`, `error`, `warning` or `info`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub severity: String,
    /// The part of the system.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub component: String,
    /// The group of parts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The kind of event.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// Whatever else is to be known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

/// Opsgenie; its key is the secret `api_key`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpsgenieSettings {
    /// Where alerts are sent, such as `https://api.eu.opsgenie.com/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// First line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// What happened.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `P1` to `P5`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub priority: String,
    /// Tags, with commas between them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
    /// Whatever else is to be known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// Who is called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responders: Vec<OpsgenieResponder>,
}

/// Who is called by Opsgenie.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpsgenieResponder {
    /// `team`, `user`, `escalation` or `schedule`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
}

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

/// A robot or workflow to which the controller posts messages in its own format,
/// made from what Alertmanager tells. Its address is the secret `url`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RobotSettings {
    /// Whether everybody in the group is called. Not with Teams.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_all: bool,
    /// A word that the robot wants in each message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub keyword: String,
}

/// An integration in Alertmanager's own words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSettings {
    /// Its key in a receiver, such as `pushover_configs`.
    pub kind: String,
    /// What stands there. Secrets are not in it but in `secrets`, by their place:
    /// `token`, or `http_config.authorization.credentials`.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    pub config: Map<String, Value>,
}

/// How an integration of Alertmanager makes its requests. Robots and workflows,
/// to which the controller makes them, have none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// User for basic authentication; its password is the secret `http_password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Proxy between Alertmanager and the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_url: Option<String>,
    /// Whom to believe.
    #[serde(skip_serializing_if = "TlsSettings::is_default")]
    pub tls: TlsSettings,
}

/// Whom to believe, at Alertmanager's machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// File with authorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// Name in the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
}

impl TlsSettings {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn check(&self, field: &str, problems: &mut Problems) {
        for (text, name) in [
            (&self.ca_file, "ca_file"),
            (&self.server_name, "server_name"),
        ] {
            if let Some(text) = text {
                problems.check(&format!("{field}.{name}"), words::required_word(text));
            }
        }
    }
}

/// What a secret has to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretForm {
    /// A text on one line.
    Word,
    /// An address of the web; who sees the receiver sees its host.
    Address,
}

/// A secret that an integration has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SecretField {
    pub(super) name: &'static str,
    pub(super) is_needed: bool,
    pub(super) form: SecretForm,
}

const fn needed(name: &'static str) -> SecretField {
    SecretField {
        name,
        is_needed: true,
        form: SecretForm::Word,
    }
}

const fn optional(name: &'static str) -> SecretField {
    SecretField {
        name,
        is_needed: false,
        form: SecretForm::Word,
    }
}

/// The secret address of what has nothing else to be known by.
pub const URL: &str = "url";
/// Password of basic authentication.
pub const HTTP_PASSWORD: &str = "http_password";
/// Bearer token.
pub const BEARER_TOKEN: &str = "bearer_token";
/// With what a robot's messages are signed.
pub const SIGNING_KEY: &str = "signing_key";
/// Password at a mail server.
pub const PASSWORD: &str = "password";

const ADDRESS: SecretField = SecretField {
    name: URL,
    is_needed: true,
    form: SecretForm::Address,
};

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
            Self::Raw(raw) => {
                let mut found = vec![raw.kind.as_str()];
                addresses(&raw.config, &mut found);
                found
            }
            Self::Webhook(_)
            | Self::Slack(_)
            | Self::WecomRobot(_)
            | Self::Msteams(_)
            | Self::Dingtalk(_)
            | Self::Feishu(_) => Vec::new(),
        }
    }

    /// Notes what is wrong, with `place` in front of the fields.
    pub(super) fn check(&self, place: &str, problems: &mut Problems) {
        let at = |field: &str| format!("{place}{field}");
        let mut words: Vec<(&str, &str)> = Vec::new();
        let mut templates: Vec<(&str, &str)> = Vec::new();
        let mut address: Option<(&str, &Option<String>)> = None;
        match self {
            Self::Email(email) => {
                problems.check(&at("to"), words::required_word(&email.to));
                problems.check(&at("to"), words::template(&email.to));
                check_mail(
                    place,
                    email.smarthost.as_ref(),
                    email.from.as_ref(),
                    email.username.as_ref(),
                    problems,
                );
                if email.smarthost.is_none()
                    && (email.username.is_some() || email.require_tls.is_some())
                {
                    problems.add(
                        &at("smarthost"),
                        "is missing; log-in and TLS belong to a mail server",
                    );
                }
                email.tls.check(&at("tls"), problems);
                templates = vec![
                    ("subject", &email.subject),
                    ("html", &email.html),
                    ("text", &email.text),
                ];
                words::pairs(&email.headers, &at("headers"), problems);
                if email
                    .headers
                    .keys()
                    .any(|name| name.eq_ignore_ascii_case("subject"))
                {
                    problems.add(
                        &at("headers"),
                        "has the subject, which is a field of its own",
                    );
                }
            }
            Self::Webhook(_) => {}
            Self::Slack(slack) => {
                words = vec![
                    ("channel", &slack.channel),
                    ("username", &slack.username),
                    ("icon_emoji", &slack.icon_emoji),
                    ("color", &slack.color),
                ];
                templates = vec![
                    ("title", &slack.title),
                    ("title_link", &slack.title_link),
                    ("pretext", &slack.pretext),
                    ("text", &slack.text),
                    ("footer", &slack.footer),
                ];
            }
            Self::Pagerduty(it) => {
                address = Some(("url", &it.url));
                templates = vec![
                    ("description", &it.description),
                    ("severity", &it.severity),
                    ("component", &it.component),
                    ("group", &it.group),
                    ("class", &it.class),
                ];
                words::pairs(&it.details, &at("details"), problems);
            }
            Self::Opsgenie(it) => {
                address = Some(("api_url", &it.api_url));
                templates = vec![
                    ("message", &it.message),
                    ("description", &it.description),
                    ("priority", &it.priority),
                    ("tags", &it.tags),
                ];
                words::pairs(&it.details, &at("details"), problems);
                for (nth, responder) in it.responders.iter().enumerate() {
                    let place = format!("{place}responders[{nth}].");
                    responder.check(&place, problems);
                }
            }
            Self::Telegram(it) => {
                address = Some(("api_url", &it.api_url));
                templates = vec![("message", &it.message)];
                if it.chat_id == 0 {
                    problems.add(&at("chat_id"), "is missing");
                }
                let is_markdown = matches!(
                    it.parse_mode,
                    TelegramParseMode::Markdown | TelegramParseMode::MarkdownV2
                );
                if is_markdown && it.message.is_empty() {
                    problems.add(&at("message"), "is missing; the common one is no Markdown");
                }
            }
            Self::Wecom(it) => {
                address = Some(("api_url", &it.api_url));
                templates = vec![("message", &it.message)];
                for (text, field) in [(&it.corp_id, "corp_id"), (&it.agent_id, "agent_id")] {
                    problems.check(&at(field), words::required_word(text));
                }
                words = vec![
                    ("to_user", &it.to_user),
                    ("to_party", &it.to_party),
                    ("to_tag", &it.to_tag),
                ];
                if it.to_user.is_empty() && it.to_party.is_empty() && it.to_tag.is_empty() {
                    problems.add(
                        &at("to_user"),
                        "is missing, and to_party and to_tag with it; one of them is needed",
                    );
                }
            }
            Self::Msteams(it) if it.at_all => {
                problems.add(&at("at_all"), "is not possible with Teams");
            }
            Self::WecomRobot(it) | Self::Msteams(it) | Self::Dingtalk(it) | Self::Feishu(it) => {
                words = vec![("keyword", &it.keyword)];
            }
            Self::Raw(raw) => raw.check(place, problems),
        }
        for (field, text) in words {
            problems.check(&at(field), words::word(text));
        }
        for (field, text) in templates {
            problems.check(&at(field), words::template(text));
        }
        if let Some((field, Some(text))) = address {
            problems.check(&at(field), words::web_address(text));
        }
    }
}

/// What a mail server needs, in an integration and in the settings of alerting.
pub(super) fn check_mail(
    place: &str,
    smarthost: Option<&String>,
    from: Option<&String>,
    username: Option<&String>,
    problems: &mut Problems,
) {
    if let Some(smarthost) = smarthost {
        problems.check(&format!("{place}smarthost"), check_smarthost(smarthost));
    }
    for (text, field) in [(from, "from"), (username, "username")] {
        if let Some(text) = text {
            problems.check(&format!("{place}{field}"), words::required_word(text));
        }
    }
}

/// A host and a port with a colon between them.
fn check_smarthost(text: &str) -> Result<(), String> {
    let wrong = || format!("\"{text}\" is no mail server; write it as mail.example.org:587");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let host_is_good = match host.strip_prefix('[').and_then(|v6| v6.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(is_host),
    };
    let port_is_good = port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok_and(|port| port != 0);
    if !host_is_good || !port_is_good {
        return Err(wrong());
    }
    words::word(text)
}

impl OpsgenieResponder {
    fn check(&self, place: &str, problems: &mut Problems) {
        let kinds = ["team", "user", "escalation", "schedule"];
        if !kinds.contains(&self.kind.as_str()) {
            problems.add(
                &format!("{place}type"),
                format!("\"{}\" is none of {}", self.kind, kinds.join(", ")),
            );
        }
        problems.check(&format!("{place}name"), words::required_word(&self.name));
    }
}

impl HttpSettings {
    pub(super) fn check(&self, place: &str, problems: &mut Problems) {
        if let Some(username) = &self.username {
            problems.check(&format!("{place}username"), words::required_word(username));
        }
        if let Some(proxy) = &self.proxy_url {
            problems.check(&format!("{place}proxy_url"), words::web_address(proxy));
        }
        self.tls.check(&format!("{place}tls"), problems);
    }
}

impl RawSettings {
    fn check(&self, place: &str, problems: &mut Problems) {
        let is_kind = self.kind.strip_suffix("_configs").is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if !is_kind {
            problems.add(
                &format!("{place}kind"),
                format!(
                    "\"{}\" is no integration of Alertmanager; their keys end in _configs, as pushover_configs does",
                    self.kind
                ),
            );
        }
        let mut left = MAX_RAW_NODES;
        for (key, value) in &self.config {
            let field = format!("{place}config.{key}");
            if OWN_RAW_KEYS.contains(&key.as_str()) {
                problems.add(&field, "is a field of the integration");
            }
            check_raw(key, value, &field, MAX_RAW_DEPTH, &mut left, problems);
        }
        if left == 0 {
            problems.add(
                &format!("{place}config"),
                format!("has more than {MAX_RAW_NODES} values"),
            );
        }
    }
}

fn check_raw(
    key: &str,
    value: &Value,
    field: &str,
    depth: usize,
    left: &mut usize,
    problems: &mut Problems,
) {
    let Some(less) = left.checked_sub(1) else {
        return;
    };
    *left = less;
    let Some(deeper) = depth.checked_sub(1) else {
        return problems.add(field, format!("lies deeper than {MAX_RAW_DEPTH} keys"));
    };
    problems.check(field, words::required_word(key));
    match value {
        Value::String(text) => {
            if looks_secret(key) && !text.is_empty() {
                problems.add(
                    field,
                    "looks like a secret; write it into secrets, under its place in config",
                );
            }
            problems.check(field, words::template(text));
        }
        Value::Array(values) => {
            for (nth, value) in values.iter().enumerate() {
                check_raw(
                    key,
                    value,
                    &format!("{field}[{nth}]"),
                    deeper,
                    left,
                    problems,
                );
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                check_raw(
                    key,
                    value,
                    &format!("{field}.{key}"),
                    deeper,
                    left,
                    problems,
                );
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a key of Alertmanager's is one that holds a secret, in any version.
pub(super) fn looks_secret(key: &str) -> bool {
    const ENDS: [&str; 7] = [
        "password",
        "secret",
        "token",
        "_key",
        "credentials",
        "webhook_url",
        "authorization",
    ];
    ENDS.iter().any(|end| key.ends_with(end))
}

/// Addresses in a raw integration: to where its secrets may be sent.
fn addresses<'a>(map: &'a Map<String, Value>, found: &mut Vec<&'a str>) {
    const PARTS: [&str; 4] = ["url", "host", "address", "server"];
    for (key, value) in map {
        match value {
            Value::String(text) if PARTS.iter().any(|part| key.contains(part)) => {
                found.push(text);
            }
            Value::Object(map) => addresses(map, found),
            _ => {}
        }
    }
}
