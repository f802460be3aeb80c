//! Cuts the line of a configuration file that a diagnostic points at, without showing a secret.
//!
//! Four rules make that hold. Nothing to the right of the marked token is shown. A line whose
//! shown part names a secret key, or holds the value of another key, is not shown at all. And a
//! line that may be the continuation of a secret (the key is on a line above it) is not shown
//! either.

use super::diagnostic::Position;

/// Longest part of a line that is shown, in characters.
const MAX_SHOWN: usize = 160;

/// Words in a key that announce a secret, in lower case. `pass_file` and `pass_env` are caught
/// too: when in doubt, the position alone is enough.
const SECRET_WORDS: [&str; 6] = ["pass", "k_g", "secret", "token", "key", "basic_auth"];

/// The line at `at` up to the end of the marked token, with a marker below it. `width` is the
/// length of the token in characters.
pub(crate) fn excerpt(text: &str, at: Position, width: usize) -> Option<String> {
    let line = text.lines().nth(at.line.checked_sub(1)?)?;
    let before = at.column.checked_sub(1)?;
    let width = width.max(1);
    let shown: String = line.chars().take(before + width).collect();
    if before + width > MAX_SHOWN
        || announces_a_secret(&shown)
        || shows_another_value(&shown.chars().take(before).collect::<String>())
        || parent_line(text, at.line).is_some_and(announces_a_secret)
        || shown.chars().any(char::is_control)
    {
        return None;
    }
    let cut = if shown.len() < line.trim_end().len() {
        " …"
    } else {
        ""
    };
    let number = at.line.to_string();
    let margin = " ".repeat(number.len());
    Some(format!(
        "  {number} | {shown}{cut}\n  {margin} | {}{}",
        " ".repeat(before),
        "^".repeat(
            width
                .min(shown.chars().count().saturating_sub(before))
                .max(1)
        ),
    ))
}

/// Does the text contain a word that announces a secret?
pub(crate) fn announces_a_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| text.contains(word))
}

/// Does the text left of the marked token hold the value of another key? In `{psw: x, bogus: y}`
/// a mark at `bogus` would show what may be a password under a mistyped key. The items of a list
/// before the marked one are shown.
fn shows_another_value(before: &str) -> bool {
    let is_separator = |(at, _): &(usize, &str)| {
        let follows = before[at + 1..].chars().next();
        let precedes = before[..*at].chars().next_back();
        follows.is_none_or(char::is_whitespace) || matches!(precedes, Some('"' | '\''))
    };
    match before.match_indices(':').rfind(is_separator) {
        None => before.contains(','),
        Some((colon, _)) => {
            let value = &before[colon..];
            before[..colon].contains(',') || value.contains(',') && !value.contains('[')
        }
    }
}

/// The nearest line above that is indented less: the key that the line belongs to, or a key whose
/// multi-line value it continues.
fn parent_line(text: &str, line: usize) -> Option<&str> {
    let above: Vec<&str> = text.lines().take(line).collect();
    let (own, above) = above.split_last()?;
    let depth = indent(own);
    above
        .iter()
        .rev()
        .copied()
        .filter(|candidate| !candidate.trim().is_empty())
        .find(|candidate| depth == 0 || indent(candidate) < depth)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, line: usize, column: usize, width: usize) -> Option<String> {
        excerpt(text, Position { line, column }, width)
    }

    #[test]
    fn the_marked_token_is_shown_and_what_follows_is_not() {
        assert_eq!(
            cut("a: 1\n  timout: 3000\n", 2, 3, 6).unwrap(),
            "  2 |   timout …\n    |   ^^^^^^"
        );
        let items = cut("targets: [\"a:1\", b, \"c:0\"]", 1, 19, 5).unwrap();
        assert!(items.starts_with("  1 | targets: [\"a:1\", b"), "{items}");
        assert_eq!(
            cut("driver: LAM", 1, 9, 3).unwrap(),
            "  1 | driver: LAM\n    |         ^^^"
        );
    }

    #[test]
    fn secrets_are_never_shown() {
        for (text, line, column, width) in [
            ("    pass: hunter2", 1, 11, 7),
            ("{pass: hunter2, bogus: 1}", 1, 17, 5),
            ("x: {Password: hunter2, bogus: 1}", 1, 24, 5),
            ("x: {psw: hunter2, bogus: 1}", 1, 18, 5),
            ("x: {psw: hunter2, timeout: a}", 1, 27, 1),
            ("x: {\"psw\":\"hunter2\", bogus: 1}", 1, 22, 5),
            ("x: {\n  psw: hunter2, bogus: 1}", 2, 16, 5),
            ("m:\n  pass: |\n    hunter2\n", 3, 5, 7),
            ("m:\n  pass: \"abc\n    hunter2", 3, 5, 7),
            ("pass: \"abc\nhunter2", 2, 1, 7),
            ("basic_auth_users:\n  alice: $2y$10$abc", 2, 10, 4),
        ] {
            assert_eq!(cut(text, line, column, width), None, "{text}");
        }
        // The value of an unknown key may be a password under a wrong name.
        let shown = cut("m:\n  psw: hunter2", 2, 3, 3).unwrap();
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
