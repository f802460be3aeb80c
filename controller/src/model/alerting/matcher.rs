//! Matchers of labels, in Alertmanager's words since 0.22.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pattern::ValuePattern;
use super::words;
use crate::model::Problems;

/// Most matchers of one route or rule.
pub const MAX_MATCHERS: usize = 32;
/// Longest value, in bytes.
const MAX_VALUE: usize = 1024;

/// How a value is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum MatchOperator {
    /// The same.
    #[default]
    #[serde(rename = "=")]
    Equal,
    /// Another.
    #[serde(rename = "!=")]
    NotEqual,
    /// The whole of it matches a regular expression.
    #[serde(rename = "=~")]
    Regex,
    /// It does not.
    #[serde(rename = "!~")]
    NotRegex,
}

impl MatchOperator {
    /// As it stands between name and value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }

    fn is_regex(self) -> bool {
        matches!(self, Self::Regex | Self::NotRegex)
    }
}

/// A condition on one label. A label that an alert has not got counts as empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Matcher {
    /// Name of the label.
    pub name: String,
    /// How its value is compared.
    #[serde(default)]
    pub operator: MatchOperator,
    /// A text, or a regular expression of RE2 that the whole value matches.
    #[serde(default)]
    pub value: String,
}

impl Matcher {
    /// A label with exactly this value.
    #[must_use]
    pub fn equal(name: &str, value: &str) -> Self {
        Self::new(name, MatchOperator::Equal, value)
    }

    /// A condition.
    #[must_use]
    pub fn new(name: &str, operator: MatchOperator, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            operator,
            value: value.to_owned(),
        }
    }

    /// As Alertmanager reads it, old parser and new one: the value always in
    /// quotes, within them only escapes that both know.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}{}\"", self.name, self.operator.as_str());
        for character in self.value.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
        text
    }

    /// Whether labels fulfil it. A pattern that is none matches nothing; checked
    /// matchers have none of these.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.name).map_or("", String::as_str);
        let matches = |pattern: &str| {
            ValuePattern::parse(pattern).is_ok_and(|pattern| pattern.matches(value))
        };
        match self.operator {
            MatchOperator::Equal => value == self.value,
            MatchOperator::NotEqual => value != self.value,
            MatchOperator::Regex => matches(&self.value),
            MatchOperator::NotRegex => !matches(&self.value),
        }
    }

    fn check(&self) -> Result<(), String> {
        words::label_name(&self.name)?;
        words::at_most(&self.value, MAX_VALUE)?;
        if self.value.chars().any(|c| c.is_control() && c != '\n') {
            return Err("the value contains a control character".to_owned());
        }
        if self.operator.is_regex() {
            ValuePattern::parse(&self.value)?;
        }
        Ok(())
    }
}

/// Notes what is wrong with the matchers of `field`.
pub(super) fn check_matchers(matchers: &[Matcher], field: &str, problems: &mut Problems) {
    if matchers.len() > MAX_MATCHERS {
        let count = matchers.len();
        problems.add(
            field,
            format!("has {count} matchers; at most {MAX_MATCHERS} are allowed"),
        );
    }
    for (at, matcher) in matchers.iter().enumerate().take(MAX_MATCHERS) {
        problems.check(&format!("{field}[{at}]"), matcher.check());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_both_parsers() {
        for (value, text) in [
            ("b", r#"a="b""#),
            ("", r#"a="""#),
            ("x\"y", r#"a="x\"y""#),
            (r"\d", r#"a="\\d""#),
            ("1\n2", r#"a="1\n2""#),
            ("a,b}", r#"a="a,b}""#),
        ] {
            assert_eq!(Matcher::equal("a", value).text(), text);
        }
    }

    #[test]
    fn an_absent_label_is_an_empty_one() {
        let labels = BTreeMap::from([("a".to_owned(), "x".to_owned())]);
        for (name, operator, value, expected) in [
            ("a", MatchOperator::Equal, "x", true),
            ("b", MatchOperator::Equal, "", true),
            ("b", MatchOperator::NotEqual, "x", true),
            ("b", MatchOperator::Regex, ".+", false),
            ("b", MatchOperator::NotRegex, ".+", true),
            ("a", MatchOperator::Regex, "x|y", true),
        ] {
            let matcher = Matcher::new(name, operator, value);
            assert_eq!(matcher.matches(&labels), expected, "{matcher:?}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let mut problems = Problems::default();
        let matchers = [
            Matcher::equal("a", "x"),
            Matcher::equal("a-b", "x"),
            Matcher::new("a", MatchOperator::Regex, "("),
        ];
        check_matchers(&matchers, "matchers", &mut problems);
        let fields: Vec<&str> = problems.found().iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["matchers[1]", "matchers[2]"]);
    }
}
