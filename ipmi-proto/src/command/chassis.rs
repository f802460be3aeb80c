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

    /// Whether the machine was switched off because of a power overload.
    pub fn has_power_overload(&self) -> bool {
        self.power & 0x02 != 0
    }

    /// Whether the interlock has switched the machine off: a panel is open.
    pub fn is_interlock_active(&self) -> bool {
        self.power & 0x04 != 0
    }

    /// Whether the main power subsystem has a fault.
    pub fn has_power_fault(&self) -> bool {
        self.power & 0x08 != 0
    }

    /// Whether the machine did not follow a command to switch on or off.
    pub fn has_power_control_fault(&self) -> bool {
        self.power & 0x10 != 0
    }

    /// Whether the chassis is open.
    pub fn is_intruded(&self) -> bool {
        self.misc & 0x01 != 0
    }

    /// Whether the buttons of the front panel are locked.
    pub fn is_front_panel_locked(&self) -> bool {
        self.misc & 0x02 != 0
    }

    /// What happens when AC comes back: 0 stays off, 1 as before, 2 always on,
    /// 3 not known.
    pub fn restore_policy(&self) -> u8 {
        (self.power >> 5) & 0x03
    }

    /// The identify light: 0 off, 1 on for a while, 2 on until further notice, 3
    /// reserved. `None` when the chassis does not tell.
    pub fn identify_state(&self) -> Option<u8> {
        (self.misc & 0x40 != 0).then_some((self.misc >> 4) & 0x03)
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

/// Get Chassis Capabilities (IPMI 2.0 section 28.1).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetChassisCapabilities;

/// What a chassis has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChassisCapabilities {
    /// Bit 0 intrusion sensor; 1 front panel lock-out; 2 diagnostic interrupt; 3
    /// power interlock.
    pub flags: u8,
}

impl Command for GetChassisCapabilities {
    type Response = ChassisCapabilities;
    const NET_FN: NetFn = NetFn::CHASSIS;
    const COMMAND: u8 = 0x00;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<ChassisCapabilities, DecodeError> {
        // Addresses of services follow, which nobody here asks.
        let flags = Reader::new(data).u8("chassis capabilities")?;
        Ok(ChassisCapabilities { flags })
    }
}

/// Get System Restart Cause (IPMI 2.0 section 28.11).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetRestartCause;

/// Why the machine was started last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartCause {
    /// 0 not known, 1 chassis control command, 2 reset button, 3 power button, 4
    /// watchdog, 5 OEM, 6 and 7 restore policy (always on, as before), 8 reset and 9
    /// power cycle by event filter, Ah soft reset, Bh real-time clock.
    pub cause: u8,
    /// On which channel the command came, where it was one; often absent.
    pub channel: Option<u8>,
}

impl Command for GetRestartCause {
    type Response = RestartCause;
    const NET_FN: NetFn = NetFn::CHASSIS;
    const COMMAND: u8 = 0x07;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<RestartCause, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(RestartCause {
            cause: reader.u8("restart cause")? & 0x0f,
            channel: reader.optional_u8(),
        })
    }
}

/// Get POH Counter (IPMI 2.0 section 28.14).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetPowerOnHours;

/// For how long the machine has been on in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerOnTime {
    /// What one count stands for; 1 to 255 minutes.
    pub minutes_per_count: u8,
    /// The counter.
    pub count: u32,
}

impl PowerOnTime {
    /// The time in seconds.
    pub fn seconds(self) -> u64 {
        const SECONDS_A_MINUTE: u64 = 60;
        // At most 32 + 8 + 6 bits.
        u64::from(self.count) * u64::from(self.minutes_per_count) * SECONDS_A_MINUTE
    }
}

impl Command for GetPowerOnHours {
    type Response = PowerOnTime;
    const NET_FN: NetFn = NetFn::CHASSIS;
    const COMMAND: u8 = 0x0f;

    fn encode(&self, _data: &mut Vec<u8>) {}

    /// A counter whose unit is 0 minutes counts nothing, and is refused.
    fn decode(&self, data: &[u8]) -> Result<PowerOnTime, DecodeError> {
        let mut reader = Reader::new(data);
        let minutes_per_count = reader.u8("minutes per count")?;
        if minutes_per_count == 0 {
            return Err(DecodeError::Invalid {
                field: "minutes per count",
                value: 0,
            });
        }
        Ok(PowerOnTime {
            minutes_per_count,
            count: reader.u32("power-on counter")?,
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

    #[test]
    fn conditions_and_policy_are_bits() {
        // As iDRAC9 firmware without a machine around it answers.
        let status = GetChassisStatus.decode(&[0xff, 0x00, 0x40, 0x10]).unwrap();
        assert!(status.has_power_overload() && status.is_interlock_active());
        assert!(status.has_power_fault() && status.has_power_control_fault());
        assert!(!status.is_intruded() && !status.is_front_panel_locked());
        assert_eq!(status.restore_policy(), 3);
        assert_eq!(status.identify_state(), Some(0));
        let status = GetChassisStatus.decode(&[0x21, 0x10, 0x23]).unwrap();
        assert!(status.is_intruded() && status.is_front_panel_locked());
        assert_eq!(status.restore_policy(), 1);
        assert_eq!(status.identify_state(), None);
    }

    #[test]
    fn restart_causes_may_lack_the_channel() {
        let cause = GetRestartCause.decode(&[0x00, 0x01]).unwrap();
        assert_eq!((cause.cause, cause.channel), (0, Some(1)));
        let cause = GetRestartCause.decode(&[0xf4]).unwrap();
        assert_eq!((cause.cause, cause.channel), (4, None));
        assert!(GetRestartCause.decode(&[]).is_err());
    }

    #[test]
    fn power_on_time_is_minutes_by_counts() {
        let time = |data: &[u8]| GetPowerOnHours.decode(data).map(PowerOnTime::seconds);
        assert_eq!(time(&[0x3c, 0x00, 0x00, 0x00, 0x00]), Ok(0));
        assert_eq!(time(&[0x3c, 0x10, 0x27, 0x00, 0x00]), Ok(36_000_000));
        assert_eq!(
            time(&[0xff, 0xff, 0xff, 0xff, 0xff]),
            Ok(65_712_999_613_500)
        );
        assert!(time(&[0x00, 0x01, 0x00, 0x00, 0x00]).is_err());
        assert!(time(&[0x3c, 0x10, 0x27, 0x00]).is_err());
    }

    #[test]
    fn capabilities_are_the_first_byte() {
        let data = [0x01, 0x20, 0x20, 0x20, 0x20, 0x20];
        let capabilities = GetChassisCapabilities.decode(&data).unwrap();
        assert_eq!(capabilities.flags, 1);
        assert!(GetChassisCapabilities.decode(&[]).is_err());
    }
}
