//! Integrations in Alertmanager's words. Only fields that Alertmanager 0.25 knows
//! are written.

use super::Uplink;
use super::node::{Fields, Node};
use crate::model::Id;
use crate::model::alerting::{
    AlertingSettings, BEARER_TOKEN, EmailSettings, HTTP_PASSWORD, HttpSettings, Integration,
    IntegrationSettings, MailSettings, OpsgenieSettings, PASSWORD, PagerdutySettings, RawSettings,
    SecretPlace, SlackSettings, TelegramSettings, TlsSettings, URL, WecomSettings,
};

/// The key of a receiver under which an integration stands, and what stands there.
pub(super) fn integration(
    receiver: Id,
    it: &Integration,
    settings: &AlertingSettings,
    uplink: &Uplink,
) -> (String, Node) {
    let words = Words(it);
    let (key, fields) = match &it.settings {
        IntegrationSettings::Email(email) => ("email_configs", words.email(email, settings)),
        IntegrationSettings::Webhook(webhook) => (
            "webhook_configs",
            words
                .address("url")
                .put("max_alerts", Node::Number(webhook.max_alerts.into())),
        ),
        IntegrationSettings::Slack(slack) => ("slack_configs", words.slack(slack)),
        IntegrationSettings::Pagerduty(it) => ("pagerduty_configs", words.pagerduty(it)),
        IntegrationSettings::Opsgenie(it) => ("opsgenie_configs", words.opsgenie(it)),
        IntegrationSettings::Telegram(it) => ("telegram_configs", words.telegram(it)),
        IntegrationSettings::Wecom(it) => ("wechat_configs", words.wecom(it)),
        IntegrationSettings::WecomRobot(_)
        | IntegrationSettings::Msteams(_)
        | IntegrationSettings::Dingtalk(_)
        | IntegrationSettings::Feishu(_) => (
            "webhook_configs",
            uplink.webhook(&uplink.relay(receiver, &it.key)),
        ),
        IntegrationSettings::Raw(raw) => return (raw.kind.clone(), words.raw(raw).into_node()),
    };
    let fields = fields.flag("send_resolved", it.send_resolved);
    let fields = match it.settings.is_relayed() {
        true => fields,
        false => fields.map("http_config", words.http()),
    };
    (key.to_owned(), fields.into_node())
}

/// An integration, its secrets and its language.
struct Words<'a>(&'a Integration);

