//! Sensor and event commands.

use super::Command;
use crate::sdr::SensorNumber;
use crate::sensor::Reading;
use crate::wire::{DecodeError, Lun, NetFn};

/// Get Sensor Reading (IPMI 2.0 section 35.14).
///
/// Its completion codes say as much as its data; callers that care use
/// [`Answer::judge`](crate::sensor::Answer::judge) on the raw answer.
#[derive(Clone, Copy, Debug)]
pub struct GetSensorReading {
    /// Where the sensor is.
    pub lun: Lun,
    /// Its number there.
    pub number: SensorNumber,
}

impl Command for GetSensorReading {
    type Response = Reading;
    const NET_FN: NetFn = NetFn::SENSOR_EVENT;
    const COMMAND: u8 = 0x2d;

    fn lun(&self) -> Lun {
        self.lun
    }

    fn encode(&self, data: &mut Vec<u8>) {
        data.push(self.number.0);
    }

    fn decode(&self, data: &[u8]) -> Result<Reading, DecodeError> {
        Reading::decode(data).ok_or_else(|| DecodeError::Truncated {
            field: "sensor reading",
            missing: 2_usize.saturating_sub(data.len()),
        })
    }
}
