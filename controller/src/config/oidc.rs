//! The key `oidc`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use crate::model::Role;

/// Log-in by an OpenID Connect provider, beside that with a password.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct OidcConfig {
    /// The provider, as it names itself; without it there is none.
    pub issuer: Option<Url>,
    /// What the provider calls this controller.
    pub client_id: String,
    /// File with the client's secret; a public client has none.
    pub client_secret_file: Option<PathBuf>,
    /// Where the provider sends people back:
    /// `https://controller.example.org/api/v1/auth/oidc/callback`.
    pub redirect_url: Option<Url>,
    /// Where the page is to which people come in the end.
    pub after_login: String,
    /// What is asked for; `openid` always is.
    pub scopes: Vec<String>,
    /// Claim with the name of the user.
    pub username_claim: String,
    /// Claim with a word or a list of words that decide about role and groups.
    pub role_claim: String,
    /// Words of that claim that give a role; the highest counts.
    pub roles: BTreeMap<Role, Vec<String>>,
    /// Role of those who have none of these words; without it they are refused.
    pub default_role: Option<Role>,
    /// Word of the claim to name of a group of servers. When there is any, users
    /// who are no admins see only the groups of their words.
    pub groups: BTreeMap<String, String>,
    /// File with the authorities that signed the provider's certificate (PEM),
    /// when the system does not know them.
    pub ca_file: Option<PathBuf>,
}

impl Default for OidcConfig {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: String::new(),
            client_secret_file: None,
            redirect_url: None,
            after_login: "/".to_owned(),
            scopes: ["profile", "email", "groups"].map(str::to_owned).to_vec(),
            username_claim: "preferred_username".to_owned(),
            role_claim: "groups".to_owned(),
            roles: BTreeMap::new(),
            default_role: None,
            groups: BTreeMap::new(),
            ca_file: None,
        }
    }
}

impl OidcConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        let Some(issuer) = &self.issuer else {
            return if *self == Self::default() {
                Ok(())
            } else {
                Err("oidc.issuer: is missing, but other keys of oidc are given".to_owned())
            };
        };
        check_encrypted("oidc.issuer", issuer)?;
        if self.client_id.is_empty() {
            return Err("oidc.client_id: is missing".to_owned());
        }
        match &self.redirect_url {
            None => return Err("oidc.redirect_url: is missing".to_owned()),
            Some(url) => check_encrypted("oidc.redirect_url", url)?,
        }
        // A page elsewhere would be handed the code that signs in.
        if !self.after_login.starts_with('/')
            || self.after_login.starts_with("//")
            || self
                .after_login
                .contains(|c: char| c.is_control() || matches!(c, '#' | '\\' | ' '))
            || !self.after_login.is_ascii()
        {
            return Err(format!(
                "oidc.after_login: \"{}\" is no path on this controller that begins with /",
                self.after_login
            ));
        }
        if self.roles.is_empty() && self.default_role.is_none() {
            return Err(
                "oidc.roles, oidc.default_role: without any nobody could sign in".to_owned(),
            );
        }
        Ok(())
    }
}

/// Encrypted, unless it stays on this machine.
pub(crate) fn check_encrypted(key: &str, url: &Url) -> Result<(), String> {
    let is_here = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let is_good = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    if !is_good || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{key}: is no https URL without a user"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_named() {
        let good = serde_json::json!({"issuer": "https://id.example.org", "client_id": "c",
            "redirect_url": "https://c.example.org/api/v1/auth/oidc/callback",
            "roles": {"admin": ["ops"]}});
        let check = |change: serde_json::Value| {
            let mut value = good.clone();
            for (name, field) in change.as_object().unwrap() {
                value[name] = field.clone();
            }
            serde_json::from_value::<OidcConfig>(value).unwrap().check()
        };
        assert_eq!(check(serde_json::json!({})), Ok(()));
        for (change, key) in [
            (serde_json::json!({"issuer": null}), "oidc.issuer"),
            (
                serde_json::json!({"issuer": "http://id.example.org"}),
                "oidc.issuer",
            ),
            (
                serde_json::json!({"issuer": "https://u:p@x"}),
                "oidc.issuer",
            ),
            (serde_json::json!({"client_id": ""}), "oidc.client_id"),
            (
                serde_json::json!({"redirect_url": null}),
                "oidc.redirect_url",
            ),
            (
                serde_json::json!({"after_login": "//evil.example"}),
                "oidc.after_login",
            ),
            (
                serde_json::json!({"after_login": "https://evil.example"}),
                "oidc.after_login",
            ),
            (serde_json::json!({"roles": {}}), "oidc.roles"),
        ] {
            let message = check(change).unwrap_err();
            assert!(message.contains(key), "{message}");
            assert!(!message.contains("u:p"), "{message}");
        }
        let local = serde_json::json!({"issuer": "http://127.0.0.1:8000/"});
        assert_eq!(check(local), Ok(()));
    }
}
