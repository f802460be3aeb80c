//! Units of sensor values (IPMI 2.0 section 43.17).
//!
//! FreeIPMI's text is ambiguous: coulombs and degrees Celsius are both `C`,
//! farads and degrees Fahrenheit both `F`. So what decides is
//! [`Unit::quantity`], and the text is only for people and comparisons.

use std::borrow::Cow;

/// Code of a base or modifier unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitCode(pub u8);

impl UnitCode {
    /// No unit.
    pub const UNSPECIFIED: Self = Self(0);
    /// Degrees Celsius.
    pub const CELSIUS: Self = Self(1);
    /// Degrees Fahrenheit.
    pub const FAHRENHEIT: Self = Self(2);
    /// Volts.
    pub const VOLTS: Self = Self(4);
    /// Amperes.
    pub const AMPERES: Self = Self(5);
    /// Watts.
    pub const WATTS: Self = Self(6);
    /// Coulombs.
    pub const COULOMBS: Self = Self(8);
    /// Revolutions per minute.
    pub const RPM: Self = Self(18);

    /// FreeIPMI's abbreviation; codes past the table read as "unspecified".
    pub fn text(self) -> &'static str {
        ABBREVIATIONS
            .get(usize::from(self.0))
            .copied()
            .unwrap_or("unspecified")
    }

    /// Whether the code means a unit at all.
    pub fn is_specified(self) -> bool {
        self.0 != 0 && usize::from(self.0) < ABBREVIATIONS.len()
    }
}

/// How base and modifier unit go together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Modifier {
    /// The modifier unit does not count.
    #[default]
    None,
    /// Base divided by modifier.
    Divide,
    /// Base times modifier.
    Multiply,
    /// A value without a meaning.
    Reserved,
}

/// Per which time the value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rate {
    /// Not a rate.
    #[default]
    None,
    /// Per microsecond.
    Microsecond,
    /// Per millisecond.
    Millisecond,
    /// Per second.
    Second,
    /// Per minute.
    Minute,
    /// Per hour.
    Hour,
    /// Per day.
    Day,
    /// A value without a meaning.
    Reserved,
}

/// A complete unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Whether the value is a percentage (of the base unit, if there is one).
    pub percentage: bool,
    /// Per which time.
    pub rate: Rate,
    /// How the modifier unit counts.
    pub modifier: Modifier,
    /// The unit itself.
    pub base: UnitCode,
    /// The unit that `modifier` speaks of.
    pub modifier_unit: UnitCode,
}

/// What a value measures, as far as metrics tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quantity {
    /// Degrees Celsius.
    Celsius,
    /// Volts.
    Volts,
    /// Amperes.
    Amperes,
    /// Watts.
    Watts,
    /// Revolutions per minute.
    Rpm,
    /// Percent of nothing in particular.
    Percent,
    /// Anything else; see [`Unit::text`].
    Other,
}

impl Unit {
    /// Takes the three unit bytes of a sensor record. The format bits of the
    /// first belong to [`AnalogFormat`](super::AnalogFormat).
    pub const fn from_bytes([flags, base, modifier_unit]: [u8; 3]) -> Self {
        Self {
            percentage: flags & 0x01 != 0,
            rate: match (flags >> 3) & 0x07 {
                0 => Rate::None,
                1 => Rate::Microsecond,
                2 => Rate::Millisecond,
                3 => Rate::Second,
                4 => Rate::Minute,
                5 => Rate::Hour,
                6 => Rate::Day,
                _ => Rate::Reserved,
            },
            modifier: match (flags >> 1) & 0x03 {
                0 => Modifier::None,
                1 => Modifier::Divide,
                2 => Modifier::Multiply,
                _ => Modifier::Reserved,
            },
            base: UnitCode(base),
            modifier_unit: UnitCode(modifier_unit),
        }
    }

    /// Whether the record names a unit or a percentage.
    pub fn is_given(&self) -> bool {
        self.percentage || self.base.is_specified()
    }

    /// What the value measures. A percentage of a unit, a rate or a composed
    /// unit is none of the named quantities.
    ///
    /// Two forms count as plain, as in FreeIPMI's text: a relation to an
    /// unspecified modifier unit, and RPM "per minute".
    pub fn quantity(&self) -> Quantity {
        let plain_modifier = match self.modifier {
            Modifier::None => true,
            Modifier::Divide | Modifier::Multiply => !self.modifier_unit.is_specified(),
            Modifier::Reserved => false,
        };
        let rpm_per_minute = self.base == UnitCode::RPM
            && self.rate == Rate::Minute
            && self.modifier == Modifier::None;
        if !(plain_modifier && self.rate == Rate::None || rpm_per_minute) {
            return Quantity::Other;
        }
        match (self.percentage, self.base) {
            (true, base) if !base.is_specified() && self.modifier == Modifier::None => {
                Quantity::Percent
            }
            (true, _) => Quantity::Other,
            (false, UnitCode::CELSIUS) => Quantity::Celsius,
            (false, UnitCode::VOLTS) => Quantity::Volts,
            (false, UnitCode::AMPERES) => Quantity::Amperes,
            (false, UnitCode::WATTS) => Quantity::Watts,
            (false, UnitCode::RPM) => Quantity::Rpm,
            (false, _) => Quantity::Other,
        }
    }

