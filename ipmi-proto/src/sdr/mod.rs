//! Sensor data records: what a BMC says about its sensors and devices.
//!
//! [`Record::decode`] turns the bytes of one record into a typed value;
//! [`repository`] reads all records of a BMC without doing any I/O itself.
//! Nothing here reads a sensor: see [`sensor`](crate::sensor) for that.
//!
//! Records come from firmware of every quality. A record that is too short for
//! its own type is an error of that one record, never of the repository.
//! Layouts: IPMI 2.0 section 43.

mod directory;
mod id_string;
mod key;
mod locator;
mod record;
pub mod repository;
mod sensor_field;
mod sensor_record;

pub use directory::{FoundSensor, SensorDirectory};
pub use key::{
    Entity, EntityId, EventClass, EventReadingType, OwnerId, RecordId, SensorKey, SensorNumber,
};
pub use locator::{ControllerLocator, FruLocator, GenericLocator};
pub use record::{RawRecord, Record, RecordHeader, RecordType};
pub use sensor_field::{
    Analog, Capabilities, EventMasks, Hysteresis, IdModifier, Sharing, ThresholdAccess,
};
pub use sensor_record::{
    EventOnlySensor, OwnerPolicy, SensorBody, SensorPlace, SensorRecord, Unreadable,
};
