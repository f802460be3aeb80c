//! Device locator records: where FRU devices and controllers are.

use super::{Entity, RecordId, id_string};
use crate::wire::{DecodeError, Lun, Reader, Route};

/// Where a FRU information device is (type 11h, IPMI 2.0 section 43.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FruLocator {
    /// Id that the record bears itself.
    pub record_id: RecordId,
    /// Slave address of the controller in front of the device, 8-bit form.
    pub address: u8,
    /// FRU device id of a logical device, else the slave address on the bus.
    pub device: u8,
    /// Whether `device` is a logical FRU device behind FRU commands.
    pub logical: bool,
    /// LUN for FRU commands (bits 4:3) and private bus (bits 2:0).
    pub lun_and_bus: u8,
    /// Channel of the controller, 0-15.
    pub channel: u8,
    /// Device type (IPMI 2.0 table 43-12).
    pub device_type: u8,
    /// Modifier of the device type.
    pub device_type_modifier: u8,
    /// What the device belongs to.
    pub entity: Entity,
    /// Its name.
    pub name: Box<str>,
}

impl FruLocator {
    /// The way to the controller in front of the device.
    pub fn route(&self) -> Route {
        Route::to(self.channel, self.address)
    }

    /// LUN for FRU commands.
    pub fn lun(&self) -> Lun {
        Lun::from_low_bits(self.lun_and_bus >> 3)
    }

    pub(super) fn decode(record_id: RecordId, body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let address = reader.u8("controller address")?;
        let device = reader.u8("FRU device")?;
        let access = reader.u8("FRU access")?;
        let channel = reader.u8("channel")?;
        reader.u8("reserved")?;
        let device_type = reader.u8("device type")?;
        let device_type_modifier = reader.u8("device type modifier")?;
        let entity = entity(&mut reader)?;
        reader.u8("OEM")?;
        Ok(Self {
            record_id,
            address,
            device,
            logical: access & 0x80 != 0,
            lun_and_bus: access & 0x1f,
            channel: channel >> 4,
            device_type,
            device_type_modifier,
            entity,
            name: id_string::decode(reader.rest()),
        })
    }
}

/// Where a management controller is and what it can do (type 12h, IPMI 2.0
/// section 43.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerLocator {
    /// Id that the record bears itself.
    pub record_id: RecordId,
    /// Slave address, 8-bit form.
    pub address: u8,
    /// Channel, 0-15.
    pub channel: u8,
    /// Power state and initialisation flags as they are.
    pub initialization: u8,
    /// Device support bits, as in Get Device ID.
    pub capabilities: u8,
    /// What the controller belongs to.
    pub entity: Entity,
    /// Its name.
    pub name: Box<str>,
}

impl ControllerLocator {
    /// The way to the controller.
    pub fn route(&self) -> Route {
        Route::to(self.channel, self.address)
    }

    /// Whether it has sensors of its own.
    pub fn has_sensors(&self) -> bool {
        self.capabilities & 0x01 != 0
    }

    pub(super) fn decode(record_id: RecordId, body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let address = reader.u8("controller address")?;
        let channel = reader.u8("channel")?;
        let initialization = reader.u8("initialization")?;
        let capabilities = reader.u8("device capabilities")?;
        reader.take(3, "reserved")?;
        let entity = entity(&mut reader)?;
        reader.u8("OEM")?;
        Ok(Self {
            record_id,
            address,
            channel: channel & 0x0f,
            initialization,
            capabilities,
            entity,
            name: id_string::decode(reader.rest()),
        })
    }
}

/// Where a device on a private bus is (type 10h, IPMI 2.0 section 43.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenericLocator {
    /// Id that the record bears itself.
    pub record_id: RecordId,
    /// Slave address of the controller in front of the device, 8-bit form.
    pub access_address: u8,
    /// Slave address of the device on the bus, 8-bit form.
    pub device_address: u8,
    /// Channel number and LUN and bus bits as they are.
    pub channel_lun_bus: u8,
    /// Device type (IPMI 2.0 table 43-12).
    pub device_type: u8,
    /// Modifier of the device type.
    pub device_type_modifier: u8,
    /// What the device belongs to.
    pub entity: Entity,
    /// Its name.
    pub name: Box<str>,
}

impl GenericLocator {
    pub(super) fn decode(record_id: RecordId, body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let access_address = reader.u8("access address")?;
        let device_address = reader.u8("device address")?;
        let channel_lun_bus = reader.u8("channel, LUN and bus")?;
        reader.take(2, "address span and reserved")?;
        let device_type = reader.u8("device type")?;
        let device_type_modifier = reader.u8("device type modifier")?;
        let entity = entity(&mut reader)?;
        reader.u8("OEM")?;
        Ok(Self {
            record_id,
            access_address,
            device_address,
            channel_lun_bus,
            device_type,
            device_type_modifier,
            entity,
            name: id_string::decode(reader.rest()),
        })
    }
}

fn entity(reader: &mut Reader<'_>) -> Result<Entity, DecodeError> {
    let id = reader.u8("entity id")?;
    let instance = reader.u8("entity instance")?;
    Ok(Entity::from_bytes(id, instance))
}
