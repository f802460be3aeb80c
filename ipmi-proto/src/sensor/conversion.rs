//! From a raw byte to a value: y = L[(M·x + B·10^Bexp) · 10^Rexp]
//! (IPMI 2.0 section 36.3).

/// How the raw byte is to be read as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnalogFormat {
    /// 0-255.
    Unsigned,
    /// One's complement: FFh and 00h are both zero.
    OnesComplement,
    /// Two's complement: -128 to 127.
    TwosComplement,
    /// The sensor has no analog reading.
    None,
}

impl AnalogFormat {
    /// Takes the format bits (7:6) of the first unit byte.
    pub const fn from_units_byte(byte: u8) -> Self {
        match byte >> 6 {
            0 => Self::Unsigned,
            1 => Self::OnesComplement,
            2 => Self::TwosComplement,
            _ => Self::None,
        }
    }

    /// The number that `raw` stands for.
    pub fn number(self, raw: u8) -> Option<i16> {
        match self {
            Self::Unsigned => Some(i16::from(raw)),
            Self::OnesComplement => {
                let signed = i16::from(raw.cast_signed());
                Some(if signed < 0 {
                    signed.saturating_add(1)
                } else {
                    signed
                })
            }
            Self::TwosComplement => Some(i16::from(raw.cast_signed())),
            Self::None => None,
        }
    }
}

/// What is applied to the linear result (IPMI 2.0 table 43-1, byte 24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Linearization {
    /// y
    Linear,
    /// ln y
    Ln,
    /// log10 y
    Log10,
    /// log2 y
    Log2,
    /// e^y
    Exp,
    /// 10^y
    Exp10,
    /// 2^y
    Exp2,
    /// 1/y
    Reciprocal,
    /// y²
    Square,
    /// y³
    Cube,
    /// √y
    SquareRoot,
    /// ∛y
    CubeRoot,
    /// 70h-7Fh: factors differ from reading to reading and have to be asked for
    /// with Get Sensor Reading Factors.
    NonLinear(u8),
    /// A code without a meaning.
    Reserved(u8),
}

impl From<u8> for Linearization {
    fn from(byte: u8) -> Self {
        match byte & 0x7f {
            0x00 => Self::Linear,
            0x01 => Self::Ln,
            0x02 => Self::Log10,
            0x03 => Self::Log2,
            0x04 => Self::Exp,
            0x05 => Self::Exp10,
            0x06 => Self::Exp2,
            0x07 => Self::Reciprocal,
            0x08 => Self::Square,
            0x09 => Self::Cube,
            0x0a => Self::SquareRoot,
            0x0b => Self::CubeRoot,
            code @ 0x70.. => Self::NonLinear(code),
            code => Self::Reserved(code),
        }
    }
}

impl Linearization {
    /// Applies the function; `None` where it has no finite value.
    fn apply(self, y: f64) -> Option<f64> {
        let value = match self {
            Self::Linear => y,
            Self::Ln => y.ln(),
            Self::Log10 => y.log10(),
            Self::Log2 => y.log2(),
            Self::Exp => y.exp(),
            Self::Exp10 => 10_f64.powf(y),
            Self::Exp2 => y.exp2(),
            // FreeIPMI leaves a zero alone, and so do existing series.
            Self::Reciprocal if y == 0.0 => 0.0,
            Self::Reciprocal => y.recip(),
            Self::Square => y * y,
            Self::Cube => y * y * y,
            Self::SquareRoot => y.sqrt(),
            Self::CubeRoot => y.cbrt(),
            Self::NonLinear(_) | Self::Reserved(_) => return None,
        };
        // Adding zero turns -0 into 0.
        value.is_finite().then_some(value + 0.0)
    }
}

/// M, B and their exponents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// Multiplier, -512 to 511.
    pub m: i16,
    /// Offset, -512 to 511.
    pub b: i16,
    /// Power of ten of the offset, -8 to 7.
    pub b_exponent: i8,
    /// Power of ten of the result, -8 to 7.
    pub r_exponent: i8,
}

/// Powers of ten from 0 to 8, all exact.
const POWERS_OF_TEN: [f64; 9] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

/// `value` times a power of ten. Divides for negative exponents, whose powers
/// have no exact form: 165 with exponent -2 is 1.65, not 1.6500000000000001.
fn scaled(value: f64, exponent: i8) -> f64 {
    let power = POWERS_OF_TEN
        .get(usize::from(exponent.unsigned_abs()))
        .copied()
        .unwrap_or_else(|| 10_f64.powi(i32::from(exponent.unsigned_abs())));
    if exponent < 0 {
        value / power
    } else {
        value * power
    }
}

