//! Receivers: who is told, and in which ways. Their secrets are written and never
//! read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

use super::integration::{
    Fields, HTTP_PASSWORD, HttpSettings, IntegrationSettings, Language, PASSWORD, SecretField,
    SecretForm, URL,
};
use super::words;
use crate::clock::Timestamp;
use crate::model::{Id, Invalid, Name, Problems, SecretChange, Text, Version};

/// Most receivers.
pub const MAX_RECEIVERS: i64 = 500;
/// Most integrations of one receiver.
const MAX_INTEGRATIONS: usize = 32;
/// Most secrets of one raw integration.
const MAX_SECRETS: usize = 16;
/// Longest secret, in bytes.
const MAX_SECRET: usize = 8 * 1024;
/// Longest key of an integration.
const MAX_KEY: usize = 64;

/// A receiver as it is stored; its secrets are not in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Receiver {
    /// Number of the receiver.
    pub id: Id,
    /// Unique name, by which routes refer to it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The ways in which it is told, all of them each time.
    pub integrations: Vec<Integration>,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// One way in which a receiver is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Integration {
    /// What it is known by within the receiver.
    pub key: String,
    /// Whether it is told of the end of alerts too.
    pub send_resolved: bool,
    /// In which language texts are that nobody wrote.
    pub language: Language,
    /// What it is.
    pub settings: IntegrationSettings,
    /// How requests are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSettings>,
    /// The secrets that are set, by name.
    pub secrets: BTreeMap<String, SecretPlace>,
}

/// What anybody may know of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretPlace {
    /// Changes whenever the secret does. Says nothing about it.
    pub id: String,
    /// Of an address: scheme and host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A receiver as somebody wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiverDraft {
    /// Unique name.
    pub name: Name,
    /// What it is for.
    pub description: Text,
    /// The ways in which it is told.
    pub integrations: Vec<IntegrationDraft>,
}

/// An integration as somebody wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegrationDraft {
    /// What it is known by within the receiver.
    pub key: String,
    /// Whether it is told of the end of alerts too.
    pub send_resolved: bool,
    /// In which language texts are that nobody wrote.
    pub language: Language,
    /// What it is.
    pub settings: IntegrationSettings,
    /// How requests are made.
    pub http: Option<HttpSettings>,
    /// What becomes of its secrets.
    pub secrets: BTreeMap<String, SecretChange>,
}

/// The form of [`ReceiverDraft`] in a request.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiverBody {
    /// Unique name, by which routes refer to it. Alertmanager knows it by that:
    /// under another name it is told of all active alerts again.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The ways in which it is told, all of them each time; up to 32.
    #[serde(default)]
    pub integrations: Vec<IntegrationBody>,
}

/// The form of [`IntegrationDraft`] in a request.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegrationBody {
    /// What it is known by within the receiver: letters, digits, `_` and `-`. An
    /// integration that keeps key and type keeps the secrets that are not given.
    pub key: String,
    /// Whether it is told of the end of alerts too.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub send_resolved: bool,
    /// In which language texts are that nobody wrote.
    #[serde(default)]
    pub language: Language,
    /// What it is.
    pub settings: IntegrationSettings,
    /// How requests are made.
    #[serde(default)]
    pub http: Option<HttpSettings>,
    /// Secrets by name, written and never read: an absent one stays as it is,
    /// `null` or an empty one is taken away. `webhook`: `url`, `bearer_token`;
    /// `slack`, `msteams`, `wecom_robot`: `url`; `dingtalk`, `feishu`: `url`,
    /// `signing_key`; `email`: `password`; `pagerduty`: `routing_key`; `opsgenie`:
    /// `api_key`; `telegram`: `bot_token`; `wecom`: `api_secret`; with
    /// `http.username`: `http_password`; `raw`: by their place in `config`. A
    /// secret that is to be sent to another place has to be given again.
    #[serde(default)]
    pub secrets: BTreeMap<String, Option<String>>,
}

fn yes() -> bool {
    true
}

/// Which receivers are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ReceiverFilter {
    /// Part of the name or description; case does not matter.
    pub search: Option<String>,
}

/// Where a secret of a receiver that is about to be stored comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// It stays where it is.
    Kept(SecretPlace),
    /// It was given just now, with what anybody may know of it.
    Given(SecretChange, Option<String>),
}

