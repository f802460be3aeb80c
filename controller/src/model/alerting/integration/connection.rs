//! How an integration reaches its service, and whom it believes there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::Fields;

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

impl HttpSettings {
    pub(in crate::model::alerting) fn check(&self, fields: &mut Fields<'_>) {
        fields.given("username", self.username.as_ref());
        fields.address("proxy_url", self.proxy_url.as_ref());
        self.tls.check(&mut fields.inside("tls"));
    }
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

    pub(super) fn check(&self, fields: &mut Fields<'_>) {
        fields.given("ca_file", self.ca_file.as_ref());
        fields.given("server_name", self.server_name.as_ref());
    }
}
