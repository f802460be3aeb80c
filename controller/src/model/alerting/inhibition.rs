//! Which alerts are not told of while others fire.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::matcher::{Matcher, check_matchers};
use super::words;
use crate::clock::Timestamp;
use crate::model::{Id, Invalid, Name, Problems, Text, Version};

/// Most inhibitions.
pub const MAX_INHIBITIONS: i64 = 200;
/// Most labels that have to be equal.
const MAX_EQUAL: usize = 32;

/// An inhibition as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Inhibition {
    /// Number of the inhibition.
    pub id: Id,
    /// Unique name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is published.
    pub enabled: bool,
    /// The alerts that hold others back.
    pub source: Vec<Matcher>,
    /// The alerts that are held back.
    pub target: Vec<Matcher>,
    /// Labels that both have alike.
    pub equal: Vec<String>,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// An inhibition as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InhibitionDraft {
    /// Unique name.
    pub name: Name,
    /// What it is for.
    pub description: Text,
    /// Whether it is published.
    pub enabled: bool,
    /// The alerts that hold others back.
    pub source: Vec<Matcher>,
    /// The alerts that are held back.
    pub target: Vec<Matcher>,
    /// Labels that both have alike.
    pub equal: Vec<String>,
}

/// The form of [`InhibitionDraft`] in a request.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InhibitionBody {
    /// Unique name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Whether it is published.
    #[serde(default = "enabled")]
    #[schema(default = true)]
    pub enabled: bool,
    /// The alerts that hold others back: those that fulfil all of these.
    pub source: Vec<Matcher>,
    /// The alerts that are held back: those that fulfil all of these.
    pub target: Vec<Matcher>,
    /// Labels that both have alike; one that both lack is alike. Without any, one
    /// alert holds back all.
    #[serde(default)]
    pub equal: Vec<String>,
}

fn enabled() -> bool {
    true
}

/// Which inhibitions are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct InhibitionFilter {
    /// Part of the name or description; case does not matter.
    pub search: Option<String>,
}

impl InhibitionDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &InhibitionBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let name = problems.check("name", Name::parse(&body.name));
        let description = problems.check("description", Text::parse(&body.description));
        for (matchers, field) in [(&body.source, "source"), (&body.target, "target")] {
            if matchers.is_empty() {
                problems.add(field, "is empty; it would be every alert");
            }
            check_matchers(matchers, field, &mut problems);
        }
        if body.equal.len() > MAX_EQUAL {
            let count = body.equal.len();
            problems.add(
                "equal",
                format!("has {count} labels; at most {MAX_EQUAL} are allowed"),
            );
        }
        for (at, label) in body.equal.iter().enumerate().take(MAX_EQUAL) {
            problems.check(&format!("equal[{at}]"), words::label_name(label));
        }
        let draft = name.zip(description).map(|(name, description)| Self {
            name,
            description,
            enabled: body.enabled,
            source: body.source.clone(),
            target: body.target.clone(),
            equal: body.equal.clone(),
        });
        problems.finish(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_with_its_field() {
        let body: InhibitionBody = serde_json::from_value(serde_json::json!({
            "name": "", "source": [], "target": [{"name": "a", "operator": "=~", "value": "["}],
            "equal": ["rack", "a-b"],
        }))
        .unwrap();
        let found = InhibitionDraft::parse(&body).unwrap_err();
        let fields: Vec<&str> = found.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["name", "source", "target[0]", "equal[1]"]);
    }
}
