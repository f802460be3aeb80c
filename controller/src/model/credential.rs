//! Credential profiles: how an exporter logs in to BMCs, and what it reads
//! there. One profile is one module of the exporter.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

use super::{Id, Invalid, Problems, Text, Version, check_settings};
use crate::clock::Timestamp;

/// Longest user name (IPMI 2.0 section 22.28).
const MAX_USER: usize = 16;
/// Longest password (IPMI 2.0 section 22.30), and of an IPMI 1.5 session.
const MAX_PASSWORD: usize = 20;
const MAX_PASSWORD_V15: usize = 16;
/// Bytes of K_g, in hexadecimal twice as many characters.
const K_G_BYTES: usize = 20;

/// Which generation of sessions is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Driver {
    /// IPMI 2.0, RMCP+.
    #[default]
    #[serde(rename = "LAN_2_0")]
    Lan20,
    /// IPMI 1.5: neither encrypted nor well protected; only where nothing else works.
    #[serde(rename = "LAN")]
    Lan15,
}

impl Driver {
    /// The word in the exporter's configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lan20 => "LAN_2_0",
            Self::Lan15 => "LAN",
        }
    }

    /// Longest password, in bytes (IPMI 2.0 section 22.30; 16 in IPMI 1.5).
    #[must_use]
    pub fn longest_password(self) -> usize {
        match self {
            Self::Lan20 => MAX_PASSWORD,
            Self::Lan15 => MAX_PASSWORD_V15,
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Lan20, Self::Lan15]
            .into_iter()
            .find(|driver| driver.as_str() == text)
    }
}

/// A profile as it is stored; its secrets are not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Credential {
    /// Number of the profile.
    pub id: Id,
    /// Unique name; the module's name at the exporters.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The BMC user; empty is the null user.
    pub username: String,
    /// Whether there is a password.
    pub password_set: bool,
    /// Whether there is a BMC key.
    pub k_g_set: bool,
    /// Which generation of sessions.
    pub driver: Driver,
    /// `user`, `operator` or `admin`; the lowest that does when absent.
    pub privilege: Option<String>,
    /// Other keys of the exporter's module, such as `collectors`, as they stand there.
    #[schema(value_type = std::collections::BTreeMap<String, Object>)]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// How many servers use it.
    pub server_count: i64,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What becomes of a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretChange {
    /// It stays as it is; there is none in a new profile.
    Keep,
    /// It is taken away.
    Clear,
    /// It becomes this.
    Set(Zeroizing<String>),
}

impl std::fmt::Debug for SecretChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Clear => "Clear",
            Self::Set(_) => "Set(…)",
        })
    }
}

/// A profile as somebody wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialDraft {
    /// Unique name, of the form that the exporter's `module` parameter takes well.
    pub name: String,
    /// What it is for.
    pub description: Text,
    /// The BMC user.
    pub username: String,
    /// Its password.
    pub password: SecretChange,
    /// The BMC's own key, in hexadecimal.
    pub k_g: SecretChange,
    /// Which generation of sessions.
    pub driver: Driver,
    /// Privilege level.
    pub privilege: Option<String>,
    /// Other keys of the exporter's module.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// The form of [`CredentialDraft`] in a request. Secrets are written, never read:
/// an absent one stays as it is, `null` or an empty one is taken away.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialBody {
    /// Unique name: letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The BMC user, up to 16 bytes; empty is the null user.
    #[serde(default)]
    pub username: String,
    /// Its password, up to 20 bytes; 16 with `driver: LAN`.
    #[serde(default, deserialize_with = "present")]
    #[schema(write_only, value_type = Option<String>)]
    pub password: Option<Option<String>>,
    /// The BMC's own key: 40 hexadecimal digits.
    #[serde(default, deserialize_with = "present")]
    #[schema(write_only, value_type = Option<String>)]
    pub k_g: Option<Option<String>>,
    /// Which generation of sessions.
    #[serde(default)]
    pub driver: Driver,
    /// `user`, `operator` or `admin`.
    #[serde(default)]
    pub privilege: Option<String>,
    /// Other keys of the exporter's module.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Object>)]
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// Tells an absent field from `null`.
fn present<'de, D>(deserializer: D) -> Result<Option<Option<String>>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Keys of a module that are fields of their own here, or that must not come
/// from a profile because they decide where credentials go.
const OWN_KEYS: &[&str] = &[
    "user",
    "pass",
    "pass_file",
    "pass_env",
    "k_g",
    "k_g_file",
    "k_g_env",
    "driver",
    "privilege",
    "targets",
];

