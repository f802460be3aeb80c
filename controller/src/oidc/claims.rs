//! What a provider says of a person, and what follows from it here.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::config::OidcConfig;
use crate::model::Role;

/// Seconds that the provider's clock may differ.
const LEEWAY: f64 = 60.0;
/// Longest number of a person.
const MAX_SUBJECT: usize = 255;

/// A person, as the provider knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Their number there, which never changes.
    pub subject: String,
    /// Name for people.
    pub username: String,
    /// Where to reach them; may be empty.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Names of the groups that they are limited to; `None` is all.
    pub groups: Option<Vec<String>>,
}

/// What a token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// The claims that are checked. Times are numbers: a text that looks like one
/// is refused.
#[derive(Deserialize)]
struct Checked {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    iat: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    azp: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Expected<'_> {
    /// Gives all claims when those that are checked are right.
    pub(super) fn check(&self, payload: &[u8]) -> Result<Map<String, Value>, String> {
        let all: Map<String, Value> = serde_json::from_slice(payload)
            .map_err(|_| "its claims are no JSON object".to_owned())?;
        let checked = Checked::deserialize(Value::Object(all.clone()))
            .map_err(|error| format!("its claims: {error}"))?;
        if checked.iss != self.issuer {
            return Err("iss: it is of another issuer".to_owned());
        }
        let (is_for_us, is_for_others) = match &checked.aud {
            Audience::One(one) => (one == self.client, false),
            Audience::Many(many) => (many.iter().any(|one| one == self.client), many.len() > 1),
        };
        if !is_for_us {
            return Err("aud: it is for another client".to_owned());
        }
        let is_our_party = checked
            .azp
            .as_deref()
            .map_or(!is_for_others, |azp| azp == self.client);
        if !is_our_party {
            return Err("azp: it was given to another client".to_owned());
        }
        #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
        let now = self.now.0 as f64 / 1000.0;
        if checked.exp + LEEWAY <= now {
            return Err("exp: it has expired".to_owned());
        }
        if checked.iat > now + LEEWAY || checked.nbf.is_some_and(|nbf| nbf > now + LEEWAY) {
            return Err("iat, nbf: it is from the future; compare the clocks".to_owned());
        }
        if checked.nonce.as_deref() != Some(self.nonce) {
            return Err("nonce: it is of another log-in".to_owned());
        }
        if checked.sub.is_empty() || checked.sub.len() > MAX_SUBJECT {
            return Err("sub: it is empty or too long".to_owned());
        }
        Ok(all)
    }
}

/// Who the claims are about, and what they may do here.
pub(super) fn identity(
    config: &OidcConfig,
    issuer: &str,
    claims: &Map<String, Value>,
) -> Result<Identity, String> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let username = text(&config.username_claim)
        .or_else(|| text("email"))
        .ok_or_else(|| {
            format!(
                "the provider's token has neither {} nor email, so there is no user name",
                config.username_claim
            )
        })?;
    let words: Vec<&str> = match claims.get(&config.role_claim) {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let role = config
        .roles
        .iter()
        .filter(|(_, of_role)| of_role.iter().any(|word| words.contains(&word.as_str())))
        .map(|(role, _)| *role)
        .max()
        .or(config.default_role)
        .ok_or_else(|| {
            format!(
                "none of the words in {} gives a role here; an administrator sets oidc.roles",
                config.role_claim
            )
        })?;
    let is_limited = !config.groups.is_empty() && role != Role::Admin;
    let groups = is_limited.then(|| {
        let of_words = config
            .groups
            .iter()
            .filter(|(word, _)| words.contains(&word.as_str()));
        of_words.map(|(_, group)| group.clone()).collect()
    });
    Ok(Identity {
        issuer: issuer.to_owned(),
        subject: text("sub").unwrap_or_default().to_owned(),
        username: username.to_owned(),
        email: text("email").unwrap_or_default().to_owned(),
        role,
        groups,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn check(change: &Value) -> Result<Map<String, Value>, String> {
        let mut claims = json!({"iss": "https://id", "sub": "7", "aud": "us", "nonce": "n",
            "exp": 1_700_000_300, "iat": 1_700_000_000});
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let expected = Expected {
            issuer: "https://id",
            client: "us",
            nonce: "n",
            now: NOW,
        };
        expected.check(claims.to_string().as_bytes())
    }

    #[test]
    fn a_token_for_others_or_another_time_is_refused() {
        assert!(check(&json!({})).is_ok());
        assert!(check(&json!({"aud": ["us", "others"], "azp": "us"})).is_ok());
        for (change, claim) in [
            (json!({"iss": "https://evil"}), "iss"),
            (json!({"aud": "others"}), "aud"),
            (json!({"aud": ["us", "others"]}), "azp"),
            (json!({"azp": "others"}), "azp"),
            (json!({"exp": 1_699_999_000}), "exp"),
            (json!({"exp": "1800000000"}), "claims"),
            (json!({"exp": null}), "claims"),
            (json!({"iat": 1_700_001_000}), "iat"),
            (json!({"nbf": 1_700_001_000}), "nbf"),
            (json!({"nonce": "other"}), "nonce"),
            (json!({"nonce": null}), "nonce"),
            (json!({"sub": ""}), "sub"),
        ] {
            let message = check(&change).unwrap_err();
            assert!(message.contains(claim), "{change}: {message}");
        }
    }

    #[test]
    fn words_give_the_highest_role_and_groups() {
        let config: OidcConfig = serde_json::from_value(json!({
            "roles": {"admin": ["root"], "operator": ["ops", "night"], "viewer": ["all"]},
            "groups": {"ops": "east", "night": "west"}}))
        .unwrap();
        let of = |words: Value| {
            let claims = json!({"sub": "7", "preferred_username": "eve", "groups": words});
            identity(&config, "i", claims.as_object().unwrap())
        };
        let operator = of(json!(["all", "ops"])).unwrap();
        assert_eq!(operator.role, Role::Operator);
        assert_eq!(operator.groups, Some(vec!["east".to_owned()]));
        assert_eq!(of(json!("root")).unwrap().role, Role::Admin);
        assert_eq!(of(json!(["root", "ops"])).unwrap().groups, None);
        assert_eq!(
            of(json!("all")).unwrap().groups,
            Some(Vec::new()),
            "sees nothing"
        );
        assert!(of(json!(["strangers"])).is_err());
        assert!(of(json!(7)).is_err());
    }
}
