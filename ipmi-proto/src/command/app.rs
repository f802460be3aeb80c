//! Application commands: identity, watchdog, system information.

use super::Command;
use crate::wire::{DecodeError, NetFn, Reader};

/// Get Device ID (IPMI 2.0 section 20.1).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetDeviceId;

/// Who the BMC is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceId {
    /// The maker's number for this kind of controller.
    pub device_id: u8,
    /// Low nibble: revision; bit 7: provides device SDRs.
    pub device_revision: u8,
    /// Bit 7 is set while the device is not available (starting, updating).
    pub firmware_major_raw: u8,
    /// Binary coded decimal by the specification, not always in practice.
    pub firmware_minor: u8,
    /// 51h: 1.5; 02h: 2.0.
    pub ipmi_version: u8,
    /// Bits: chassis, bridge, event generator, event receiver, FRU, SEL, SDR, sensor.
    pub additional_support: u8,
    /// IANA enterprise number, 20 bits.
    pub manufacturer: u32,
    /// The maker's number for the product.
    pub product: u16,
    /// More of the firmware revision, as the maker pleases; often absent.
    pub auxiliary_firmware: Option<[u8; 4]>,
}

impl DeviceId {
    /// Writes the answer's data, as [`GetDeviceId`] decodes it.
    pub fn encode(&self) -> Vec<u8> {
        let mut data = vec![
            self.device_id,
            self.device_revision,
            self.firmware_major_raw,
            self.firmware_minor,
            self.ipmi_version,
            self.additional_support,
        ];
        data.extend(self.manufacturer.to_le_bytes().into_iter().take(3));
        data.extend(self.product.to_le_bytes());
        data.extend(self.auxiliary_firmware.into_iter().flatten());
        data
    }

    /// Major firmware revision.
    pub fn firmware_major(&self) -> u8 {
        self.firmware_major_raw & 0x7f
    }

    /// Whether the device keeps records of its own sensors (Device SDRs), by either
    /// of the two bits that say so.
    pub fn may_have_device_sdrs(&self) -> bool {
        self.device_revision & 0x80 != 0 || self.additional_support & 0x01 != 0
    }

    /// Whether the device says that it is starting or being updated.
    pub fn is_unavailable(&self) -> bool {
        self.firmware_major_raw & 0x80 != 0
    }

    /// Whether the device has sensor records of its own beside the repository.
    pub fn provides_device_sdrs(&self) -> bool {
        self.device_revision & 0x80 != 0
    }

    /// Revision of the hardware, 0-15.
    pub fn hardware_revision(&self) -> u8 {
        self.device_revision & 0x0f
    }

    /// Version of IPMI, such as `2.0`; the digits are in reverse order.
    pub fn ipmi_version_text(&self) -> String {
        format!(
            "{:x}.{:x}",
            self.ipmi_version & 0x0f,
            self.ipmi_version >> 4
        )
    }

    /// Major in decimal and minor as two hex digits, as `bmc-info` prints them:
    /// 02h 37h is `2.37`.
    pub fn firmware_revision(&self) -> String {
        format!("{}.{:02x}", self.firmware_major(), self.firmware_minor)
    }
}

impl Command for GetDeviceId {
    type Response = DeviceId;
    const NET_FN: NetFn = NetFn::APP;
    const COMMAND: u8 = 0x01;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<DeviceId, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(DeviceId {
            device_id: reader.u8("device id")?,
            device_revision: reader.u8("device revision")?,
            firmware_major_raw: reader.u8("firmware revision")?,
            firmware_minor: reader.u8("firmware revision")?,
            ipmi_version: reader.u8("IPMI version")?,
            additional_support: reader.u8("additional device support")?,
            manufacturer: reader.u24("manufacturer id")? & 0x0f_ffff,
            product: reader.u16("product id")?,
            auxiliary_firmware: reader.array("auxiliary firmware revision").ok(),
        })
    }
}

/// Get Watchdog Timer (IPMI 2.0 section 27.7).
#[derive(Clone, Copy, Debug, Default)]
pub struct GetWatchdogTimer;

/// The watchdog's settings and state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchdogTimer {
    /// Bits 2:0: who uses it; bit 6: running; bit 7: do not log.
    pub timer_use: u8,
    /// Bits 2:0: action at time-out; bits 6:4: interrupt before it.
    pub actions: u8,
    /// Seconds before the time-out at which the interrupt comes.
    pub pre_timeout_seconds: u8,
    /// Which uses have expired.
    pub expiration_flags: u8,
    /// What the count-down starts at, in units of 100 ms.
    pub initial_countdown: u16,
    /// Where it is now, in units of 100 ms; absent from short answers.
    pub present_countdown: Option<u16>,
}

impl WatchdogTimer {
    /// Whether the timer counts down now.
    pub fn is_running(&self) -> bool {
        self.timer_use & 0x40 != 0
    }

    /// Whether expirations are logged.
    pub fn is_logging(&self) -> bool {
        self.timer_use & 0x80 == 0
    }

    /// 1 BIOS FRB2, 2 BIOS/POST, 3 OS load, 4 SMS/OS, 5 OEM; others reserved.
    pub fn user(&self) -> u8 {
        self.timer_use & 0x07
    }

