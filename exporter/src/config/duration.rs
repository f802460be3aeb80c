//! Durations as Go writes them (`500ms`, `1m30s`), the form of every Prometheus flag.

use std::time::Duration;

/// Units with their length in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// Reads a duration that is not negative: one or more numbers with a unit, or a bare `0`.
///
/// # Errors
/// One sentence for a person.
pub fn parse(text: &str) -> Result<Duration, String> {
    let bad = |why: &str| {
        Err(format!(
            "{why}; write a number with a unit, such as 500ms, 30s or 1m30s"
        ))
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.starts_with('-') {
        return bad("a negative duration");
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return bad("an empty duration");
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        if digits == 0 {
            return bad("not a duration");
        }
        let (number, after) = rest.split_at(digits);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        if unit.is_empty() {
            return bad("a number without a unit");
        }
        let Some((_, nanoseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return bad("an unknown unit");
        };
        let Some(part) = scale(number, *nanoseconds) else {
            return bad("not a duration");
        };
        let Some(sum) = total.checked_add(part) else {
            return bad("a duration that is too long");
        };
        total = sum;
        rest = after;
    }
    Ok(total)
}

/// `number` times a unit, exactly: decimal fractions are not taken through a float.
fn scale(number: &str, nanoseconds: u64) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut total = whole.checked_mul(nanoseconds)?;
    let mut unit = nanoseconds;
    for digit in fraction.chars() {
        unit /= 10;
        total = total.checked_add(u64::from(digit.to_digit(10)?).checked_mul(unit)?)?;
    }
    Some(Duration::from_nanos(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, milliseconds) in [
            ("0", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("1.5s", 1_500),
            (".5s", 500),
            ("2h", 7_200_000),
            ("+1s", 1_000),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        assert_eq!(parse("3us"), Ok(Duration::from_micros(3)));
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, start) in [
            ("", "an empty duration;"),
            ("5", "a number without a unit;"),
            ("-1s", "a negative duration;"),
            ("1 minute", "an unknown unit;"),
            ("1d", "an unknown unit;"),
            ("1.2.3s", "not a duration;"),
            (".s", "not a duration;"),
            ("s", "not a duration;"),
            ("99999999999999h", "not a duration;"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.starts_with(start), "{text}: {message}");
        }
    }
}
