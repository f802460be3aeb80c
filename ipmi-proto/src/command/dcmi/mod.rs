//! Commands of the Data Center Manageability Interface (DCMI 1.5).

mod capabilities;
mod power;
mod temperature;

pub use capabilities::{DcmiCapabilities, GetDcmiCapabilities};
pub use power::{GetPowerLimit, GetPowerReading, PowerLimit, PowerReading};
pub use temperature::{DcmiEntity, GetTemperatures, InstanceTemperature, TemperaturePage};

use crate::wire::{DecodeError, Reader};

/// The defining body of DCMI, first byte of every request and answer.
const GROUP: u8 = 0xdc;

/// Takes the first byte of an answer, which must be that of DCMI.
fn check_group(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    match reader.u8("group extension")? {
        GROUP => Ok(()),
        other => Err(DecodeError::Invalid {
            field: "group extension",
            value: u32::from(other),
        }),
    }
}
