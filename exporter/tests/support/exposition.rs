//! Reads exposition text, format 0.0.4 and OpenMetrics 1.0, as far as gauges
//! and counters need it, and strictly: what a scraper would refuse panics.

use std::collections::BTreeMap;
use std::fmt;

/// Name and labels of one series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    /// The metric's name.
    pub(crate) name: String,
    /// Its labels, by name.
    pub(crate) labels: BTreeMap<String, String>,
}

impl Series {
    /// A series from its name and labels.
    pub(crate) fn new(name: &str, labels: &[(&str, &str)]) -> Self {
        let labels = labels
            .iter()
            .map(|&(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        Self {
            name: name.to_owned(),
            labels,
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if !self.labels.is_empty() {
            let labels: Vec<String> = self
                .labels
                .iter()
                .map(|(name, value)| format!("{name}={value:?}"))
                .collect();
            write!(f, "{{{}}}", labels.join(","))?;
        }
        Ok(())
    }
}

/// Type and help text of one metric family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Family {
    /// `gauge`, `counter`, …
    pub(crate) kind: String,
    /// The HELP text, unescaped.
    pub(crate) help: String,
}

/// One whole answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exposition {
    /// Families by name.
    pub(crate) families: BTreeMap<String, Family>,
    /// Values by series.
    pub(crate) series: BTreeMap<Series, f64>,
}

impl Exposition {
    /// Parses an answer.
    ///
    /// # Panics
    ///
    /// On text that is not valid exposition, or that repeats a series.
    pub(crate) fn parse(text: &str) -> Self {
        let mut exposition = Self::default();
        for (number, line) in text.lines().enumerate() {
            exposition
                .line(line)
                .unwrap_or_else(|reason| panic!("line {}: {reason}: {line}", number + 1));
        }
        exposition
    }

    /// The value of a series, if there is such a series.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.series.get(&Series::new(name, labels)).copied()
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line == "# EOF" {
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            self.families.entry(name.to_owned()).or_default().help = unescape(help);
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or("TYPE without a type")?;
            let family = self.families.entry(name.to_owned()).or_default();
            if !family.kind.is_empty() {
                return Err("second TYPE for a family".to_owned());
            }
            kind.clone_into(&mut family.kind);
            return Ok(());
        }
        if line.starts_with('#') {
            return Ok(());
        }
        let (series, rest) = sample(line)?;
        let value = number(rest.trim()).ok_or("bad value")?;
        match self.series.insert(series, value) {
            None => Ok(()),
            Some(_) => Err("series repeated".to_owned()),
        }
    }
}

/// Splits a sample line into its series and what follows it.
fn sample(line: &str) -> Result<(Series, &str), String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, mut rest) = line.split_at(end);
    if name.is_empty()
        || !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    {
        return Err("bad metric name".to_owned());
    }
    let mut labels = BTreeMap::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            if let Some(after) = inside.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, after) = inside.split_once("=\"").ok_or("label without a value")?;
            let close = closing_quote(after).ok_or("label value without an end")?;
            if labels
                .insert(label.to_owned(), unescape(&after[..close]))
                .is_some()
            {
                return Err(format!("label {label} repeated"));
            }
            inside = &after[close + 1..];
            inside = inside.strip_prefix(',').unwrap_or(inside);
        }
    }
    Ok((
        Series {
            name: name.to_owned(),
            labels,
        },
        rest,
    ))
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, char)| {
        let closes = char == '"' && !escaped;
        escaped = char == '\\' && !escaped;
        closes.then_some(at)
    })
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, char == '\\') {
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            (char, false) => plain.push(char),
        }
    }
    plain
}

/// Reads a value as Prometheus writes them.
pub(crate) fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => text.parse().ok(),
        _ => None,
    }
}

/// Equality of samples: NaN equals NaN.
pub(crate) fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

#[test]
fn a_line_with_every_escape_is_read() {
    let text = "# HELP x A \\\\ and\\na break\n# TYPE x gauge\nx{a=\"q\\\"}\\\\\\n,\",b=\"\"} 1e-05\nx -Inf\n";
    let read = Exposition::parse(text);
    assert_eq!(read.families["x"].help, "A \\ and\na break");
    assert_eq!(
        read.value("x", &[("a", "q\"}\\\n,"), ("b", "")]),
        Some(1e-5)
    );
    assert_eq!(read.value("x", &[]), Some(f64::NEG_INFINITY));
}
