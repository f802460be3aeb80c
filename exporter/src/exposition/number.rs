//! Numbers as Go's `strconv.FormatFloat(v, 'g', -1, 64)` writes them, which is
//! what the stock exporter's output looks like: `41`, `1e+06`, `1.7000401e+09`.

use std::fmt::Write as _;

/// From this decimal exponent on, and below -4, numbers get an exponent.
const EXPONENT_FROM: i32 = 6;

/// Appends `value` to `out`.
pub fn write_number(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if let Some(integer) = small_integer(value) {
        write_integer(out, integer);
    } else if let Some((digits, places)) = few_places(value) {
        write_decimal(out, digits, places);
    } else {
        write_shortest(out, value);
    }
}

/// Readings have few decimal places: value times a power of ten, and which one.
///
/// The number that is found is the shortest: it gives the value back, none with
/// fewer places does, and two decimals of so few digits are never the same float.
fn few_places(value: f64) -> Option<(i32, u32)> {
    // Smaller ones may need an exponent.
    if value.abs() < 0.001 || value.abs() >= 100_000.0 {
        return None;
    }
    [(10.0, 1), (100.0, 2), (1000.0, 3), (10_000.0, 4)]
        .into_iter()
        .find_map(|(power, places)| {
            #[expect(clippy::cast_possible_truncation, reason = "below 10^9, see above")]
            let digits = (value * power).round() as i32;
            (f64::from(digits) / power == value).then_some((digits, places))
        })
}

/// Appends `digits` with the point before the last `places` of them.
fn write_decimal(out: &mut String, digits: i32, places: u32) {
    if digits < 0 {
        out.push('-');
    }
    let power = 10_u32.pow(places);
    let (whole, mut rest) = (digits.unsigned_abs() / power, digits.unsigned_abs() % power);
    write_digits(out, whole);
    out.push('.');
    let mut place = power / 10;
    while place > 0 {
        push_digit(out, rest / place);
        rest %= place;
        place /= 10;
    }
}

fn write_integer(out: &mut String, integer: i32) {
    if integer < 0 {
        out.push('-');
    }
    write_digits(out, integer.unsigned_abs());
}

fn write_digits(out: &mut String, number: u32) {
    let mut place = 1;
    while number / place >= 10 {
        place *= 10;
    }
    let mut rest = number;
    while place > 0 {
        push_digit(out, rest / place);
        rest %= place;
        place /= 10;
    }
}

fn push_digit(out: &mut String, digit: u32) {
    out.push(char::from_digit(digit % 10, 10).unwrap_or('0'));
}

/// The fast path: most readings are whole numbers. Negative zero is not one.
fn small_integer(value: f64) -> Option<i32> {
    #[expect(clippy::cast_possible_truncation, reason = "the result is compared")]
    let integer = value as i32;
    let exact = f64::from(integer) == value && integer.unsigned_abs() < 1_000_000;
    (exact && (integer != 0 || value.is_sign_positive())).then_some(integer)
}

/// The shortest digits that give the same number back, laid out Go's way.
fn write_shortest(out: &mut String, value: f64) {
    // Rust's exponent form has the same digits: `1.7000401e9`, `-5e-7`, `-0e0`.
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        out.push_str(&scientific);
        return;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..EXPONENT_FROM).contains(&exponent) {
        // Writing to a String cannot fail, here and below.
        let _ = write!(out, "{value}");
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_look_as_go_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (41.0, "41"),
            (-5.0, "-5"),
            (0.2195, "0.2195"),
            (2.688, "2.688"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1_700_040_100.0, "1.7000401e+09"),
            (123_456.75, "123456.75"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-0.000_000_5, "-5e-07"),
            (1e100, "1e+100"),
            (-1.32, "-1.32"),
            (0.001, "0.001"),
            (99_999.999_9, "99999.9999"),
            (12.060_000_000_000_002, "12.060000000000002"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let mut out = String::new();
            write_number(&mut out, value);
            assert_eq!(out, text);
        }
    }

    proptest! {
        #[test]
        fn the_fast_paths_say_what_the_shortest_form_says(
            digits in -2_000_000_000_i32..2_000_000_000,
            places in 0_i32..8,
            raw: f64,
        ) {
            for value in [f64::from(digits) / 10_f64.powi(places), raw] {
                if value.is_finite() {
                    let (mut fast, mut shortest) = (String::new(), String::new());
                    write_number(&mut fast, value);
                    write_shortest(&mut shortest, value);
                    prop_assert_eq!(fast, shortest);
                }
            }
        }
    }
}
