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
        // Writing to a String cannot fail, here and below.
        let _ = write!(out, "{integer}");
    } else {
        write_shortest(out, value);
    }
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
        let _ = write!(out, "{value}");
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "{mantissa}e{sign}{:02}", exponent.unsigned_abs());
    }
}

#[cfg(test)]
mod tests {
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
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let mut out = String::new();
            write_number(&mut out, value);
            assert_eq!(out, text);
        }
    }
}