/// Which profiles are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CredentialFilter {
    /// Part of the name, description or BMC user; case does not matter.
    pub search: Option<String>,
    /// Exactly this generation of sessions.
    #[param(inline)]
    pub driver: Option<Driver>,
}

impl CredentialDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &CredentialBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let name = problems.check("name", module_name(&body.name));
        let description = problems.check("description", Text::parse(&body.description));
        if body.username.len() > MAX_USER || body.username.contains('\0') {
            problems.add(
                "username",
                format!(
                    "has {} bytes; IPMI allows {MAX_USER}, none of them NUL",
                    body.username.len()
                ),
            );
        }
        let longest = body.driver.longest_password();
        let password = problems.check(
            "password",
            secret(body.password.as_ref(), |password| {
                if password.len() > longest {
                    // The length of a password is no secret worth hiding from its owner.
                    Err(format!(
                        "has {} bytes; {longest} are allowed",
                        password.len()
                    ))
                } else {
                    Ok(())
                }
            }),
        );
        let k_g = problems.check(
            "k_g",
            secret(body.k_g.as_ref(), |k_g| {
                let is_hex = k_g.chars().all(|c| c.is_ascii_hexdigit());
                if k_g.len() == 2 * K_G_BYTES && is_hex {
                    Ok(())
                } else {
                    Err(format!("is not {} hexadecimal digits", 2 * K_G_BYTES))
                }
            }),
        );
        if let Some(privilege) = &body.privilege
            && !["user", "operator", "admin"].contains(&privilege.as_str())
        {
            problems.add(
                "privilege",
                format!("\"{privilege}\" is no level; there are user, operator and admin"),
            );
        }
        for (key, message) in check_settings(&body.settings) {
            let message = if OWN_KEYS.contains(&key) {
                "is set by a field of the profile or by the controller itself".to_owned()
            } else {
                message
            };
            problems.add(&format!("settings.{key}"), message);
        }
        if body.username.chars().any(char::is_control) {
            problems.add("username", "contains a control character");
        }
        let draft = (|| {
            Some(Self {
                name: name?,
                description: description?,
                username: body.username.clone(),
                password: password?,
                k_g: k_g?,
                driver: body.driver,
                privilege: body.privilege.clone(),
                settings: body.settings.clone(),
            })
        })();
        problems.finish(draft)
    }
}

fn module_name(text: &str) -> Result<String, String> {
    let is_good = (1..=64).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if is_good {
        Ok(text.to_owned())
    } else {
        Err(
            "is no module name; 1 to 64 letters, digits, underscores, hyphens and dots are allowed"
                .to_owned(),
        )
    }
}

fn secret(
    field: Option<&Option<String>>,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Result<SecretChange, String> {
    match field {
        None => Ok(SecretChange::Keep),
        Some(None) => Ok(SecretChange::Clear),
        Some(Some(text)) if text.is_empty() => Ok(SecretChange::Clear),
        Some(Some(text)) => {
            if text.chars().any(char::is_control) {
                return Err("contains a control character".to_owned());
            }
            check(text)?;
            Ok(SecretChange::Set(Zeroizing::new(text.clone())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: serde_json::Value) -> Result<CredentialDraft, Vec<Invalid>> {
        CredentialDraft::parse(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn a_secret_stays_goes_or_changes() {
        let secret = |json| parse(json).unwrap().password;
        assert_eq!(secret(serde_json::json!({"name": "a"})), SecretChange::Keep);
        assert_eq!(
            secret(serde_json::json!({"name": "a", "password": null})),
            SecretChange::Clear
        );
        let set = secret(serde_json::json!({"name": "a", "password": "tr0ub4dor"}));
        assert_eq!(set, SecretChange::Set("tr0ub4dor".to_owned().into()));
        assert!(!format!("{set:?}").contains("tr0ub4dor"));
    }

    #[test]
    fn every_mistake_is_named_with_its_field() {
        let problems = parse(serde_json::json!({
            "name": "a b",
            "username": "seventeen-letters",
            "password": "x".repeat(21),
            "k_g": "0102",
            "privilege": "root",
            "settings": {"pass": "x"},
        }))
        .unwrap_err();
        let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "name",
                "username",
                "password",
                "k_g",
                "privilege",
                "settings.pass"
            ]
        );
        assert!(!problems.iter().any(|p| p.message.contains("xxxx")));
    }

    #[test]
    fn ipmi_1_5_has_shorter_passwords() {
        let body = |driver: &str| serde_json::json!({"name": "a", "driver": driver, "password": "x".repeat(17)});
        assert!(parse(body("LAN_2_0")).is_ok());
        assert!(parse(body("LAN")).is_err());
    }
}
