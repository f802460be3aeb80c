//! Sensor and event commands.

use super::Command;
use crate::sdr::SensorNumber;
use crate::sdr::repository::{self, DeviceSdrInfo};
use crate::sensor::{RawThresholds, Reading, ReadingFactors};
use crate::wire::{DecodeError, Lun, NetFn, Reader};

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

/// Get Sensor Reading Factors (IPMI 2.0 section 35.5): how to convert one raw
/// reading of a sensor whose factors differ from reading to reading.
#[derive(Clone, Copy, Debug)]
pub struct GetSensorReadingFactors {
    /// Where the sensor is.
    pub lun: Lun,
    /// Its number there.
    pub number: SensorNumber,
    /// The raw reading.
    pub raw: u8,
}

impl Command for GetSensorReadingFactors {
    type Response = ReadingFactors;
    const NET_FN: NetFn = NetFn::SENSOR_EVENT;
    const COMMAND: u8 = 0x23;

    fn lun(&self) -> Lun {
        self.lun
    }

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&[self.number.0, self.raw]);
    }

    fn decode(&self, data: &[u8]) -> Result<ReadingFactors, DecodeError> {
        ReadingFactors::decode(data)
    }
}

/// Get Sensor Thresholds (IPMI 2.0 section 35.9): those that the controller works
/// with now; a record only has those that it started with.
#[derive(Clone, Copy, Debug)]
pub struct GetSensorThresholds {
    /// Where the sensor is.
    pub lun: Lun,
    /// Its number there.
    pub number: SensorNumber,
}

impl Command for GetSensorThresholds {
    /// Which thresholds are readable, by [bit](crate::sensor::Threshold::bit), and
    /// their raw values.
    type Response = (u8, RawThresholds);
    const NET_FN: NetFn = NetFn::SENSOR_EVENT;
    const COMMAND: u8 = 0x27;

    fn lun(&self) -> Lun {
        self.lun
    }

    fn encode(&self, data: &mut Vec<u8>) {
        data.push(self.number.0);
    }

    fn decode(&self, data: &[u8]) -> Result<(u8, RawThresholds), DecodeError> {
        RawThresholds::decode_response(data)
    }
}

/// Get Device SDR Info (IPMI 2.0 section 35.2), without its optional byte, which
/// controllers of IPMI 1.5 do not know.
#[derive(Clone, Copy, Debug, Default)]
pub struct GetDeviceSdrInfo(pub Lun);

impl Command for GetDeviceSdrInfo {
    type Response = DeviceSdrInfo;
    const NET_FN: NetFn = NetFn::SENSOR_EVENT;
    const COMMAND: u8 = 0x20;

    fn lun(&self) -> Lun {
        self.0
    }

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<DeviceSdrInfo, DecodeError> {
        DeviceSdrInfo::decode(data)
    }
}

/// Get Device SDR (IPMI 2.0 section 35.3), as a
/// [walk](crate::sdr::repository::DeviceWalk) wants it.
#[derive(Clone, Copy, Debug)]
pub struct GetDeviceSdr {
    /// Whose records.
    pub lun: Lun,
    /// Which one, and which piece of it.
    pub request: repository::GetSdr,
}

impl Command for GetDeviceSdr {
    type Response = Vec<u8>;
    const NET_FN: NetFn = NetFn::SENSOR_EVENT;
    const COMMAND: u8 = 0x21;

    fn lun(&self) -> Lun {
        self.lun
    }

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&self.request.encode());
    }

    fn decode(&self, data: &[u8]) -> Result<Vec<u8>, DecodeError> {
        Ok(data.to_vec())
    }
}

/// Reserve Device SDR Repository (IPMI 2.0 section 35.4); gives the reservation
/// id.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReserveDeviceSdr(pub Lun);

impl Command for ReserveDeviceSdr {
    type Response = u16;
    const NET_FN: NetFn = NetFn::SENSOR_EVENT;
    const COMMAND: u8 = 0x22;

    fn lun(&self) -> Lun {
        self.0
    }

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<u16, DecodeError> {
        Reader::new(data).u16("reservation id")
    }
}
