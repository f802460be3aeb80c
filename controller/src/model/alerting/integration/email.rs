//! E-mail.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::words;
use super::TlsSettings;
use super::fields::Fields;

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

impl EmailSettings {
    pub(super) fn check(&self, fields: &mut Fields<'_>) {
        fields.required("to", &self.to);
        fields.templates(&[("to", &self.to)]);
        let (smarthost, from) = (self.smarthost.as_ref(), self.from.as_ref());
        check_mail_server(smarthost, from, self.username.as_ref(), &self.tls, fields);
        if self.smarthost.is_none() && (self.username.is_some() || self.require_tls.is_some()) {
            fields.add(
                "smarthost",
                "is missing; log-in and TLS belong to a mail server",
            );
        }
        fields.pairs("headers", &self.headers);
        let mut headers = self.headers.keys();
        if headers.any(|name| name.eq_ignore_ascii_case("subject")) {
            fields.add("headers", "has the subject, which is a field of its own");
        }
        fields.templates(&[
            ("subject", &self.subject),
            ("html", &self.html),
            ("text", &self.text),
        ]);
    }
}

/// What a mail server needs, in an integration and in the settings of alerting.
pub(in crate::model::alerting) fn check_mail_server(
    smarthost: Option<&String>,
    from: Option<&String>,
    username: Option<&String>,
    tls: &TlsSettings,
    fields: &mut Fields<'_>,
) {
    if let Some(smarthost) = smarthost {
        fields.check("smarthost", check_smarthost(smarthost));
    }
    fields.given("from", from);
    fields.given("username", username);
    tls.check(&mut fields.inside("tls"));
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
