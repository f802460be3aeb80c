//! What a silence looks at: labels of alerts, as Alertmanager compares them.

use std::collections::{BTreeMap, HashSet};

use super::alerting::{MatchOperator, Matcher, ValuePattern};
use super::{Invalid, Problems};

/// Most matchers of one silence; an alert with as many labels can be silenced.
pub const MAX_SILENCE_MATCHERS: usize = 100;
/// Longest value, in bytes.
const MAX_VALUE: usize = 32 * 1024;
/// Longest name of a label, in bytes.
const MAX_NAME: usize = 256;

/// A matcher that wants one of these values, which are taken as they are.
pub fn one_of<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Matcher {
    let mut values: Vec<&str> = values.into_iter().collect();
    values.sort_unstable();
    values.dedup();
    if let [value] = values[..] {
        return Matcher::equal(name, value);
    }
    let escaped: Vec<String> = values.iter().map(|value| regex::escape(value)).collect();
    Matcher::new(name, MatchOperator::Regex, &escaped.join("|"))
}

/// The values that a label may have, where its matcher lists them.
#[must_use]
pub fn listed(matcher: &Matcher) -> Option<Vec<String>> {
    match matcher.operator {
        MatchOperator::Equal => Some(vec![matcher.value.clone()]),
        MatchOperator::Regex => alternatives(&matcher.value),
        MatchOperator::NotEqual | MatchOperator::NotRegex => None,
    }
}

/// The texts that an expression lists, when it has no special characters but
/// bars and escaped ones.
fn alternatives(expression: &str) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    let mut text = String::new();
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        match character {
            '|' => texts.push(std::mem::take(&mut text)),
            '\\' => {
                // A backslash before a letter means something else.
                let escaped = characters.next().filter(char::is_ascii_punctuation)?;
                text.push(escaped);
            }
            '.' | '+' | '*' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            other => text.push(other),
        }
    }
    texts.push(text);
    Some(texts)
}

/// A matcher that is ready to compare.
#[derive(Clone, Debug)]
pub struct CompiledMatcher<'a> {
    matcher: &'a Matcher,
    wanted: Wanted,
}

/// The values that the label must have, or must not.
#[derive(Clone, Debug)]
enum Wanted {
    /// These: an expression of thousands would be slow.
    Listed(HashSet<String>),
    /// Those that match.
    Pattern(ValuePattern),
}

impl<'a> CompiledMatcher<'a> {
    /// Checks a matcher and compiles its expression, if it has one.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn new(matcher: &'a Matcher) -> Result<Self, String> {
        check_name(&matcher.name)?;
        for (what, bytes, limit) in [
            ("name", matcher.name.len(), MAX_NAME),
            ("value", matcher.value.len(), MAX_VALUE),
        ] {
            if bytes > limit {
                return Err(format!(
                    "its {what} has {bytes} bytes; at most {limit} are allowed"
                ));
            }
        }
        if matcher.value.contains('\0') {
            return Err("its value contains a zero byte".to_owned());
        }
        let wanted = match matcher.operator {
            MatchOperator::Equal | MatchOperator::NotEqual => Some(vec![matcher.value.clone()]),
            MatchOperator::Regex | MatchOperator::NotRegex => alternatives(&matcher.value),
        };
        let wanted = match wanted {
            Some(values) => Wanted::Listed(values.into_iter().collect()),
            None => Wanted::Pattern(ValuePattern::parse(&matcher.value)?),
        };
        Ok(Self { matcher, wanted })
    }

    /// Those of a list, all of which are right.
    ///
    /// # Errors
    /// A sentence about the first that is not.
    pub fn all(matchers: &'a [Matcher]) -> Result<Vec<Self>, String> {
        matchers.iter().map(Self::new).collect()
    }

    /// Name of the label that it looks at.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.matcher.name
    }

    /// Whether a label may have this value.
    #[must_use]
    pub fn allows(&self, value: &str) -> bool {
        let is_so = match &self.wanted {
            Wanted::Listed(values) => values.contains(value),
            Wanted::Pattern(pattern) => pattern.matches(value),
        };
        let wants_it = matches!(
            self.matcher.operator,
            MatchOperator::Equal | MatchOperator::Regex
        );
        is_so == wants_it
    }

    /// Whether all of them let these labels through.
    #[must_use]
    pub fn all_allow(matchers: &[Self], labels: &BTreeMap<String, String>) -> bool {
        matchers
            .iter()
            .all(|matcher| matcher.allows(labels.get(matcher.name()).map_or("", String::as_str)))
    }
}

/// A name that Alertmanager takes in any version.
fn check_name(name: &str) -> Result<(), String> {
    let is_letter = |character: char| character == '_' || character.is_ascii_alphabetic();
    let begins_well = name.chars().next().is_some_and(is_letter);
    if begins_well && name.chars().all(|c| is_letter(c) || c.is_ascii_digit()) {
        return Ok(());
    }
    Err(format!(
        "\"{}\" is no label name; letters, digits and underscores are allowed, and a digit not in front",
        name.escape_debug()
    ))
}

