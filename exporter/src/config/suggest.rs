//! "Did you mean": the nearest allowed word, when there is one near enough to help.

/// The entry of `allowed` that `found` was most likely meant to be.
///
/// Upper and lower case, `-` and `_` are not told apart, so that `Exclude-Sensor-IDs` finds
/// `exclude_sensor_ids`. More than a third of the letters wrong is no longer a typing mistake.
pub(crate) fn nearest<'a>(found: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let found = fold(found);
    allowed
        .iter()
        .map(|word| (distance(&found, &fold(word)), *word))
        .filter(|(distance, word)| *distance <= (word.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// `; did you mean "X"?`, or the whole list when nothing is near.
pub(crate) fn hint(found: &str, allowed: &[&str]) -> String {
    match nearest(found, allowed) {
        Some(word) => format!("; did you mean `{word}`?"),
        None => format!("; allowed: {}", list(allowed)),
    }
}

/// The words, each in back quotes, with commas.
pub(crate) fn list(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn fold(word: &str) -> Vec<char> {
    word.chars()
        .take(64)
        .map(|c| {
            if c == '-' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// Number of letters to insert, delete or replace (Levenshtein), swaps of neighbours counting one.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &to) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(from != to))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && from == b[j - 1] && a[i - 1] == to {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_find_the_word_and_other_words_do_not() {
        let keys = ["user", "pass", "pass_file", "exclude_sensor_ids", "timeout"];
        for (found, meant) in [
            ("timout", Some("timeout")),
            ("tiemout", Some("timeout")),
            ("Exclude-Sensor-IDs", Some("exclude_sensor_ids")),
            ("passwd", None),
            ("pas", Some("pass")),
            ("usr", Some("user")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(found, &keys), meant, "{found}");
        }
    }
}
