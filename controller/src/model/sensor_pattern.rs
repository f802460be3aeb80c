//! Patterns of sensor names that mean the same to Prometheus and to us.
//!
//! Prometheus matches with RE2, anchored at both ends; this program with Rust's
//! `regex`. They have one author's syntax in common and differ at its edges, so
//! only what is equal in both is taken: no classes by letter (`\d` means all of
//! Unicode's digits here and ten there), no flags but `(?i)`, no counted
//! repetitions, no sets within sets, no repeated repetitions.

use regex::Regex;

/// Largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 256 * 1024;

/// A pattern that matches whole names.
#[derive(Clone, Debug)]
pub struct SensorPattern(Regex);

impl SensorPattern {
    /// Checks and compiles a pattern.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn regex(pattern: &str) -> Result<Self, String> {
        if let Some(what) = foreign(pattern) {
            return Err(format!(
                "{what} does not mean the same everywhere; write it out, such as [0-9] for a digit and [.] for a dot"
            ));
        }
        regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
            .size_limit(MAX_COMPILED)
            .build()
            .map(Self)
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "is too large a pattern".to_owned(),
                _ => "is no regular expression".to_owned(),
            })
    }

    /// Whether a whole name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

/// The first thing in a pattern that others may read differently.
fn foreign(pattern: &str) -> Option<&'static str> {
    let mut characters = pattern.chars().peekable();
    let mut is_in_set = false;
    // Whether a repetition stood before: `a*`, or with a `?` behind it `a*?`.
    let mut repetition = 0;
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        if matches!(character, '*' | '+' | '?') && !is_in_set {
            repetition += 1;
            if repetition > 2 || repetition == 2 && character != '?' {
                return Some("a repetition of a repetition");
            }
            continue;
        }
        repetition = 0;
        match character {
            '\\' => match characters.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => {}
                _ => return Some("a backslash before a letter or a digit"),
            },
            '\n' | '\r' => return Some("a line break"),
            '[' if is_in_set => return Some("a [ within [ ]"),
            '[' => {
                is_in_set = true;
                characters.next_if_eq(&'^');
                if characters.peek() == Some(&']') {
                    return Some("a ] right after a [");
                }
            }
            ']' if is_in_set => is_in_set = false,
            '&' | '-' | '~' if is_in_set && next == Some(character) => {
                return Some("a doubled character within [ ]");
            }
            '{' | '}' if !is_in_set => return Some("a brace"),
            '(' if !is_in_set && next == Some('?') => {
                let rest: String = characters.clone().take(3).collect();
                if !rest.starts_with("?:") && rest != "?i)" {
                    return Some("a group with a question mark");
                }
                characters.next();
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_are_matched() {
        let matches =
            |pattern: &str, name: &str| SensorPattern::regex(pattern).unwrap().matches(name);
        assert!(matches("CPU[0-9]+ Temp", "CPU12 Temp"));
        assert!(!matches("CPU", "CPU1"));
        assert!(matches("a|b", "b"));
        assert!(!matches("a|b", "bc"), "both sides are anchored");
        assert!(matches("(?i)fan.*", "FAN 1"));
        assert!(matches("12V \\(aux\\)", "12V (aux)"));
        assert!(matches("温度.?", "温度1"));
    }

    #[test]
    fn what_others_read_differently_is_refused() {
        for pattern in [
            "CPU\\d", "\\w+", "\\bx", "\\pL", "\\x41", "\\Qa\\E", "a{2}", "a{,5}", "(?x)a b",
            "(?P<n>a)", "(?s).", "a**", "a*+", "a???", "[a&&b]", "[a--b]", "[a[b]]", "[]a]",
            "a\nb", "(", "a)", "*a", "[b-a]", "a\\",
        ] {
            assert!(SensorPattern::regex(pattern).is_err(), "{pattern}");
        }
    }
}