impl Words<'_> {
    fn id(&self, name: &str) -> Option<&str> {
        self.0.secrets.get(name).map(|place| place.id.as_str())
    }

    fn address(&self, key: &str) -> Fields {
        Fields::default().secret(key, self.id(URL))
    }

    /// The text, or one of ours in its place.
    fn or(&self, text: &str, ours: &str) -> String {
        match text {
            "" => {
                let language = self.0.language.as_str();
                format!("{{{{ template \"ipmi.{ours}.{language}\" . }}}}")
            }
            text => text.to_owned(),
        }
    }

    fn email(&self, email: &EmailSettings, settings: &AlertingSettings) -> Fields {
        // All in one place: Alertmanager would fill up what is missing from its own
        // global settings, and send the common password to another mail server.
        let own = email.smarthost.as_ref().map(|_| MailSettings {
            smarthost: email.smarthost.clone(),
            from: email.from.clone().or_else(|| settings.mail.from.clone()),
            hello: settings.mail.hello.clone(),
            username: email.username.clone(),
            require_tls: email.require_tls,
            tls: email.tls.clone(),
        });
        let (mail, password) = match &own {
            Some(own) => (own, self.id(PASSWORD)),
            None => (
                &settings.mail,
                settings
                    .mail_password
                    .as_ref()
                    .map(|place: &SecretPlace| place.id.as_str()),
            ),
        };
        let has_own_text = !email.html.is_empty() || !email.text.is_empty();
        let headers = email.headers.iter().fold(
            Fields::default().text("Subject", &self.or(&email.subject, "title")),
            |headers, (name, value)| headers.text(name, value),
        );
        let fields = Fields::default()
            .text("to", &email.to)
            .optional("from", email.from.as_deref().or(mail.from.as_deref()))
            .optional("smarthost", mail.smarthost.as_deref())
            .optional("hello", mail.hello.as_deref())
            .optional("auth_username", mail.username.as_deref())
            .secret("auth_password", password)
            .flag("require_tls", mail.require_tls.unwrap_or(true))
            .map("tls_config", tls(&mail.tls))
            .map("headers", headers)
            // Without it Alertmanager sends its own besides.
            .text("html", &email.html);
        match has_own_text {
            true => fields.some("text", &email.text),
            false => fields.text("text", &self.or("", "text")),
        }
    }

    fn slack(&self, slack: &SlackSettings) -> Fields {
        self.address("api_url")
            .some("channel", &slack.channel)
            .some("username", &slack.username)
            .some("icon_emoji", &slack.icon_emoji)
            .text("title", &self.or(&slack.title, "title"))
            .some("title_link", &slack.title_link)
            .some("pretext", &slack.pretext)
            .text("text", &self.or(&slack.text, "text"))
            .some("color", &slack.color)
            .some("footer", &slack.footer)
    }

    fn pagerduty(&self, it: &PagerdutySettings) -> Fields {
        let severity = match it.severity.as_str() {
            "" => "{{ template \"ipmi.severity\" . }}",
            severity => severity,
        };
        Fields::default()
            .secret("routing_key", self.id("routing_key"))
            .optional("url", it.url.as_deref())
            .text("description", &self.or(&it.description, "title"))
            .text("severity", severity)
            .some("component", &it.component)
            .some("group", &it.group)
            .some("class", &it.class)
            .pairs("details", &it.details)
    }

    fn opsgenie(&self, it: &OpsgenieSettings) -> Fields {
        let priority = match it.priority.as_str() {
            "" => "{{ template \"ipmi.priority\" . }}",
            priority => priority,
        };
        let responders = it.responders.iter().map(|responder| {
            Fields::default()
                .text("type", &responder.kind)
                .text(
                    if responder.kind == "user" {
                        "username"
                    } else {
                        "name"
                    },
                    &responder.name,
                )
                .into_node()
        });
        let responders: Vec<Node> = responders.collect();
        let fields = Fields::default()
            .secret("api_key", self.id("api_key"))
            .optional("api_url", it.api_url.as_deref())
            .text("message", &self.or(&it.message, "title"))
            .text("description", &self.or(&it.description, "text"))
            .text("priority", priority)
            .some("tags", &it.tags)
            .pairs("details", &it.details);
        match responders.is_empty() {
            true => fields,
            false => fields.put("responders", Node::List(responders)),
        }
    }

    fn telegram(&self, it: &TelegramSettings) -> Fields {
        Fields::default()
            .secret("bot_token", self.id("bot_token"))
            // Without one, 0.24 would not start.
            .text(
                "api_url",
                it.api_url.as_deref().unwrap_or("https://api.telegram.org"),
            )
            .put("chat_id", Node::Number(it.chat_id.into()))
            .text("message", &self.or(&it.message, "text"))
            .text("parse_mode", it.parse_mode.as_str())
            .flag("disable_notifications", it.disable_notifications)
    }

    fn wecom(&self, it: &WecomSettings) -> Fields {
        Fields::default()
            .secret("api_secret", self.id("api_secret"))
            .optional("api_url", it.api_url.as_deref())
            .text("corp_id", &it.corp_id)
            .text("agent_id", &it.agent_id)
            .some("to_user", &it.to_user)
            .some("to_party", &it.to_party)
            .some("to_tag", &it.to_tag)
            .text("message", &self.or(&it.message, "text"))
            .text(
                "message_type",
                if it.markdown { "markdown" } else { "text" },
            )
    }

    fn raw(&self, raw: &RawSettings) -> Fields {
        let mut fields = Fields::from(&raw.config).flag("send_resolved", self.0.send_resolved);
        for (path, place) in &self.0.secrets {
            fields.place(path, &place.id);
        }
        fields
    }

    fn http(&self) -> Fields {
        let none = HttpSettings::default();
        let http = self.0.http.as_ref().unwrap_or(&none);
        let user = match &http.username {
            None => Fields::default(),
            Some(username) => Fields::default()
                .text("username", username)
                .secret("password", self.id(HTTP_PASSWORD)),
        };
        let bearer = match self.id(BEARER_TOKEN) {
            None => Fields::default(),
            Some(id) => Fields::default()
                .text("type", "Bearer")
                .secret("credentials", Some(id)),
        };
        Fields::default()
            .map("authorization", bearer)
            .map("basic_auth", user)
            .optional("proxy_url", http.proxy_url.as_deref())
            .map("tls_config", tls(&http.tls))
    }
}

fn tls(tls: &TlsSettings) -> Fields {
    let fields = Fields::default()
        .optional("ca_file", tls.ca_file.as_deref())
        .optional("server_name", tls.server_name.as_deref());
    match tls.insecure_skip_verify {
        true => fields.flag("insecure_skip_verify", true),
        false => fields,
    }
}
