//! Durations in Prometheus' words, such as `5m` or `1h30m`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// Units in the order in which they must stand, with their milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// A duration as Prometheus writes it: whole numbers with the units `y`, `w`,
/// `d`, `h`, `m`, `s`, `ms`, each at most once and the greatest first, or `0`.
/// The text is kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PromDuration {
    text: String,
    milliseconds: u64,
}

impl PromDuration {
    /// Checks a duration.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is no duration; write whole numbers with units, the greatest first, such as 30s, 5m or 1h30m"
            )
        };
        let mut rest = text;
        let mut milliseconds: u64 = 0;
        let mut units = UNITS.iter();
        if text == "0" {
            rest = "";
        } else if text.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            let unit_length = after
                .bytes()
                .take_while(|byte| !byte.is_ascii_digit())
                .count();
            let (unit, after) = after.split_at(unit_length);
            let (_, factor) = units.find(|(name, _)| *name == unit).ok_or_else(wrong)?;
            let part = number.parse::<u64>().map_err(|_| wrong())?;
            milliseconds = part
                .checked_mul(*factor)
                .and_then(|part| milliseconds.checked_add(part))
                .filter(|sum| i64::try_from(*sum).is_ok())
                .ok_or_else(|| format!("\"{text}\" is longer than Prometheus can count"))?;
            rest = after;
        }
        Ok(Self {
            text: text.to_owned(),
            milliseconds,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How long it is.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

impl TryFrom<String> for PromDuration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<PromDuration> for String {
    fn from(duration: PromDuration) -> Self {
        duration.text
    }
}

impl utoipa::PartialSchema for PromDuration {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .examples(["5m"])
            .into()
    }
}

impl utoipa::ToSchema for PromDuration {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_prometheus_reads_them() {
        for (text, seconds) in [
            ("0", 0),
            ("0s", 0),
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            ("1y2w3d", (365 + 14 + 3) * 86_400),
            ("1s500ms", 1),
        ] {
            let duration = PromDuration::parse(text).unwrap();
            assert_eq!(duration.duration().as_secs(), seconds, "{text}");
            assert_eq!(duration.as_str(), text);
        }
        for bad in [
            "",
            "5",
            "m",
            "5 m",
            "-5m",
            "1.5h",
            "30m1h",
            "5m5m",
            "5min",
            "1µs",
            "99999999999y",
            "99999999999999999999s",
            "１m",
        ] {
            assert!(PromDuration::parse(bad).is_err(), "{bad:?}");
        }
    }
}
