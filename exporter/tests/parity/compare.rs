//! Finds every difference between two answers.

use std::fmt;

use crate::support::exposition::{Exposition, Series, same};

/// The metrics whose value is a sensor reading, which stock parses from text
/// with two decimals.
const READINGS: [&str; 7] = [
    "ipmi_current_amperes",
    "ipmi_fan_speed_ratio",
    "ipmi_fan_speed_rpm",
    "ipmi_power_watts",
    "ipmi_sensor_value",
    "ipmi_temperature_celsius",
    "ipmi_voltage_volts",
];

/// Metrics that measure the scrape itself: only their presence can be compared.
const MEASURED: [&str; 1] = ["ipmi_scrape_duration_seconds"];

/// How two answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Stock has the series, ours does not.
    OnlyStock,
    /// Ours has the series, stock does not.
    OnlyOurs,
    /// The series bears more labels in ours.
    MoreLabels,
    /// Different values.
    Value,
    /// Values that are equal after FreeIPMI's rounding to hundredths.
    Precision,
    /// Different metric type.
    Type,
    /// Different help text.
    Help,
    /// Stock gave no scrape result at all.
    NoAnswer,
    /// A series that the case promises is missing or different; never allowed.
    Promise,
}

/// One difference.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    /// How.
    pub(crate) kind: Kind,
    /// In which metric; empty for `NoAnswer`.
    pub(crate) metric: String,
    /// In which series, written out; empty when the whole family is meant.
    pub(crate) series: String,
    /// For a person.
    pub(crate) detail: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = if self.series.is_empty() {
            &self.metric
        } else {
            &self.series
        };
        write!(f, "{:?} {subject} {}", self.kind, self.detail)
    }
}

impl Difference {
    fn of_series(kind: Kind, series: &Series, detail: String) -> Self {
        Self {
            kind,
            metric: series.name.clone(),
            series: series.to_string(),
            detail,
        }
    }

    /// Stock has no answer to compare with.
    pub(crate) fn no_answer(reason: &str) -> Self {
        Self {
            kind: Kind::NoAnswer,
            metric: String::new(),
            series: String::new(),
            detail: reason.to_owned(),
        }
    }

    /// Ours has no answer to compare; never allowed.
    pub(crate) fn failed(reason: &str) -> Self {
        Self {
            kind: Kind::Promise,
            ..Self::no_answer(reason)
        }
    }

    /// Ours lacks what the case promises.
    pub(crate) fn promised(series: &Series, value: f64, found: Option<f64>) -> Self {
        let found = found.map_or_else(|| "absent".to_owned(), |found| found.to_string());
        Self::of_series(
            Kind::Promise,
            series,
            format!("is {found}, promised {value}"),
        )
    }
}

/// Lists every difference between the reference's answer and ours.
pub(crate) fn differences(stock: &Exposition, ours: &Exposition) -> Vec<Difference> {
    let mut found = Vec::new();
    for (name, family) in &stock.families {
        let Some(our_family) = ours.families.get(name) else {
            continue;
        };
        let mut report = |kind, theirs: &str, own: &str| {
            if theirs != own {
                let detail = format!("stock {theirs:?}, ours {own:?}");
                found.push(Difference {
                    kind,
                    metric: name.clone(),
                    series: String::new(),
                    detail,
                });
            }
        };
        report(Kind::Type, &family.kind, &our_family.kind);
        report(Kind::Help, &family.help, &our_family.help);
    }
    let mut wider = Vec::new();
    for (series, &theirs) in &stock.series {
        match ours.series.get(series) {
            Some(&own) => found.extend(value_difference(series, theirs, own)),
            None => match with_more_labels(series, ours) {
                Some((candidate, own)) => {
                    found.push(Difference::of_series(
                        Kind::MoreLabels,
                        candidate,
                        format!("stock has {series}"),
                    ));
                    found.extend(value_difference(candidate, theirs, own));
                    wider.push(candidate);
                }
                None => {
                    found.push(Difference::of_series(
                        Kind::OnlyStock,
                        series,
                        theirs.to_string(),
                    ));
                }
            },
        }
    }
    for (series, value) in &ours.series {
        if !stock.series.contains_key(series) && !wider.contains(&series) {
            found.push(Difference::of_series(
                Kind::OnlyOurs,
                series,
                value.to_string(),
            ));
        }
    }
    found
}