    /// The text that FreeIPMI prints. Plain units, which are nearly all, cost
    /// no allocation.
    pub fn text(&self) -> Cow<'static, str> {
        const UNSPECIFIED: &str = "unspecified";
        let base = self.base.text();
        let body: Cow<'static, str> = match (self.modifier, self.rate) {
            (Modifier::Reserved, _) | (_, Rate::Reserved) => UNSPECIFIED.into(),
            (Modifier::None, Rate::None) => {
                if self.percentage && !self.base.is_specified() {
                    return "%".into();
                }
                base.into()
            }
            (Modifier::None, Rate::Minute) if self.base == UnitCode::RPM => base.into(),
            (Modifier::None, rate) => format!("{base} {}", rate.text()).into(),
            (modifier, Rate::None) => {
                if !self.modifier_unit.is_specified() {
                    base.into()
                } else {
                    let sign = if modifier == Modifier::Divide {
                        '/'
                    } else {
                        '*'
                    };
                    format!("{base} {sign} {}", self.modifier_unit.text()).into()
                }
            }
            _ => UNSPECIFIED.into(),
        };
        if self.percentage {
            format!("% {body}").into()
        } else {
            body
        }
    }
}

impl Rate {
    fn text(self) -> &'static str {
        match self {
            Self::None | Self::Reserved => "",
            Self::Microsecond => "per uS",
            Self::Millisecond => "per ms",
            Self::Second => "per s",
            Self::Minute => "per minute",
            Self::Hour => "per hour",
            Self::Day => "per day",
        }
    }
}

/// FreeIPMI's abbreviations, by unit code.
#[rustfmt::skip]
const ABBREVIATIONS: [&str; 93] = [
    "unspecified", "C", "F", "K", "V", "A", "W", "J", "C", "VA", "nits", "lm", "lux", "cd",
    "KPA", "PSI", "N", "CFM", "RPM", "Hz", "us", "ms", "s", "min", "hr", "day", "wk", "mil",
    "in", "ft", "cu in", "cu feet", "mm", "cm", "m", "cu cm", "cu m", "L", "fl oz", "rad", "sr",
    "rev", "c", "g", "oz", "lb", "ft lB", "oz in", "G", "Gi", "H", "mH", "F", "uF", "ohms", "S",
    "mol", "Bq", "PPM", "Reserved", "dB", "DbA", "DbC", "Gy", "Sv", "color temp deg K", "b",
    "Kb", "Mb", "Gb", "B", "KB", "MB", "GB", "word", "dword", "qword", "line", "hit", "miss",
    "retry", "reset", "overrun / overflow", "underrun", "collision", "pkts", "msgs", "chars",
    "err", "correctable err", "uncorrectable err", "fatal err", "g",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case([0x00, 1, 0], "C", Quantity::Celsius)]
    #[case([0x80, 1, 0], "C", Quantity::Celsius)]
    #[case::coulombs([0x00, 8, 0], "C", Quantity::Other)]
    #[case::fahrenheit([0x00, 2, 0], "F", Quantity::Other)]
    #[case::volts([0x00, 4, 0], "V", Quantity::Volts)]
    #[case::amperes([0x00, 5, 0], "A", Quantity::Amperes)]
    #[case::watts([0x00, 6, 0], "W", Quantity::Watts)]
    #[case::rpm([0x00, 18, 0], "RPM", Quantity::Rpm)]
    #[case::rpm_per_minute([0x20, 18, 0], "RPM", Quantity::Rpm)]
    #[case::rpm_per_second([0x18, 18, 0], "RPM per s", Quantity::Other)]
    #[case::percent([0x01, 0, 0], "%", Quantity::Percent)]
    #[case::percent_of_rpm([0x01, 18, 0], "% RPM", Quantity::Other)]
    #[case::percent_of_volts([0x01, 4, 0], "% V", Quantity::Other)]
    #[case::rate([0x18, 1, 0], "C per s", Quantity::Other)]
    #[case::divide([0x02, 6, 1], "W / C", Quantity::Other)]
    #[case::multiply([0x04, 6, 1], "W * C", Quantity::Other)]
    #[case::divide_by_nothing([0x02, 6, 0], "W", Quantity::Watts)]
    #[case::reserved_modifier([0x06, 6, 1], "unspecified", Quantity::Other)]
    #[case::reserved_rate([0x38, 6, 0], "unspecified", Quantity::Other)]
    #[case::modifier_and_rate([0x1a, 6, 1], "unspecified", Quantity::Other)]
    #[case::beyond_the_table([0x00, 93, 0], "unspecified", Quantity::Other)]
    #[case::none([0xc0, 0, 0], "unspecified", Quantity::Other)]
    #[case::last([0x00, 92, 0], "g", Quantity::Other)]
    fn texts_and_quantities(
        #[case] bytes: [u8; 3],
        #[case] text: &str,
        #[case] quantity: Quantity,
    ) {
        let unit = Unit::from_bytes(bytes);
        assert_eq!(unit.text(), text);
        assert_eq!(unit.quantity(), quantity);
    }

    proptest! {
        /// The exporter's families are those of FreeIPMI's texts, but for
        /// coulombs, whose text lies.
        #[test]
        fn quantity_agrees_with_the_text(bytes in any::<[u8; 3]>()) {
            let unit = Unit::from_bytes(bytes);
            let by_text = match &*unit.text() {
                "C" if unit.base != UnitCode::COULOMBS => Quantity::Celsius,
                "V" => Quantity::Volts,
                "A" => Quantity::Amperes,
                "W" => Quantity::Watts,
                "RPM" => Quantity::Rpm,
                "%" => Quantity::Percent,
                _ => Quantity::Other,
            };
            prop_assert_eq!(unit.quantity(), by_text);
        }
    }
}
