//! Times of the week and the year, in which routes are mute or awake.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::words;
use crate::clock::Timestamp;
use crate::model::{Id, Invalid, Name, Problems, Text, Version};

/// Most intervals.
pub const MAX_TIME_INTERVALS: i64 = 200;
/// Most spans of one interval, and most ranges of one field.
const MAX_SPANS: usize = 32;
/// Days of the week as Alertmanager counts them.
const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];
/// Months; the first is number 1.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// An interval as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TimeInterval {
    /// Number of the interval.
    pub id: Id,
    /// Unique name, by which routes refer to it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Moments in any of these are in it.
    pub spans: Vec<TimeSpan>,
    /// Rises with each change.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// An interval as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeIntervalDraft {
    /// Unique name.
    pub name: Name,
    /// What it is for.
    pub description: Text,
    /// Moments in any of these are in it.
    pub spans: Vec<TimeSpan>,
}

/// The form of [`TimeIntervalDraft`] in a request.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeIntervalBody {
    /// Unique name, by which routes refer to it.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Moments in any of these are in it.
    pub spans: Vec<TimeSpan>,
}

/// Which intervals are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct TimeIntervalFilter {
    /// Part of the name or description; case does not matter.
    pub search: Option<String>,
}

/// A span: a moment is in it when it is in one range of each field that has any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimeSpan {
    /// Times of the day.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<TimeRange>,
    /// Days of the week, such as `monday:friday` or `sunday`; the week begins on
    /// Sunday.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<String>,
    /// Days of the month, such as `1:5`; negative ones count from the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days_of_month: Vec<String>,
    /// Months, such as `december`, `1:3` or `may:august`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<String>,
    /// Years, such as `2026` or `2026:2028`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub years: Vec<String>,
    /// Time zone, such as `Europe/Berlin`; UTC when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// Times of a day; the end is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// First minute, such as `08:00`.
    pub start: String,
    /// The minute behind the last one, such as `17:30` or `24:00`. Not before the
    /// start: a night is two ranges.
    pub end: String,
}

impl TimeIntervalDraft {
    /// Checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &TimeIntervalBody) -> Result<Self, Vec<Invalid>> {
        let mut problems = Problems::default();
        let name = problems.check("name", Name::parse(&body.name));
        problems.check("name", words::own_free(&body.name));
        let description = problems.check("description", Text::parse(&body.description));
        if body.spans.is_empty() {
            problems.add("spans", "is empty; no moment would be in it");
        }
        problems.check("spans", at_most_spans(body.spans.len()));
        for (at, span) in body.spans.iter().enumerate().take(MAX_SPANS) {
            span.check(&format!("spans[{at}]."), &mut problems);
        }
        let draft = name.zip(description).map(|(name, description)| Self {
            name,
            description,
            spans: body.spans.clone(),
        });
        problems.finish(draft)
    }
}

impl TimeSpan {
    fn check(&self, place: &str, problems: &mut Problems) {
        type Check = fn(&str) -> Result<(), String>;
        let fields: [(&str, &[String], Check); 4] = [
            ("weekdays", &self.weekdays, check_weekdays),
            ("days_of_month", &self.days_of_month, check_days),
            ("months", &self.months, check_months),
            ("years", &self.years, check_years),
        ];
        problems.check(&format!("{place}times"), at_most_spans(self.times.len()));
        for (at, range) in self.times.iter().enumerate().take(MAX_SPANS) {
            problems.check(&format!("{place}times[{at}]"), range.check());
        }
        for (field, ranges, check) in fields {
            problems.check(&format!("{place}{field}"), at_most_spans(ranges.len()));
            for (at, range) in ranges.iter().enumerate().take(MAX_SPANS) {
                problems.check(&format!("{place}{field}[{at}]"), check(range));
            }
        }
        if let Some(location) = &self.location {
            problems.check(&format!("{place}location"), check_location(location));
        }
    }
}

impl TimeRange {
    fn check(&self) -> Result<(), String> {
        let (start, end) = (minutes(&self.start)?, minutes(&self.end)?);
        if start >= end {
            return Err(format!(
                "{} is not before {}; write a night as two ranges, to 24:00 and from 00:00",
                self.start, self.end
            ));
        }
        Ok(())
    }
}

fn at_most_spans(count: usize) -> Result<(), String> {
    if count > MAX_SPANS {
        return Err(format!(
            "has {count} entries; at most {MAX_SPANS} are allowed"
        ));
    }
    Ok(())
}

