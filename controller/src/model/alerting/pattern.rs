//! Regular expressions that mean here what they mean to Alertmanager.
//!
//! Alertmanager matches with RE2 of Go, anchored at both ends; this program with
//! Rust's `regex`. They have one author's syntax in common and differ at its
//! edges: what has another meaning is translated, what only one of them knows is
//! refused.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

/// Largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 256 * 1024;
/// Classes by letter, which mean ASCII to Go and all of Unicode to Rust.
const CLASSES: [(char, &str); 3] = [('d', "0-9"), ('w', "0-9A-Za-z_"), ('s', "\\t\\n\\f\\r ")];

/// A pattern that matches whole values.
#[derive(Clone, Debug)]
pub struct ValuePattern(Regex);

impl ValuePattern {
    /// Checks and compiles a pattern.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let translated = translate(pattern).map_err(|what| {
            format!("{what} does not mean the same everywhere; write it in another way")
        })?;
        regex::RegexBuilder::new(&format!("^(?:{translated})$"))
            .size_limit(MAX_COMPILED)
            .build()
            .map(Self)
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "is too large a pattern".to_owned(),
                _ => format!("\"{pattern}\" is no regular expression"),
            })
    }

    /// Whether the whole of a value matches.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        self.0.is_match(value)
    }
}

/// The pattern in Rust's words, or what in it nobody can translate.
fn translate(pattern: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    // Whether a repetition stood before: `a*`, or with a `?` behind it `a*?`.
    let mut repetition = 0;
    while let Some(character) = rest.next() {
        if matches!(character, '*' | '+' | '?') {
            repetition += 1;
            if repetition > 2 || repetition == 2 && character != '?' {
                return Err("a repetition of a repetition");
            }
            out.push(character);
            continue;
        }
        let was_repetition = std::mem::take(&mut repetition);
        match character {
            '\\' => escape(&mut rest, &mut out, false)?,
            '[' => set(&mut rest, &mut out)?,
            '(' => {
                out.push('(');
                if rest.next_if_eq(&'?').is_some() {
                    out.push('?');
                    flags(&mut rest, &mut out)?;
                }
            }
            '{' => {
                if was_repetition > 0 {
                    return Err("a repetition of a repetition");
                }
                counted(&mut rest, &mut out)?;
                repetition = 1;
            }
            // Go takes a closing brace or bracket for itself, Rust asks for a backslash.
            '}' | ']' => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    Ok(out)
}

/// What follows a backslash.
fn escape(
    rest: &mut Peekable<Chars<'_>>,
    out: &mut String,
    is_in_set: bool,
) -> Result<(), &'static str> {
    let Some(character) = rest.next() else {
        return Err("a backslash at the end");
    };
    if let Some((_, class)) = CLASSES
        .iter()
        .find(|(letter, _)| *letter == character.to_ascii_lowercase())
    {
        match (is_in_set, character.is_ascii_uppercase()) {
            (false, false) => out.push_str(&format!("[{class}]")),
            (false, true) => out.push_str(&format!("[^{class}]")),
            (true, false) => out.push_str(class),
            (true, true) => out.push_str(&format!("[^{class}]")),
        }
        return Ok(());
    }
    match character {
        'b' | 'B' if !is_in_set => out.push_str(&format!("(?-u:\\{character})")),
        'A' | 'z' if !is_in_set => out.extend(['\\', character]),
        'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'x' | 'p' | 'P' => out.extend(['\\', character]),
        other if other.is_ascii_alphanumeric() => return Err("an escape that only some know"),
        // `\<` is a word's beginning to Rust.
        other => out.push_str(&regex::escape(&other.to_string())),
    }
    Ok(())
}

/// A set, up to its closing bracket.
fn set(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), &'static str> {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    // The first of a set may be the closing bracket itself.
    if rest.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
    set_rest(rest, out)
}

/// A set that has begun, up to its closing bracket.
fn set_rest(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), &'static str> {
    while let Some(character) = rest.next() {
        match character {
            ']' => {
                out.push(']');
                return Ok(());
            }
            '\\' => escape(rest, out, true)?,
            '[' if rest.peek() == Some(&':') => named_class(rest, out)?,
            '[' => out.push_str("\\["),
            '&' | '~' => out.extend(['\\', character]),
            '-' if rest.peek() == Some(&'-') => return Err("a range with two hyphens"),
            other => out.push(other),
        }
    }
    Err("a set without an end")
}

/// `[:alpha:]` within a set.
fn named_class(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), &'static str> {
    out.push('[');
    for character in rest.by_ref() {
        out.push(character);
        if character == ']' {
            return Ok(());
        }
        if !character.is_ascii_lowercase() && !matches!(character, ':' | '^') {
            break;
        }
    }
    Err("a set within a set")
}

/// What follows `(?`: only what both know.
fn flags(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), &'static str> {
    while let Some(character) = rest.next() {
        out.push(character);
        match character {
            ':' | ')' => return Ok(()),
            'i' | 's' | '-' => {}
            'P' if rest.peek() == Some(&'<') => return Ok(()),
            _ => return Err("a flag other than i and s"),
        }
    }
    Err("a group without an end")
}

/// A counted repetition; to Go braces around anything else are text.
fn counted(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), &'static str> {
    let mut inside = String::new();
    for character in rest.by_ref() {
        if character == '}' {
            let (least, most) = inside.split_once(',').unwrap_or((&inside, ""));
            let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            if least.is_empty() || !is_number(least) || !is_number(most) {
                break;
            }
            out.push_str(&format!("{{{inside}}}"));
            return Ok(());
        }
        inside.push(character);
    }
    Err("a brace that begins no repetition")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_match_as_in_go() {
        // From Go 1.19, `regexp.MustCompile("^(?:" + pattern + ")$").MatchString(value)`.
        for (pattern, value, expected) in [
            ("rack-[0-9]+", "rack-12", true),
            ("rack-[0-9]+", "a rack-12", false),
            (r"\d+", "12", true),
            (r"\d+", "१२", false),
            (r"[\w.]+", "a.b_9", true),
            (r"\W", "ü", true),
            (r"[^\d]", "1", false),
            ("a|b", "b", true),
            ("", "", true),
            (".*", "a\nb", false),
            ("(?s).*", "a\nb", true),
            ("(?i)ABC", "abc", true),
            (r"\<x\>", "<x>", true),
            (r"a\.b", "a.b", true),
            (r"a\.b", "axb", false),
            ("[]a]+", "a]", true),
            ("[[:alpha:]_]+", "a_b", true),
            ("[a&&b]", "&", true),
            ("a{2,3}", "aa", true),
            ("a}", "a}", true),
            ("(?P<n>a)", "a", true),
        ] {
            let found = ValuePattern::parse(pattern).unwrap();
            assert_eq!(found.matches(value), expected, "{pattern} {value:?}");
        }
    }

    #[test]
    fn what_only_one_side_knows_is_refused() {
        for bad in [
            "(",
            "[",
            "a**",
            "a{,3}",
            "a{b}",
            r"\u{41}",
            r"\Qa\E",
            "(?x)a",
            "(?=a)",
            "(?<n>a)",
            "\\",
            "[a--b]",
            "*a",
            r"\1",
            "x{1000000}",
            "a{2}*",
        ] {
            assert!(ValuePattern::parse(bad).is_err(), "{bad}");
        }
    }
}
