//! Short texts with a bound, without control characters.

use serde::Serialize;
use utoipa::ToSchema;

/// Longest name, in characters.
const MAX_NAME: usize = 128;
/// Longest free text, in characters.
const MAX_TEXT: usize = 4096;

/// What a person calls something: 1 to 128 characters, no control characters,
/// no space at either end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 1, max_length = 128)]
pub struct Name(String);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        if text.trim() != text {
            return Err("begins or ends with a space".to_owned());
        }
        checked(text, MAX_NAME).map(Self)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A free text: up to 4,096 characters, line breaks allowed, maybe empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, max_length = 4096)]
pub struct Text(String);

impl Text {
    /// Checks a text.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let without_breaks = text.replace(['\n', '\r', '\t'], " ");
        checked(&without_breaks, MAX_TEXT)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(text: &str, max: usize) -> Result<String, String> {
    let length = text.chars().count();
    if length > max {
        return Err(format!(
            "has {length} characters; at most {max} are allowed"
        ));
    }
    if text.chars().any(char::is_control) {
        return Err("contains a control character".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_printable() {
        assert!(Name::parse("rack 12 / node 3 (服务器)").is_ok());
        for bad in ["", " a", "a ", "a\nb", "a\u{0}b", &"x".repeat(129)] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
        assert!(
            Name::parse(&"服".repeat(128)).is_ok(),
            "characters, not bytes"
        );
    }

    #[test]
    fn a_text_may_have_lines() {
        assert!(Text::parse("two\nlines").is_ok());
        assert!(Text::parse("").is_ok());
        assert!(Text::parse("a\u{7}").is_err());
        assert!(Text::parse(&"x".repeat(4097)).is_err());
    }
}
