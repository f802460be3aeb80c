//! Groups of rules, which Prometheus evaluates one rule after the other.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::{Id, Invalid, Name, Problems, PromDuration, Rule, Text, ThresholdOverride, Version};
use crate::clock::Timestamp;

/// Most groups.
pub const MAX_RULE_GROUPS: i64 = 500;
/// Most rules of one group.
pub const MAX_RULES: usize = 200;
/// Shortest and longest time between two evaluations.
const INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 3600);
/// Names of groups that the controller makes itself begin so.
pub const OWN_GROUP_PREFIX: &str = "ipmi-controller:";

/// Where a group comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleOrigin {
    /// It came with the program.
    Default,
    /// Somebody made it.
    Operator,
}

/// A group as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RuleGroup {
    /// Number of the group.
    pub id: Id,
    /// Unique name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Time between two evaluations; Prometheus' own default when absent.
    pub interval: Option<PromDuration>,
    /// Whether it is published.
    pub enabled: bool,
    /// The rules, in the order in which they are evaluated.
    pub rules: Vec<Rule>,
    /// Where it comes from.
    pub origin: RuleOrigin,
    /// Of a default group: whether somebody changed its text. To disable it or
    /// some of its rules is no change of the text.
    pub is_changed: bool,
    /// Of a default group that was changed: whether this version of the program
    /// has another text than the one that was changed.
    pub update_available: bool,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A group as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleGroupDraft {
    /// Unique name.
    pub name: Name,
    /// What it is for.
    pub description: Text,
    /// Time between two evaluations.
    pub interval: Option<PromDuration>,
    /// Whether it is published.
    pub enabled: bool,
    /// The rules, checked.
    pub rules: Vec<Rule>,
}

/// The form of [`RuleGroupDraft`] in a request, and in the files that come with
/// the program.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleGroupBody {
    /// Unique name. Prometheus knows the group by it: under another name every
    /// alert of the group begins anew, at pending.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Time between two evaluations; Prometheus' own default when absent.
    #[serde(default)]
    pub interval: Option<PromDuration>,
    /// Whether it is published.
    #[serde(default = "enabled")]
    #[schema(default = true)]
    pub enabled: bool,
    /// The rules, in the order in which they are evaluated; up to 200.
    pub rules: Vec<Rule>,
}

fn enabled() -> bool {
    true
}

impl RuleGroupDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &RuleGroupBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let name = problems.check("name", Name::parse(&body.name));
        if body.name.starts_with(OWN_GROUP_PREFIX) {
            problems.add(
                "name",
                format!("begins with {OWN_GROUP_PREFIX}, as groups do that the controller makes"),
            );
        }
        let description = problems.check("description", Text::parse(&body.description));
        if let Some(interval) = &body.interval
            && !INTERVALS.contains(&interval.duration())
        {
            problems.add(
                "interval",
                format!("{} is not between 1s and 24h", interval.as_str()),
            );
        }
        if body.rules.is_empty() {
            problems.add("rules", "is empty");
        }
        if body.rules.len() > MAX_RULES {
            let count = body.rules.len();
            problems.add(
                "rules",
                format!("has {count} rules; at most {MAX_RULES} are allowed"),
            );
        } else {
            for (at, rule) in body.rules.iter().enumerate() {
                rule.check(&format!("rules[{at}]."), &mut problems);
            }
        }
        let draft = name.zip(description).map(|(name, description)| Self {
            name,
            description,
            interval: body.interval.clone(),
            enabled: body.enabled,
            rules: body.rules.clone(),
        });
        problems.finish(draft)
    }

    /// SHA-256 over the text, in hexadecimal: over all but what is enabled.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(
            self.name.as_str(),
            self.description.as_str(),
            self.interval.as_ref(),
            &self.rules,
        )
    }
}

impl RuleGroup {
    /// The digest that its draft would have.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(
            &self.name,
            &self.description,
            self.interval.as_ref(),
            &self.rules,
        )
    }
}

fn digest(
    name: &str,
    description: &str,
    interval: Option<&PromDuration>,
    rules: &[Rule],
) -> String {
    let rules: Vec<Rule> = rules
        .iter()
        .map(|rule| Rule {
            enabled: true,
            ..rule.clone()
        })
        .collect();
    // Maps with keys in order: the same text gives the same bytes.
    let text = serde_json::json!([name, description, interval, rules]);
    hex::encode(Sha256::digest(text.to_string()))
}

/// Which groups are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct RuleGroupFilter {
    /// Part of the name or of the rules' text; case does not matter.
    pub search: Option<String>,
    /// Where it comes from.
    #[param(inline)]
    pub origin: Option<RuleOrigin>,
    /// Whether it is published.
    pub enabled: Option<bool>,
}

/// Everything that rule files are made from, as it was at one revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ruleset {
    /// The revision that it is from.
    pub revision: i64,
    /// All enabled groups.
    pub groups: Vec<RuleGroup>,
    /// All overrides of thresholds, with the names of their groups.
    pub overrides: Vec<(ThresholdOverride, Option<String>)>,
}

/// A group as Prometheus reads it: one entry of `groups` in a rule file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedGroup {
    /// Unique name.
    pub name: String,
    /// Time between two evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<PromDuration>,
    /// The rules, all of them enabled, which therefore do not say so.
    pub rules: Vec<Rule>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(body: serde_json::Value) -> Result<RuleGroupDraft, Vec<Invalid>> {
        RuleGroupDraft::parse(&serde_json::from_value(body).unwrap())
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let rules = serde_json::json!([
            {"alert": "A", "expr": "up == 0"},
            {"alert": "B", "expr": "up == "},
        ]);
        let wrong = group(serde_json::json!({
            "name": "ipmi-controller:x", "interval": "25h", "rules": rules
        }));
        let fields: Vec<String> = wrong.unwrap_err().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["name", "interval", "rules[1].expr"]);
        let empty = group(serde_json::json!({"name": "a", "rules": []})).unwrap_err();
        assert_eq!(empty[0].field, "rules");
    }

    #[test]
    fn to_disable_is_no_change_of_the_text() {
        let of = |rule: serde_json::Value, enabled: bool| {
            group(serde_json::json!({"name": "a", "enabled": enabled, "rules": [rule]}))
                .unwrap()
                .digest()
        };
        let text = of(serde_json::json!({"alert": "A", "expr": "up == 0"}), true);
        let off = serde_json::json!({"alert": "A", "expr": "up == 0", "enabled": false});
        assert_eq!(of(off, false), text);
        let other = serde_json::json!({"alert": "A", "expr": "up == 1"});
        assert_ne!(of(other, true), text);
    }
}