impl ReceiverDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &ReceiverBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let name = problems.check("name", Name::parse(&body.name));
        problems.check("name", words::own_free(&body.name));
        let description = problems.check("description", Text::parse(&body.description));
        if body.integrations.len() > MAX_INTEGRATIONS {
            let count = body.integrations.len();
            problems.add(
                "integrations",
                format!("has {count} entries; at most {MAX_INTEGRATIONS} are allowed"),
            );
        }
        let mut keys = BTreeSet::new();
        let mut integrations = Vec::new();
        for (at, body) in body.integrations.iter().enumerate().take(MAX_INTEGRATIONS) {
            let place = format!("integrations[{at}].");
            if !keys.insert(body.key.as_str()) {
                problems.add(
                    &format!("{place}key"),
                    format!("\"{}\" is another's as well", body.key),
                );
            }
            integrations.push(IntegrationDraft::parse(body, &place, &mut problems));
        }
        let draft = name.zip(description).map(|(name, description)| Self {
            name,
            description,
            integrations,
        });
        problems.finish(draft)
    }

    /// Where the secrets of each integration come from, given the receiver as it
    /// is stored.
    ///
    /// # Errors
    /// Secrets that are needed and missing, and such that would be sent to another
    /// place than they were given for.
    pub fn secret_sources(
        &self,
        before: &[Integration],
    ) -> Result<Vec<BTreeMap<String, SecretSource>>, Vec<Invalid>> {
        let mut problems = Problems::default();
        let sources = self.integrations.iter().enumerate().map(|(at, draft)| {
            let old = before
                .iter()
                .find(|old| old.key == draft.key && old.settings.kind() == draft.settings.kind());
            draft.secret_sources(old, &format!("integrations[{at}]."), &mut problems)
        });
        let sources = sources.collect();
        problems.finish(Some(sources))
    }
}

impl IntegrationDraft {
    fn parse(body: &IntegrationBody, place: &str, problems: &mut Problems) -> Self {
        problems.check(&format!("{place}key"), check_key(&body.key));
        let fields = &mut Fields::new(&format!("{place}settings."), problems);
        body.settings.check(fields);
        if let Some(http) = &body.http {
            match &body.settings {
                IntegrationSettings::Email(_) | IntegrationSettings::Raw(_) => problems.add(
                    &format!("{place}http"),
                    "is not for this type, which has its own fields for that",
                ),
                settings if settings.is_relayed() => problems.add(
                    &format!("{place}http"),
                    "is not for this type, to which the controller makes the requests",
                ),
                _ => http.check(&mut Fields::new(&format!("{place}http."), problems)),
            }
        }
        if body.secrets.len() > MAX_SECRETS {
            let count = body.secrets.len();
            problems.add(
                &format!("{place}secrets"),
                format!("has {count} entries; at most {MAX_SECRETS} are allowed"),
            );
        }
        let mut secrets = BTreeMap::new();
        for (name, value) in body.secrets.iter().take(MAX_SECRETS) {
            let field = format!("{place}secrets.{name}");
            let checked = field_of(&body.settings, name)
                .and_then(|form| secret_change(value.as_deref(), form));
            if let Some(change) = problems.check(&field, checked) {
                secrets.insert(name.clone(), change);
            }
        }
        Self {
            key: body.key.clone(),
            send_resolved: body.send_resolved,
            language: body.language,
            settings: body.settings.clone(),
            http: body.http.clone(),
            secrets,
        }
    }

    fn secret_sources(
        &self,
        before: Option<&Integration>,
        place: &str,
        problems: &mut Problems,
    ) -> BTreeMap<String, SecretSource> {
        let mut sources = BTreeMap::new();
        for (name, change) in &self.secrets {
            if let SecretChange::Set(secret) = change {
                let hint = (form_of(&self.settings, name) == SecretForm::Address)
                    .then(|| origin(secret))
                    .flatten();
                sources.insert(name.clone(), SecretSource::Given(change.clone(), hint));
            }
        }
        if let Some(before) = before {
            let has_moved = self.has_moved(before, &sources);
            for (name, kept) in &before.secrets {
                if self.secrets.contains_key(name) {
                    continue;
                }
                if has_moved {
                    problems.add(
                        &format!("{place}secrets.{name}"),
                        "has to be given again, because it would be sent to another place than before",
                    );
                }
                sources.insert(name.clone(), SecretSource::Kept(kept.clone()));
            }
        }
        for SecretField {
            name, is_needed, ..
        } in self.settings.secret_fields()
        {
            if *is_needed && !sources.contains_key(*name) {
                problems.add(&format!("{place}secrets.{name}"), "is missing");
            }
        }
        let has_user = self
            .http
            .as_ref()
            .is_some_and(|http| http.username.is_some());
        if has_user != sources.contains_key(HTTP_PASSWORD) {
            problems.add(
                &format!("{place}http.username"),
                format!("one needs the other: http.username, secrets.{HTTP_PASSWORD}"),
            );
        }
        if let IntegrationSettings::Email(email) = &self.settings
            && email.username.is_some() != sources.contains_key(PASSWORD)
        {
            problems.add(
                &format!("{place}settings.username"),
                format!("one needs the other: settings.username, secrets.{PASSWORD}"),
            );
        }
        sources
    }