/// The one series of ours with the labels of `series` and more.
fn with_more_labels<'a>(series: &Series, ours: &'a Exposition) -> Option<(&'a Series, f64)> {
    let mut candidates = ours.series.iter().filter(|(candidate, _)| {
        candidate.name == series.name
            && candidate.labels.len() > series.labels.len()
            && series
                .labels
                .iter()
                .all(|(name, value)| candidate.labels.get(name) == Some(value))
    });
    match (candidates.next(), candidates.next()) {
        (Some((candidate, &value)), None) => Some((candidate, value)),
        _ => None,
    }
}

fn value_difference(series: &Series, theirs: f64, own: f64) -> Option<Difference> {
    if same(theirs, own) || MEASURED.contains(&series.name.as_str()) {
        return None;
    }
    let rounded = READINGS.contains(&series.name.as_str()) && near(theirs, as_printed(series, own));
    let kind = if rounded {
        Kind::Precision
    } else {
        Kind::Value
    };
    Some(Difference::of_series(
        kind,
        series,
        format!("stock {theirs}, ours {own}"),
    ))
}

/// What stock would export for our value.
fn as_printed(series: &Series, value: f64) -> f64 {
    if series.name == "ipmi_fan_speed_ratio" {
        // Printed as percent, divided afterwards.
        freeipmi_hundredths(value * 100.0) / 100.0
    } else {
        freeipmi_hundredths(value)
    }
}

/// FreeIPMI's own rounding: cut to hundredths, then one more only if the rest
/// is above one half, which it never is for a negative value.
fn freeipmi_hundredths(value: f64) -> f64 {
    let whole = value.trunc();
    let hundredths = (value - whole) * 100.0;
    let cut = hundredths.trunc();
    let up = if hundredths - cut > 0.5 { 1.0 } else { 0.0 };
    whole + (cut + up) / 100.0
}

/// Equal but for the last bits of a floating-point computation.
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

#[test]
fn rounding_is_freeipmis() {
    let table = [
        (0.005, 0.0),
        (0.0125, 0.01),
        (0.126, 0.13),
        (2.688, 2.69),
        (-0.129, -0.12),
        (-0.021, -0.02),
        (12.285, 12.29),
        (-5.0, -5.0),
        (1_058.4, 1_058.4),
    ];
    for (value, printed) in table {
        assert!(near(freeipmi_hundredths(value), printed), "{value}");
    }
}

#[test]
fn each_kind_of_difference_is_seen() {
    let stock = Exposition::parse(
        "# HELP a A\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 2\nb 1\n\
         ipmi_voltage_volts 2.69\nipmi_up 1\nipmi_scrape_duration_seconds 1\nc{x=\"1\"} 3\n",
    );
    let ours = Exposition::parse(
        "# HELP a B\n# TYPE a counter\na{x=\"1\"} 1\na{x=\"3\"} 2\n\
         ipmi_voltage_volts 2.688\nipmi_up 0\nipmi_scrape_duration_seconds 2\nc{x=\"1\",y=\"2\"} 3\n",
    );
    let mut kinds: Vec<(Kind, String)> = differences(&stock, &ours)
        .into_iter()
        .map(|difference| (difference.kind, difference.metric + &difference.series))
        .collect();
    kinds.sort_by(|a, b| a.1.cmp(&b.1));
    let expected = [
        (Kind::Type, "a"),
        (Kind::Help, "a"),
        (Kind::OnlyStock, "aa{x=\"2\"}"),
        (Kind::OnlyOurs, "aa{x=\"3\"}"),
        (Kind::OnlyStock, "bb"),
        (Kind::MoreLabels, "cc{x=\"1\",y=\"2\"}"),
        (Kind::Value, "ipmi_upipmi_up"),
        (Kind::Precision, "ipmi_voltage_voltsipmi_voltage_volts"),
    ];
    assert_eq!(kinds, expected.map(|(kind, text)| (kind, text.to_owned())));
}
