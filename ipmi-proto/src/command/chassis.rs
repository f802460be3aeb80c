//! Chassis commands.

use super::Command;
use crate::wire::{DecodeError, NetFn, Reader};

/// Get Chassis Status (IPMI 2.0 section 28.2).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetChassisStatus;

/// Power and faults of the machine as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChassisStatus {
    /// Bit 0: power is on; 1 overload; 2 interlock; 3 power fault; 4 control
    /// fault; 6:5 restore policy.
    pub power: u8,
    /// Why power last went off.
    pub last_power_event: u8,
    /// Bit 0 intrusion; 1 front panel lock-out; 2 drive fault; 3 cooling fault.
    pub misc: u8,
    /// Front panel buttons; often absent.
    pub front_panel: Option<u8>,
}

impl ChassisStatus {
    /// Whether system power is on.
    pub fn is_power_on(&self) -> bool {
        self.power & 0x01 != 0
    }

    /// Whether a drive has failed.
    pub fn has_drive_fault(&self) -> bool {
        self.misc & 0x04 != 0
    }

    /// Whether cooling or a fan has failed.
    pub fn has_cooling_fault(&self) -> bool {
        self.misc & 0x08 != 0
    }
}

impl Command for GetChassisStatus {
    type Response = ChassisStatus;
    const NET_FN: NetFn = NetFn::CHASSIS;
    const COMMAND: u8 = 0x01;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<ChassisStatus, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(ChassisStatus {
            power: reader.u8("current power state")?,
            last_power_event: reader.u8("last power event")?,
            misc: reader.u8("chassis state")?,
            front_panel: reader.optional_u8(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bytes_are_enough() {
        let status = GetChassisStatus.decode(&[0x21, 0x10, 0x04]).unwrap();
        assert!(status.is_power_on());
        assert!(status.has_drive_fault());
        assert!(!status.has_cooling_fault());
        assert_eq!(status.front_panel, None);
        assert!(GetChassisStatus.decode(&[0x21, 0x10]).is_err());
    }
}