    /// Whether what is kept would go elsewhere.
    fn has_moved(&self, before: &Integration, sources: &BTreeMap<String, SecretSource>) -> bool {
        let proxy = |http: Option<&HttpSettings>| http.and_then(|http| http.proxy_url.clone());
        let other_host = match sources.get(URL) {
            Some(SecretSource::Given(_, hint)) => {
                before.secrets.get(URL).is_some_and(|old| old.hint != *hint)
            }
            _ => false,
        };
        other_host
            || self.settings.destination() != before.settings.destination()
            || proxy(self.http.as_ref()) != proxy(before.http.as_ref())
    }
}

/// The form of a secret, if there is one of that name.
fn field_of(settings: &IntegrationSettings, name: &str) -> Result<SecretForm, String> {
    if let IntegrationSettings::Raw(raw) = settings {
        return check_path(name, &raw.config).map(|()| SecretForm::Word);
    }
    let fields = settings.secret_fields();
    if let Some(field) = fields.iter().find(|field| field.name == name) {
        return Ok(field.form);
    }
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    Err(format!(
        "is no secret of this type; there are {}",
        names.join(", ")
    ))
}

fn form_of(settings: &IntegrationSettings, name: &str) -> SecretForm {
    field_of(settings, name).unwrap_or(SecretForm::Word)
}

/// Whether a dotted path leads to a place in a raw configuration that is free.
fn check_path(
    path: &str,
    config: &serde_json::Map<String, serde_json::Value>,
) -> Result<(), String> {
    let is_good = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if path.len() > MAX_KEY * 2 || !path.split('.').all(is_good) {
        return Err("is no place; write it as http_config.authorization.credentials".to_owned());
    }
    let mut map = config;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        match (map.get(part), parts.peek()) {
            (None, _) => return Ok(()),
            (Some(serde_json::Value::Object(inner)), Some(_)) => map = inner,
            (Some(_), _) => return Err("is in config already".to_owned()),
        }
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), String> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if key.is_empty() || key.len() > MAX_KEY || !key.chars().all(is_good) {
        return Err(format!(
            "is no key; 1 to {MAX_KEY} letters, digits, underscores and hyphens are allowed"
        ));
    }
    Ok(())
}

/// What becomes of a secret whose field is there.
fn secret_change(value: Option<&str>, form: SecretForm) -> Result<SecretChange, String> {
    match value {
        None | Some("") => Ok(SecretChange::Clear),
        Some(text) => {
            check_secret(text, form)?;
            Ok(SecretChange::Set(Zeroizing::new(text.to_owned())))
        }
    }
}

/// Messages say nothing of the secret itself.
pub(super) fn check_secret(text: &str, form: SecretForm) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err("contains a control character".to_owned());
    }
    words::at_most(text, MAX_SECRET)?;
    if form == SecretForm::Address {
        if origin(text).is_none() {
            return Err("is no http or https address with a host".to_owned());
        }
        let is_plain = |c: char| c.is_ascii_graphic();
        if !text.chars().all(is_plain) {
            return Err("has a character that must be written with a percent sign".to_owned());
        }
        if !words_are_whole(text) {
            return Err("has a percent sign without two digits behind it".to_owned());
        }
    }
    Ok(())
}

/// Whether every percent sign has its two digits; Go refuses others.
fn words_are_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let mut digits = after.bytes().take(2);
        let mut is_digit = || digits.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        is_digit() && is_digit()
    })
}