/// Minutes since midnight of `HH:MM`.
fn minutes(text: &str) -> Result<u32, String> {
    let parse = || {
        let (hours, minutes) = text.split_once(':')?;
        let is_two = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        if !is_two(hours) || !is_two(minutes) {
            return None;
        }
        let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
        (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
    };
    parse().ok_or_else(|| format!("\"{text}\" is no time; write it as 08:30, up to 24:00"))
}

/// Both ends of a range; one word is a range of its own.
fn ends(text: &str) -> (&str, &str) {
    text.split_once(':').unwrap_or((text, text))
}

fn check_weekdays(text: &str) -> Result<(), String> {
    let number = |word: &str| WEEKDAYS.iter().position(|day| *day == word);
    match ends(text) {
        (first, last) if number(first).is_none() || number(last).is_none() => Err(format!(
            "\"{text}\" is no range of weekdays; write monday:friday or sunday"
        )),
        (first, last) if number(first) > number(last) => Err(format!(
            "{first} is behind {last}; the week begins on sunday, so write two ranges"
        )),
        _ => Ok(()),
    }
}

fn check_days(text: &str) -> Result<(), String> {
    let number = |word: &str| {
        let number = word.parse::<i32>().ok()?;
        // Go reads no plus sign here.
        let is_good = number != 0 && (-31..=31).contains(&number) && !word.starts_with('+');
        is_good.then_some(number)
    };
    let (first, last) = ends(text);
    let (Some(first), Some(last)) = (number(first), number(last)) else {
        return Err(format!(
            "\"{text}\" is no range of days; write 1:5, or -3:-1 for the last three"
        ));
    };
    if first < 0 && last > 0 {
        return Err(format!(
            "\"{text}\" begins at the end of the month and ends at its beginning"
        ));
    }
    // The shortest month decides what can never be.
    let in_february = |day: i32| if day < 0 { 28 + day } else { day };
    if in_february(first) > in_february(last) {
        return Err(format!("{first} is behind {last}"));
    }
    Ok(())
}

fn check_months(text: &str) -> Result<(), String> {
    let number = |word: &str| match MONTHS.iter().position(|month| *month == word) {
        Some(at) => Some(at + 1),
        None => word
            .parse()
            .ok()
            .filter(|number| (1..=12).contains(number) && !word.starts_with('+')),
    };
    match ends(text) {
        (first, last) if number(first).is_none() || number(last).is_none() => Err(format!(
            "\"{text}\" is no range of months; write may:august, 1:3 or december"
        )),
        (first, last) if number(first) > number(last) => {
            Err(format!("{first} is behind {last}; write two ranges"))
        }
        _ => Ok(()),
    }
}

fn check_years(text: &str) -> Result<(), String> {
    let number = |word: &str| {
        let is_good = word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
        is_good.then(|| word.parse::<u32>().ok()).flatten()
    };
    match ends(text) {
        (first, last) if number(first).is_none() || number(last).is_none() => Err(format!(
            "\"{text}\" is no range of years; write 2026 or 2026:2028"
        )),
        (first, last) if number(first) > number(last) => Err(format!("{first} is behind {last}")),
        _ => Ok(()),
    }
}

fn check_location(text: &str) -> Result<(), String> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '/');
    if text.is_empty() || text.starts_with('/') || !text.chars().all(is_good) {
        return Err(format!(
            "\"{text}\" is no time zone; write it as Europe/Berlin"
        ));
    }
    let zones = jiff::tz::db();
    // Where this machine knows none, Alertmanager's has to judge.
    if !zones.is_definitively_empty() && zones.get(text).is_err() {
        return Err(format!("\"{text}\" is a time zone that nobody knows"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_judged_as_alertmanager_judges_them() {
        for (check, good, bad) in [
            (
                check_weekdays as fn(&str) -> Result<(), String>,
                vec!["monday:friday", "sunday", "sunday:saturday"],
                vec!["friday:monday", "mon", "Monday", "", "monday:"],
            ),
            (
                check_days,
                vec!["1:5", "31", "-3:-1", "1:-1", "20:-5"],
                vec!["0", "32", "5:1", "-1:3", "-1:-3", "28:-5", "+1"],
            ),
            (
                check_months,
                vec!["january", "1:3", "may:august", "5:august"],
                vec!["0", "13", "december:january", "May"],
            ),
            (
                check_years,
                vec!["2026", "2026:2028"],
                vec!["26", "2028:2026"],
            ),
        ] {
            for text in good {
                assert_eq!(check(text), Ok(()), "{text}");
            }
            for text in bad {
                assert!(check(text).is_err(), "{text}");
            }
        }
    }

    #[test]
    fn every_mistake_is_named_with_its_field() {
        let body: TimeIntervalBody = serde_json::from_value(serde_json::json!({
            "name": "ipmi-controller:x",
            "spans": [
                {"times": [{"start": "08:00", "end": "24:00"}, {"start": "22:00", "end": "06:00"}]},
                {"times": [{"start": "8:00", "end": "24:01"}], "weekdays": ["sunday", "freitag"],
                 "location": "Europe/Nowhere"},
            ],
        }))
        .unwrap();
        let found = TimeIntervalDraft::parse(&body).unwrap_err();
        let fields: Vec<&str> = found.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "name",
                "spans[0].times[1]",
                "spans[1].times[0]",
                "spans[1].weekdays[1]",
                "spans[1].location"
            ]
        );
    }
}