    /// 0 none, 1 hard reset, 2 power down, 3 power cycle; others reserved.
    pub fn timeout_action(&self) -> u8 {
        self.actions & 0x07
    }

    /// 0 none, 1 SMI, 2 NMI, 3 messaging interrupt; others reserved.
    pub fn pre_timeout_interrupt(&self) -> u8 {
        (self.actions >> 4) & 0x07
    }
}

impl Command for GetWatchdogTimer {
    type Response = WatchdogTimer;
    const NET_FN: NetFn = NetFn::APP;
    const COMMAND: u8 = 0x25;

    fn encode(&self, _data: &mut Vec<u8>) {}

    fn decode(&self, data: &[u8]) -> Result<WatchdogTimer, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(WatchdogTimer {
            timer_use: reader.u8("timer use")?,
            actions: reader.u8("timer actions")?,
            pre_timeout_seconds: reader.u8("pre-timeout interval")?,
            expiration_flags: reader.u8("expiration flags")?,
            initial_countdown: reader.u16("initial countdown")?,
            present_countdown: reader.u16("present countdown").ok(),
        })
    }
}

/// What [`GetSystemInfoParameter`] asks for (IPMI 2.0 table 22-16b).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SystemInfoParameter {
    /// Version of the system's own firmware (BIOS).
    SystemFirmwareVersion = 1,
    /// Address of the BMC's own page.
    BmcUrl = 6,
}

/// Get System Info Parameters, one block of a text (IPMI 2.0 section 22.14b).
#[derive(Clone, Copy, Debug)]
pub struct GetSystemInfoParameter {
    /// Which text.
    pub parameter: SystemInfoParameter,
    /// Block number, from 0.
    pub block: u8,
}

/// One block of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemInfoBlock {
    /// Length of the whole text; only the first block says so.
    pub total_bytes: Option<u8>,
    /// At most 14 bytes in the first block, 16 in the others.
    pub text: Vec<u8>,
}

impl GetSystemInfoParameter {
    /// More blocks than a text of 255 bytes has are never asked for.
    pub const MAX_BLOCKS: u8 = 17;
    /// Completion code: the parameter is not supported.
    pub const NOT_SUPPORTED: crate::wire::CompletionCode = crate::wire::CompletionCode(0x80);
}

impl Command for GetSystemInfoParameter {
    type Response = SystemInfoBlock;
    const NET_FN: NetFn = NetFn::APP;
    const COMMAND: u8 = 0x59;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&[0, self.parameter as u8, self.block, 0]);
    }

    fn decode(&self, data: &[u8]) -> Result<SystemInfoBlock, DecodeError> {
        let mut reader = Reader::new(data);
        reader.u8("parameter revision")?;
        // A text that was never set comes without set selector, encoding, length.
        reader.optional_u8();
        let mut total_bytes = None;
        if self.block == 0 {
            reader.optional_u8();
            total_bytes = Some(reader.optional_u8().unwrap_or(0));
        }
        Ok(SystemInfoBlock {
            total_bytes,
            text: reader.rest().iter().copied().take(16).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn device_id_of_a_dell_is_read() {
        let id = GetDeviceId
            .decode(&hex!("20 81 02 37 02 df a20200 0001 00010203"))
            .unwrap();
        assert_eq!(id.firmware_revision(), "2.37");
        assert_eq!(id.manufacturer, 674);
        assert_eq!(id.product, 256);
        assert_eq!(id.auxiliary_firmware, Some([0, 1, 2, 3]));
        assert!(!id.is_unavailable());
        assert!(id.provides_device_sdrs());
        assert_eq!(id.hardware_revision(), 1);
        assert_eq!(id.ipmi_version_text(), "2.0");
        assert_eq!(GetDeviceId.decode(&id.encode()), Ok(id));
    }

    #[test]
    fn minor_revisions_that_are_not_decimal_stay_hex_and_aux_may_be_missing() {
        let id = GetDeviceId
            .decode(&hex!("20 01 82 ff 02 df ffffff 0001"))
            .unwrap();
        assert_eq!(id.firmware_revision(), "2.ff");
        assert!(id.is_unavailable());
        assert_eq!(id.manufacturer, 1_048_575);
        assert_eq!(id.auxiliary_firmware, None);
    }

    #[test]
    fn a_watchdog_answer_two_bytes_short_has_no_present_countdown() {
        let timer = GetWatchdogTimer.decode(&hex!("44 03 00 00 b80b")).unwrap();
        assert!(timer.is_running());
        assert_eq!(timer.user(), 4);
        assert_eq!(timer.timeout_action(), 3);
        assert_eq!(timer.initial_countdown, 3000);
        assert_eq!(timer.present_countdown, None);
    }

    #[test]
    fn system_info_without_set_selector_is_empty() {
        let command = GetSystemInfoParameter {
            parameter: SystemInfoParameter::BmcUrl,
            block: 0,
        };
        let block = command.decode(&[0x11]).unwrap();
        assert_eq!(block.total_bytes, Some(0));
        assert!(block.text.is_empty());
        let block = command.decode(b"\x11\x00\x00\x05hello\0\0\0").unwrap();
        assert_eq!(block.total_bytes, Some(5));
        assert_eq!(block.text, b"hello\0\0\0");
    }
}