/// Scheme and host of an address.
pub(super) fn origin(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(integration: serde_json::Value) -> ReceiverBody {
        serde_json::from_value(serde_json::json!({
            "name": "ops", "integrations": vec![integration],
        }))
        .unwrap()
    }

    fn fields(found: &[Invalid]) -> Vec<&str> {
        found.iter().map(|p| p.field.as_str()).collect()
    }

    fn stored(draft: &ReceiverDraft) -> Vec<Integration> {
        let sources = draft.secret_sources(&[]).unwrap();
        let integrations = draft.integrations.iter().zip(sources);
        let stored = integrations.map(|(draft, sources)| Integration {
            key: draft.key.clone(),
            send_resolved: draft.send_resolved,
            language: draft.language,
            settings: draft.settings.clone(),
            http: draft.http.clone(),
            secrets: sources
                .into_iter()
                .map(|(name, source)| {
                    let SecretSource::Given(_, hint) = source else {
                        panic!("nothing is kept");
                    };
                    let id = format!("id of {name}");
                    (name, SecretPlace { id, hint })
                })
                .collect(),
        });
        stored.collect()
    }

    #[test]
    fn every_mistake_is_named_with_its_field() {
        for (integration, expected) in [
            (
                serde_json::json!({"key": "a b", "settings": {"type": "email", "to": "",
                    "smarthost": "mail", "headers": {"Subject": "x"}}}),
                vec![
                    "integrations[0].key",
                    "integrations[0].settings.to",
                    "integrations[0].settings.smarthost",
                    "integrations[0].settings.headers",
                ],
            ),
            (
                serde_json::json!({"key": "a", "settings": {"type": "webhook"},
                    "secrets": {"url": "ftp://x", "password": "x"}}),
                vec![
                    "integrations[0].secrets.password",
                    "integrations[0].secrets.url",
                ],
            ),
            (
                serde_json::json!({"key": "a", "settings": {"type": "feishu"},
                    "http": {}, "secrets": {"url": "https://x/%zz"}}),
                vec!["integrations[0].http", "integrations[0].secrets.url"],
            ),
            (
                serde_json::json!({"key": "a", "settings": {"type": "raw", "kind": "pushover",
                    "config": {"user_key": "x", "title": "{{ .X"}}, "secrets": {"title": "x"}}),
                vec![
                    "integrations[0].settings.kind",
                    "integrations[0].settings.config.title",
                    "integrations[0].settings.config.user_key",
                    "integrations[0].secrets.title",
                ],
            ),
            (
                serde_json::json!({"key": "a", "settings": {"type": "wecom"}}),
                vec![
                    "integrations[0].settings.corp_id",
                    "integrations[0].settings.agent_id",
                    "integrations[0].settings.to_user",
                ],
            ),
        ] {
            let found = ReceiverDraft::parse(&body(integration)).unwrap_err();
            assert_eq!(fields(&found), expected, "{found:?}");
        }
    }

    #[test]
    fn a_secret_stays_only_where_it_was_given_for() {
        let parse = |json| ReceiverDraft::parse(&body(json)).unwrap();
        let before = stored(&parse(serde_json::json!({
            "key": "a", "settings": {"type": "webhook"},
            "secrets": {"url": "https://hooks.example.org/a?t=1", "bearer_token": "t0ken"},
        })));
        assert_eq!(
            before[0].secrets["url"].hint.as_deref(),
            Some("https://hooks.example.org")
        );
        assert!(!serde_json::to_string(&before).unwrap().contains("t0ken"));
        for (url, missing) in [
            (None, vec![]),
            (Some("https://hooks.example.org/b"), vec![]),
            (
                Some("https://evil.example.org/b"),
                vec!["integrations[0].secrets.bearer_token"],
            ),
        ] {
            let mut change = serde_json::json!({"key": "a", "settings": {"type": "webhook"}});
            if let Some(url) = url {
                change["secrets"] = serde_json::json!({"url": url});
            }
            let found = parse(change)
                .secret_sources(&before)
                .err()
                .unwrap_or_default();
            assert_eq!(fields(&found), missing);
        }
        let other_key = parse(serde_json::json!({"key": "b", "settings": {"type": "webhook"}}));
        let found = other_key.secret_sources(&before).unwrap_err();
        assert_eq!(fields(&found), ["integrations[0].secrets.url"]);
    }

    #[test]
    fn a_password_does_not_follow_to_another_mail_server() {
        let mail = |host: &str, secrets: serde_json::Value| {
            let json = serde_json::json!({"key": "m", "settings": {"type": "email",
                "to": "a@example.org", "smarthost": host, "username": "u"}, "secrets": secrets});
            ReceiverDraft::parse(&body(json)).unwrap()
        };
        let before = stored(&mail("mail:587", serde_json::json!({"password": "p"})));
        let none = serde_json::json!({});
        assert!(
            mail("mail:587", none.clone())
                .secret_sources(&before)
                .is_ok()
        );
        assert!(mail("evil:587", none).secret_sources(&before).is_err());
        let given = serde_json::json!({"password": "another"});
        assert!(mail("evil:587", given).secret_sources(&before).is_ok());
    }
}
