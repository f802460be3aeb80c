//! Prometheus' text format, as exporters write it: read strictly, with bounds.

use std::collections::BTreeMap;

use super::data::{Point, Series, SeriesLabels};
use crate::clock::Timestamp;

/// Most samples that are read.
const MAX_SAMPLES: usize = 50_000;

/// What is no exposition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ExpositionError {
    /// Where, from 1.
    pub line: usize,
    /// What.
    pub reason: &'static str,
}

/// Reads all samples; they are of the moment `at`, unless they bear a time.
///
/// # Errors
/// The first line that is none.
pub fn parse(text: &str, at: Timestamp) -> Result<Vec<Series>, ExpositionError> {
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |reason| ExpositionError {
            line: index + 1,
            reason,
        };
        if all.len() >= MAX_SAMPLES {
            return Err(wrong("there are more than 50,000 samples"));
        }
        all.push(sample(line, at).map_err(wrong)?);
    }
    Ok(all)
}

fn sample(line: &str, at: Timestamp) -> Result<Series, &'static str> {
    let (name, rest) = take_name(line, true).ok_or("it does not begin with a metric's name")?;
    let (mut labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => take_labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    labels.insert("__name__".to_owned(), name.to_owned());
    let mut words = rest.split_ascii_whitespace();
    let value = words.next().and_then(|word| word.parse().ok());
    let value = value.ok_or("its value is no number")?;
    let at = match words.next() {
        Some(word) => Timestamp(word.parse().map_err(|_| "its time is no number")?),
        None => at,
    };
    if words.next().is_some() {
        return Err("something stands after the time");
    }
    Ok(Series {
        labels,
        points: vec![Point { at, value }],
    })
}

fn take_name(text: &str, with_colons: bool) -> Option<(&str, &str)> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '_' || (with_colons && c == ':');
    let end = text.find(|c| !is_good(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    let is_name = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then_some((name, rest))
}

fn take_labels(mut rest: &str) -> Result<(SeriesLabels, &str), &'static str> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, after) = take_name(rest, false).ok_or("a label has no name")?;
        let quoted = after
            .trim_start()
            .strip_prefix('=')
            .and_then(|after| after.trim_start().strip_prefix('"'))
            .ok_or("a label has no value in quotes")?;
        let (value, after) = take_value(quoted).ok_or("a label's value has no end")?;
        if labels.insert(name.to_owned(), value).is_some() {
            return Err("a label comes twice");
        }
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return Err("there is no comma between labels"),
        }
    }
}

/// A value up to its quote, with `\\`, `\"` and `\n` resolved.
fn take_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(match characters.next()? {
                'n' => '\n',
                other @ ('\\' | '"') => other,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn samples_are_read_with_labels_values_and_times() {
        let text = concat!(
            "# HELP ipmi_up it is\n# TYPE ipmi_up gauge\n",
            "ipmi_up{collector=\"ipmi\"} 1\n\n",
            "ipmi_x{name=\"a \\\"b\\\" \\\\ \\n{}\", id=\"4\",} NaN\n",
            "plain -1.5e3 1700000000000\n",
            "plain{} +Inf",
        );
        let all = parse(text, Timestamp(5)).unwrap();
        assert_eq!(all.len(), 4);
        assert_eq!(
            (all[0].name(), all[0].label("collector")),
            ("ipmi_up", "ipmi")
        );
        assert_eq!(all[1].label("name"), "a \"b\" \\ \n{}");
        assert_eq!(
            all[1].last().map(|p| (p.at.0, p.value.is_nan())),
            Some((5, true))
        );
        let plain = all[2].last().map(|p| (p.at.0, p.value));
        assert_eq!(plain, Some((1_700_000_000_000, -1500.0)));
        assert_eq!(all[3].last().map(|p| p.value), Some(f64::INFINITY));
    }

    #[test]
    fn what_is_no_sample_is_named_with_its_line() {
        for bad in [
            "<html>",
            "1up 1",
            "up",
            "up one",
            "up 1 noon",
            "up 1 2 3",
            "up{ 1",
            "up{a} 1",
            "up{a=b} 1",
            "up{a=\"b} 1",
            "up{a=\"\\x\"} 1",
            "up{a=\"b\" c=\"d\"} 1",
            "up{a=\"b\",a=\"c\"} 1",
            "up{,} 1",
            "größe 1",
        ] {
            let error = parse(&format!("up 1\n{bad}\n"), Timestamp(0)).unwrap_err();
            assert_eq!(error.line, 2, "{bad}");
        }
        let many = "up 1\n".repeat(MAX_SAMPLES + 1);
        assert!(parse(&many, Timestamp(0)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(?s).{0,200}") {
            let _ = parse(&text, Timestamp(0));
        }

        #[test]
        fn what_is_written_is_read(value in any::<f64>(), label in "(?s).{0,20}") {
            let escaped = label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let text = format!("m{{l=\"{escaped}\"}} {value}\n");
            let all = parse(&text, Timestamp(0)).unwrap();
            prop_assert_eq!(all[0].label("l"), label);
            let read = all[0].last().unwrap().value;
            prop_assert!(read.to_bits() == value.to_bits() || (read.is_nan() && value.is_nan()));
        }
    }
}