/// Checks the matchers of a silence as Alertmanager does, and sorts them.
///
/// # Errors
/// Everything that is wrong.
pub fn check_silence_matchers(
    field: &str,
    matchers: &[Matcher],
) -> Result<Vec<Matcher>, Vec<Invalid>> {
    let mut problems = Problems::default();
    if matchers.is_empty() {
        problems.add(field, "is empty; name one label at least");
    }
    if matchers.len() > MAX_SILENCE_MATCHERS {
        problems.add(
            field,
            format!(
                "has {} matchers; at most {MAX_SILENCE_MATCHERS} are allowed",
                matchers.len()
            ),
        );
        return problems.finish(None);
    }
    let mut lets_anything = true;
    for (index, matcher) in matchers.iter().enumerate() {
        match CompiledMatcher::new(matcher) {
            Ok(compiled) => lets_anything &= compiled.allows(""),
            Err(message) => {
                problems.add(&format!("{field}[{index}]"), message);
                lets_anything = false;
            }
        }
    }
    if lets_anything && !matchers.is_empty() {
        problems.add(
            field,
            "lets every alert through that has none of these labels; one of them must want a value",
        );
    }
    let key = |matcher: &Matcher| (matcher.name.clone(), matcher.value.clone());
    let mut sorted = matchers.to_vec();
    sorted.sort_by_key(key);
    sorted.dedup();
    problems.finish(Some(sorted))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn matcher(name: &str, value: &str, is_regex: bool, is_equal: bool) -> Matcher {
        let operator = match (is_regex, is_equal) {
            (false, true) => MatchOperator::Equal,
            (false, false) => MatchOperator::NotEqual,
            (true, true) => MatchOperator::Regex,
            (true, false) => MatchOperator::NotRegex,
        };
        Matcher::new(name, operator, value)
    }

    #[test]
    fn labels_are_compared_as_alertmanager_compares_them() {
        for (value, is_regex, is_equal, label, expected) in [
            ("fan", false, true, "fan", true),
            ("fan", false, true, "fans", false),
            ("fan", false, false, "", true),
            ("fan|psu", true, true, "psu", true),
            ("fan|psu", true, true, "psu2", false),
            ("fan.*", true, false, "fan 1", false),
            ("", false, true, "", true),
            (".+", true, true, "", false),
            // The dot leaves line ends out, as in Alertmanager.
            ("a.b", true, true, "a\nb", false),
        ] {
            let matcher = matcher("x", value, is_regex, is_equal);
            let compiled = CompiledMatcher::new(&matcher).unwrap();
            assert_eq!(
                compiled.allows(label),
                expected,
                "{matcher:?} and {label:?}"
            );
        }
    }

    #[test]
    fn what_alertmanager_would_refuse_is_refused() {
        let wrong =
            |matchers: &[Matcher]| check_silence_matchers("matchers", matchers).unwrap_err();
        assert_eq!(wrong(&[])[0].field, "matchers");
        let many = vec![Matcher::equal("a", "b"); MAX_SILENCE_MATCHERS + 1];
        assert_eq!(wrong(&many)[0].field, "matchers");
        for bad in [
            matcher("server-id", "1", false, true),
            matcher("", "1", false, true),
            matcher("2u", "1", false, true),
            matcher("größe", "1", false, true),
            matcher("a", "(", true, true),
            matcher("a", "x{1000}{1000}{1000}", true, true),
            matcher("a", &"x".repeat(MAX_VALUE + 1), false, true),
            matcher(&"a".repeat(MAX_NAME + 1), "1", false, true),
            matcher("a", "\0", false, true),
        ] {
            let found = wrong(&[Matcher::equal("a", "b"), bad.clone()]);
            assert_eq!(found[0].field, "matchers[1]", "{bad:?}");
        }
        for lets_anything in [
            matcher("a", "", false, true),
            matcher("a", ".*", true, true),
            matcher("a", "b", false, false),
        ] {
            assert_eq!(wrong(std::slice::from_ref(&lets_anything)).len(), 1);
            let with_another = [lets_anything, Matcher::equal("b", "c")];
            assert!(check_silence_matchers("matchers", &with_another).is_ok());
        }
    }

    #[test]
    fn lists_are_told_from_expressions() {
        for (value, expected) in [
            ("1|22", Some(vec!["1", "22"])),
            (r"a\.b|c", Some(vec!["a.b", "c"])),
            ("", Some(vec![""])),
            ("a|", Some(vec!["a", ""])),
            ("a.b", None),
            ("(a|b)", None),
            (r"\d", None),
            ("a\\", None),
            ("(?i)a", None),
        ] {
            let matcher = matcher("x", value, true, true);
            let expected: Option<Vec<String>> =
                expected.map(|values: Vec<&str>| values.into_iter().map(str::to_owned).collect());
            assert_eq!(listed(&matcher), expected, "{value}");
        }
        assert_eq!(listed(&matcher("x", "a", false, false)), None);
    }

    proptest! {
        #[test]
        fn a_list_lets_through_what_is_in_it_and_nothing_else(
            values in prop::collection::btree_set(r"[ -~äß服|\\.]{1,6}", 1..6),
            other in r"[ -~äß服]{0,6}",
        ) {
            let matcher = one_of("x", values.iter().map(String::as_str));
            let compiled = CompiledMatcher::new(&matcher).unwrap();
            for value in &values {
                prop_assert!(compiled.allows(value), "{:?} and {:?}", matcher, value);
            }
            prop_assert_eq!(compiled.allows(&other), values.contains(&other));
            let listed: BTreeSet<String> = listed(&matcher).unwrap().into_iter().collect();
            prop_assert_eq!(listed, values);
        }
    }
}