impl Factors {
    /// Takes the six bytes as they stand in a full record (bytes 25-30) and in
    /// the answer of Get Sensor Reading Factors.
    pub const fn from_bytes(bytes: [u8; 6]) -> Self {
        let [m, m_high, b, b_high, _, exponents] = bytes;
        Self {
            m: ten_bits(m, m_high),
            b: ten_bits(b, b_high),
            b_exponent: four_bits(exponents & 0x0f),
            r_exponent: four_bits(exponents >> 4),
        }
    }

    /// [`Self::linear`], where it depends on the reading at all: a multiplier of 0
    /// makes a constant of every reading, which tells nothing of the sensor.
    fn of_reading(&self, x: i16) -> Option<f64> {
        (self.m != 0).then(|| self.linear(x))
    }

    /// The linear result for the number `x`.
    pub fn linear(&self, x: i16) -> f64 {
        let offset = scaled(f64::from(self.b), self.b_exponent);
        scaled(f64::from(x) * f64::from(self.m) + offset, self.r_exponent)
    }
}

/// Joins a low byte and two high bits (7:6) to a signed number.
const fn ten_bits(low: u8, high: u8) -> i16 {
    let joined = u16::from_be_bytes([high & 0xc0, 0]) | (low as u16) << 6;
    joined.cast_signed() >> 6
}

/// Extends the sign of a four-bit number.
const fn four_bits(nibble: u8) -> i8 {
    (nibble << 4).cast_signed() >> 4
}

/// Everything that turns a raw byte into a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// How to read the byte.
    pub format: AnalogFormat,
    /// What to apply at the end.
    pub linearization: Linearization,
    /// What to compute in between.
    pub factors: Factors,
}

impl Conversion {
    /// The value for a raw reading or threshold.
    ///
    /// `None` when the sensor has no analog format, when its multiplier is 0 and the
    /// reading does not matter, when its factors have to be
    /// asked for (see [`ReadingFactors`]), and where the function has no finite
    /// value, like the logarithm of zero. Never NaN or infinite. 1/0 is 0, as
    /// FreeIPMI has it.
    pub fn convert(&self, raw: u8) -> Option<f64> {
        let x = self.format.number(raw)?;
        self.linearization.apply(self.factors.of_reading(x)?)
    }
}

/// Answer of Get Sensor Reading Factors (IPMI 2.0 section 35.5): factors that
/// hold around one raw reading of a non-linear sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadingFactors {
    /// Next raw reading for which other factors hold.
    pub next_reading: u8,
    /// The factors.
    pub factors: Factors,
}

impl ReadingFactors {
    /// Decodes the answer's data, completion code not included.
    ///
    /// # Errors
    /// When fewer than seven bytes are there.
    pub fn decode(data: &[u8]) -> Result<Self, crate::wire::DecodeError> {
        let mut reader = crate::wire::Reader::new(data);
        Ok(Self {
            next_reading: reader.u8("next reading")?,
            factors: Factors::from_bytes(reader.array("reading factors")?),
        })
    }

