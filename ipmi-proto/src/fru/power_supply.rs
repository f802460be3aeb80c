//! The power supply information record (FRU specification section 18.1).

use crate::wire::{DecodeError, Reader};

/// What a power supply is built for. Not what it delivers at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerSupply {
    /// Watts that it can deliver, 0-4095.
    pub capacity_watts: u16,
    /// Peak volt-amperes that it draws.
    pub peak_volt_amperes: Option<u16>,
    /// Largest inrush current in amperes.
    pub inrush_amperes: Option<u8>,
    /// How long the inrush lasts, in milliseconds.
    pub inrush_milliseconds: u8,
    /// Input voltages that it accepts; the second one is for supplies that
    /// switch.
    pub inputs: [Option<InputRange>; 2],
    /// Lowest and highest input frequency in hertz; both 0 for direct current.
    pub frequency_hertz: (u8, u8),
    /// Milliseconds that it bridges without input.
    pub dropout_milliseconds: u8,
    /// Whether a pin announces its failure.
    pub predictive_fail: bool,
    /// Whether it corrects its power factor.
    pub power_factor_correction: bool,
    /// Whether it switches between the input ranges by itself.
    pub autoswitch: bool,
    /// Whether it can be pulled while the machine runs.
    pub hot_swap: bool,
    /// Watts that it can deliver for a while, 0-4095.
    pub peak_watts: Option<u16>,
    /// For how many seconds, 0-15.
    pub peak_seconds: u8,
    /// Two rails that share a limit; `None` if none do.
    pub combined: Option<CombinedOutput>,
    /// Revolutions per second below which its fan counts as failing.
    pub tachometer_threshold: u8,
}

/// A range of input voltages in units of 10 mV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputRange {
    /// Lowest.
    pub low: u16,
    /// Highest.
    pub high: u16,
}

/// A limit that two rails share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CombinedOutput {
    /// The rails.
    pub rails: (Rail, Rail),
    /// Watts of both together.
    pub watts: u16,
}

/// A rail of a supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rail {
    /// +12 V.
    Plus12,
    /// -12 V.
    Minus12,
    /// +5 V.
    Plus5,
    /// +3.3 V.
    Plus3_3,
    /// A number without a meaning.
    Unknown(u8),
}

impl Rail {
    const fn new(nibble: u8) -> Self {
        match nibble {
            0 => Self::Plus12,
            1 => Self::Minus12,
            2 => Self::Plus5,
            3 => Self::Plus3_3,
            other => Self::Unknown(other),
        }
    }
}

impl PowerSupply {
    /// Decodes the record's data. Bytes behind the known 24 are ignored: some
    /// makers add their own.
    ///
    /// # Errors
    /// When fewer than 24 bytes are there.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        const TWELVE_BITS: u16 = 0x0fff;
        let mut reader = Reader::new(data);
        let capacity_watts = reader.u16("power supply capacity")? & TWELVE_BITS;
        let peak_volt_amperes = reader.u16("peak VA")?;
        let [inrush_amperes, inrush_milliseconds] = reader.array("inrush current")?;
        let inputs = [input(&mut reader)?, input(&mut reader)?];
        let [lowest, highest] = reader.array("input frequencies")?;
        let [dropout_milliseconds, flags] = reader.array("power supply flags")?;
        let peak = reader.u16("peak wattage")?;
        let rails = reader.u8("combined rails")?;
        let watts = reader.u16("combined wattage")?;
        let tachometer_threshold = reader.u8("tachometer threshold")?;
        let unspecified = u16::MAX;
        Ok(Self {
            capacity_watts,
            peak_volt_amperes: (peak_volt_amperes != unspecified).then_some(peak_volt_amperes),
            inrush_amperes: (inrush_amperes != u8::MAX).then_some(inrush_amperes),
            inrush_milliseconds,
            inputs,
            frequency_hertz: (lowest, highest),
            dropout_milliseconds,
            predictive_fail: flags & 0x01 != 0,
            power_factor_correction: flags & 0x02 != 0,
            autoswitch: flags & 0x04 != 0,
            hot_swap: flags & 0x08 != 0,
            peak_watts: (peak != unspecified).then_some(peak & TWELVE_BITS),
            peak_seconds: peak.to_be_bytes()[0] >> 4,
            combined: (watts != 0).then_some(CombinedOutput {
                rails: (Rail::new(rails >> 4), Rail::new(rails & 0x0f)),
                watts,
            }),
            tachometer_threshold,
        })
    }
}

fn input(reader: &mut Reader<'_>) -> Result<Option<InputRange>, DecodeError> {
    let low = reader.u16("lowest input voltage")?;
    let high = reader.u16("highest input voltage")?;
    Ok((high != 0).then_some(InputRange { low, high }))
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn every_field() {
        let data =
            hex!("ee 02 84 03 19 0a 28 23 20 67 00 00 00 00 2f 3f 0a 0a 20 53 23 90 01 3c 04 1b");
        assert_eq!(
            PowerSupply::decode(&data),
            Ok(PowerSupply {
                capacity_watts: 750,
                peak_volt_amperes: Some(900),
                inrush_amperes: Some(25),
                inrush_milliseconds: 10,
                inputs: [
                    Some(InputRange {
                        low: 9_000,
                        high: 26_400
                    }),
                    None
                ],
                frequency_hertz: (47, 63),
                dropout_milliseconds: 10,
                predictive_fail: false,
                power_factor_correction: true,
                autoswitch: false,
                hot_swap: true,
                peak_watts: Some(800),
                peak_seconds: 5,
                combined: Some(CombinedOutput {
                    rails: (Rail::Plus5, Rail::Plus3_3),
                    watts: 400,
                }),
                tachometer_threshold: 60,
            })
        );
    }

    #[test]
    fn what_is_not_said_is_absent() {
        let data = [0xff; 24];
        let supply = PowerSupply::decode(&data).unwrap();
        assert_eq!(supply.peak_volt_amperes, None);
        assert_eq!(supply.inrush_amperes, None);
        assert_eq!(supply.peak_watts, None);
        assert!(PowerSupply::decode(&[0; 23]).is_err());
    }
}
