//! What all of alerting has in common.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::integration::{Fields, SecretForm, TlsSettings, check_mail_server};
use super::receiver::{SecretPlace, SecretSource, check_secret};
use crate::clock::Timestamp;
use crate::model::{Invalid, Problems, PromDuration, SecretChange, Version};

/// The settings as they are stored.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AlertingSettings {
    /// After how long without news an alert counts as ended, where its sender does
    /// not say. Prometheus does.
    pub resolve_timeout: Option<PromDuration>,
    /// The mail server of e-mail that names none.
    pub mail: MailSettings,
    /// The password at the mail server, if there is one.
    pub mail_password: Option<SecretPlace>,
    /// Whether the alert about a site, room, rack, switch or PDU holds back those
    /// about single servers there, and that about a server those about its parts.
    pub topology_inhibition: bool,
    /// Rises with each change.
    pub version: Version,
    /// When they were changed last.
    pub updated_at: Timestamp,
}

/// A mail server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailSettings {
    /// Mail server and port, such as `mail.example.org:587`. Port 465 means TLS
    /// from the first byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smarthost: Option<String>,
    /// The sender's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The name by which Alertmanager introduces itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hello: Option<String>,
    /// User at the mail server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Whether STARTTLS is a must; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_tls: Option<bool>,
    /// Whom to believe at the mail server.
    #[serde(skip_serializing_if = "TlsSettings::is_default")]
    pub tls: TlsSettings,
}

/// The settings as somebody wants them.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertingSettingsDraft {
    /// After how long without news an alert counts as ended.
    pub resolve_timeout: Option<PromDuration>,
    /// The mail server.
    pub mail: MailSettings,
    /// What becomes of the password there.
    pub mail_password: SecretChange,
    /// Whether inhibition follows topology.
    pub topology_inhibition: bool,
}

/// The form of [`AlertingSettingsDraft`] in a request.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertingSettingsBody {
    /// After how long without news an alert counts as ended, where its sender does
    /// not say.
    #[serde(default)]
    pub resolve_timeout: Option<PromDuration>,
    /// The mail server of e-mail that names none.
    #[serde(default)]
    pub mail: MailSettings,
    /// The password at the mail server, written and never read: absent it stays as
    /// it is, `null` or an empty one takes it away. For another mail server it has
    /// to be given again.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub mail_password: Option<Option<String>>,
    /// Whether the alert about a site, room, rack, switch or PDU holds back those
    /// about single servers there, and that about a server those about its parts.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub topology_inhibition: bool,
}

fn yes() -> bool {
    true
}

/// Tells `null` from an absent field.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl AlertingSettingsDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &AlertingSettingsBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let mail = &body.mail;
        let (smarthost, from) = (mail.smarthost.as_ref(), mail.from.as_ref());
        let fields = &mut Fields::new("mail.", &mut problems);
        check_mail_server(smarthost, from, mail.username.as_ref(), &mail.tls, fields);
        fields.given("hello", mail.hello.as_ref());
        if mail.smarthost.is_some() != mail.from.is_some() {
            problems.add(
                "mail.from",
                "one needs the other: mail.smarthost, mail.from",
            );
        }
        if mail.smarthost.is_none() && mail.username.is_some() {
            problems.add("mail.username", "needs mail.smarthost");
        }
        if body
            .resolve_timeout
            .as_ref()
            .is_some_and(|t| t.duration().is_zero())
        {
            problems.add("resolve_timeout", "is 0");
        }
        let mail_password = match &body.mail_password {
            None => SecretChange::Keep,
            Some(None) => SecretChange::Clear,
            Some(Some(text)) if text.is_empty() => SecretChange::Clear,
            Some(Some(text)) => {
                problems.check("mail_password", check_secret(text, SecretForm::Word));
                SecretChange::Set(Zeroizing::new(text.clone()))
            }
        };
        problems.finish(Some(Self {
            resolve_timeout: body.resolve_timeout.clone(),
            mail: body.mail.clone(),
            mail_password,
            topology_inhibition: body.topology_inhibition,
        }))
    }

    /// Where the password comes from, given the settings as they are stored.
    ///
    /// # Errors
    /// When it would be sent to another mail server than it was given for, or user
    /// and password are not both there.
    pub fn password_source(
        &self,
        before: &AlertingSettings,
    ) -> Result<Option<SecretSource>, Vec<Invalid>> {
        let mut problems = Problems::default();
        let source = match (&self.mail_password, &before.mail_password) {
            (SecretChange::Set(_), _) => {
                Some(SecretSource::Given(self.mail_password.clone(), None))
            }
            (SecretChange::Keep, Some(kept)) => {
                if before.mail.smarthost != self.mail.smarthost {
                    problems.add(
                        "mail_password",
                        "has to be given again, because it would be sent to another place than before",
                    );
                }
                Some(SecretSource::Kept(kept.clone()))
            }
            _ => None,
        };
        if self.mail.username.is_some() != source.is_some() {
            problems.add(
                "mail.username",
                "one needs the other: mail.username, mail_password",
            );
        }
        problems.finish(Some(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: serde_json::Value) -> Result<AlertingSettingsDraft, Vec<Invalid>> {
        AlertingSettingsDraft::parse(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn every_mistake_is_named_with_its_field() {
        let found = parse(serde_json::json!({
            "mail": {"smarthost": "mail", "username": "u"},
            "mail_password": "a\u{7}",
            "resolve_timeout": "0s",
        }))
        .unwrap_err();
        let fields: Vec<&str> = found.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "mail.smarthost",
                "mail.from",
                "resolve_timeout",
                "mail_password"
            ]
        );
    }

    #[test]
    fn the_password_does_not_follow_to_another_mail_server() {
        let mail = |host: &str| serde_json::json!({"mail": {"smarthost": host, "from": "a@example.org", "username": "u"}});
        let before = AlertingSettings {
            resolve_timeout: None,
            mail: parse(mail("mail:587")).unwrap().mail,
            mail_password: Some(SecretPlace {
                id: "1".to_owned(),
                hint: None,
            }),
            topology_inhibition: true,
            version: 1,
            updated_at: Timestamp(0),
        };
        let source = |json| parse(json).unwrap().password_source(&before);
        assert!(source(mail("mail:587")).is_ok());
        assert!(source(mail("evil:587")).is_err());
        let mut given = mail("evil:587");
        given["mail_password"] = "p".into();
        assert!(source(given).is_ok());
        assert!(
            source(serde_json::json!({})).is_err(),
            "a password for nobody"
        );
    }
}