    /// The value for a raw reading. No function is applied: the factors have it
    /// in them.
    pub fn convert(&self, format: AnalogFormat, raw: u8) -> Option<f64> {
        Linearization::Linear.apply(self.factors.of_reading(format.number(raw)?)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn factors(m: i16, b: i16, b_exponent: i8, r_exponent: i8) -> Factors {
        Factors {
            m,
            b,
            b_exponent,
            r_exponent,
        }
    }

    /// Packs factors the way a record holds them.
    fn pack(factors: Factors) -> [u8; 6] {
        let [m_high, m_low] = (factors.m << 6).to_be_bytes();
        let [b_high, b_low] = (factors.b << 6).to_be_bytes();
        let low = |high: u8, low: u8| (high << 2) | (low >> 6);
        let top = |high: u8| high & 0xc0;
        [
            low(m_high, m_low),
            top(m_high),
            low(b_high, b_low),
            top(b_high),
            0,
            (factors.r_exponent.cast_unsigned() << 4) | (factors.b_exponent.cast_unsigned() & 0x0f),
        ]
    }

    #[rstest]
    #[case(AnalogFormat::Unsigned, 0xf6, Some(246))]
    #[case(AnalogFormat::OnesComplement, 0xf6, Some(-9))]
    #[case(AnalogFormat::OnesComplement, 0xff, Some(0))]
    #[case(AnalogFormat::TwosComplement, 0xf6, Some(-10))]
    #[case(AnalogFormat::TwosComplement, 0x80, Some(-128))]
    #[case(AnalogFormat::None, 0x10, None)]
    fn raw_bytes_are_read_by_format(
        #[case] format: AnalogFormat,
        #[case] raw: u8,
        #[case] number: Option<i16>,
    ) {
        assert_eq!(format.number(raw), number);
    }

    #[rstest]
    #[case::plain(Linearization::Linear, factors(1, 0, 0, 0), 45, Some(45.0))]
    #[case::idrac6_ambient(Linearization::Linear, factors(1, -128, 0, 0), 0x96, Some(22.0))]
    #[case::millivolts(Linearization::Linear, factors(63, 0, 0, -3), 195, Some(12.285))]
    #[case::offset_exponent(Linearization::Linear, factors(1, 5, 2, 0), 7, Some(507.0))]
    #[case::ln(Linearization::Ln, factors(1, 0, 0, 0), 1, Some(0.0))]
    #[case::ln_of_zero(Linearization::Ln, factors(1, 0, 0, 0), 0, None)]
    #[case::log10(Linearization::Log10, factors(1, 0, 0, 0), 100, Some(2.0))]
    #[case::log10_of_negative(Linearization::Log10, factors(-1, 0, 0, 0), 5, None)]
    #[case::log2(Linearization::Log2, factors(1, 0, 0, 0), 8, Some(3.0))]
    #[case::exp(Linearization::Exp, factors(1, 0, 0, 0), 0, Some(1.0))]
    #[case::exp_overflow(Linearization::Exp, factors(100, 0, 0, 0), 255, None)]
    #[case::exp10(Linearization::Exp10, factors(1, 0, 0, 0), 3, Some(1000.0))]
    #[case::exp2(Linearization::Exp2, factors(1, 0, 0, 0), 10, Some(1024.0))]
    #[case::reciprocal(Linearization::Reciprocal, factors(1, 0, 0, 0), 4, Some(0.25))]
    #[case::reciprocal_of_zero(Linearization::Reciprocal, factors(1, 0, 0, 0), 0, Some(0.0))]
    #[case::square(Linearization::Square, factors(1, 0, 0, 0), 12, Some(144.0))]
    #[case::cube(Linearization::Cube, factors(1, 0, 0, 0), 3, Some(27.0))]
    #[case::square_root(Linearization::SquareRoot, factors(1, 0, 0, 0), 9, Some(3.0))]
    #[case::root_of_negative(Linearization::SquareRoot, factors(-1, 0, 0, 0), 9, None)]
    #[case::cube_root(Linearization::CubeRoot, factors(1, 0, 0, 0), 27, Some(3.0))]
    #[case::constant(Linearization::Linear, factors(0, 7, 0, 0), 200, None)]
    #[case::non_linear(Linearization::NonLinear(0x70), factors(1, 0, 0, 0), 1, None)]
    fn every_linearization(
        #[case] linearization: Linearization,
        #[case] factors: Factors,
        #[case] raw: u8,
        #[case] expected: Option<f64>,
    ) {
        let conversion = Conversion {
            format: AnalogFormat::Unsigned,
            linearization,
            factors,
        };
        match (conversion.convert(raw), expected) {
            (Some(value), Some(expected)) => {
                assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
            }
            (value, expected) => assert_eq!(value, expected),
        }
    }

    #[test]
    fn negative_zero_does_not_leave() {
        let conversion = Conversion {
            format: AnalogFormat::Unsigned,
            linearization: Linearization::Linear,
            factors: factors(-3, 0, 0, 0),
        };
        assert!(conversion.convert(0).unwrap().is_sign_positive());
    }

    #[test]
    fn reading_factors_apply_without_the_function() {
        let answer = ReadingFactors::decode(&[0x20, 2, 0, 1, 0, 0, 0]).unwrap();
        assert_eq!(answer.next_reading, 0x20);
        assert_eq!(answer.convert(AnalogFormat::Unsigned, 5), Some(11.0));
        assert!(ReadingFactors::decode(&[0x20, 2, 0]).is_err());
    }

    proptest! {
        #[test]
        fn packed_factors_come_back(
            m in -512_i16..512, b in -512_i16..512, b_exponent in -8_i8..8, r_exponent in -8_i8..8,
        ) {
            let factors = factors(m, b, b_exponent, r_exponent);
            prop_assert_eq!(Factors::from_bytes(pack(factors)), factors);
        }

        #[test]
        fn values_are_finite(units in any::<u8>(), linearization in any::<u8>(), bytes in any::<[u8; 6]>(), raw in any::<u8>()) {
            let conversion = Conversion {
                format: AnalogFormat::from_units_byte(units),
                linearization: Linearization::from(linearization),
                factors: Factors::from_bytes(bytes),
            };
            if let Some(value) = conversion.convert(raw) {
                prop_assert!(value.is_finite());
            }
        }
    }
}
