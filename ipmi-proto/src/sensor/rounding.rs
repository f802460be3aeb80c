//! FreeIPMI's rounding, for comparing with what it prints.

/// Rounds the way FreeIPMI does before it prints two decimals.
///
/// The whole part is cut toward zero; the rest, times a hundred, is cut toward
/// zero too, and one is added only if what is left then exceeds one half. So
/// halves and negative fractions go toward zero: 0.335 is 0.33, -0.129 is
/// -0.12, and -0.005 is 0. Values beyond the range of a 64-bit integer, which
/// FreeIPMI can't print, are returned as they are.
pub fn freeipmi_hundredths(value: f64) -> f64 {
    // 2^63: from here on the cast that FreeIPMI does is not defined.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if !value.is_finite() || value.abs() >= LIMIT {
        return value;
    }
    let whole = value.trunc();
    let scaled = (value - whole) * 100.0;
    let cut = scaled.trunc();
    let hundredths = if scaled - cut > 0.5 { cut + 1.0 } else { cut };
    // Adding zero turns -0 into 0, which prints without a sign.
    whole + hundredths / 100.0 + 0.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    // What FreeIPMI printed for these values.
    #[rstest]
    #[case(0.005, "0.00")]
    #[case(0.015, "0.01")]
    #[case(0.335, "0.33")]
    #[case(0.0125, "0.01")]
    #[case(0.126, "0.13")]
    #[case(-0.129, "-0.12")]
    #[case(-0.126, "-0.12")]
    #[case(-0.005, "0.00")]
    #[case(-0.021, "-0.02")]
    #[case(2.688, "2.69")]
    #[case(195.0 * 63.0 * 1e-3, "12.29")]
    fn rounds_like_freeipmi(#[case] value: f64, #[case] printed: &str) {
        assert_eq!(format!("{:.2}", freeipmi_hundredths(value)), printed);
    }

    proptest! {
        #[test]
        fn is_at_most_a_hundredth_away(value in -1e9_f64..1e9) {
            prop_assert!((freeipmi_hundredths(value) - value).abs() <= 0.01 + 1e-6);
        }
    }
}
