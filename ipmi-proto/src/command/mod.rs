//! Commands: what is asked and what the answer means.
//!
//! One type a request, one type a response, one file a command family. Nothing
//! here writes to a BMC: this crate has no command that changes anything but the
//! session itself.

mod app;
mod channel;
mod chassis;
mod clock;
mod dcmi;
mod fru;
mod identity;
mod lan;
pub mod oem;
mod sensor;
mod session_v15;
mod storage;

pub use app::{
    DeviceId, GetDeviceId, GetSystemInfoParameter, GetWatchdogTimer, SystemInfoBlock,
    SystemInfoParameter, WatchdogTimer,
};
pub use channel::{
    AuthenticationCapabilities, CipherSuiteList, GetChannelAuthenticationCapabilities,
    GetChannelCipherSuites, OfferedSuite,
};
pub use chassis::{
    ChassisCapabilities, ChassisStatus, GetChassisCapabilities, GetChassisStatus, GetPowerOnHours,
    GetRestartCause, PowerOnTime, RestartCause,
};
pub use clock::{GetSelTime, GetSelTimeUtcOffset, UtcOffset};
pub use dcmi::{
    DcmiCapabilities, DcmiEntity, GetDcmiCapabilities, GetPowerLimit, GetPowerReading,
    GetTemperatures, InstanceTemperature, PowerLimit, PowerReading, TemperaturePage,
};
pub use fru::{GetFruAreaInfo, ReadFru};
pub use identity::{GetSelfTestResults, GetSystemGuid, Guid, SelfTest, SelfTestFault};
pub use lan::{AddressSource, GetLanParameter, LanParameter, LanValue};
pub use oem::{GetSupermicroLanMode, LanMode};
pub use sensor::{
    GetDeviceSdr, GetDeviceSdrInfo, GetSensorReading, GetSensorReadingFactors, GetSensorThresholds,
    ReserveDeviceSdr,
};
pub use session_v15::{ActivateSession, ActivatedSession, GetSessionChallenge, SessionChallenge};
pub use storage::{
    GetSdr, GetSdrRepositoryInfo, GetSelAllocationInfo, GetSelEntry, GetSelInfo, ReserveSdr,
};

use crate::wire::{
    BMC_ADDRESS, DecodeError, LanRequest, Lun, NetFn, REMOTE_CONSOLE_ADDRESS, RequestSequence,
};

/// A request that has a typed response.
pub trait Command {
    /// What the answer holds.
    type Response;

    /// The command's family.
    const NET_FN: NetFn;
    /// The command's number in its family.
    const COMMAND: u8;

    /// Where the command is sent; nearly always the BMC's own LUN.
    fn lun(&self) -> Lun {
        Lun::BMC
    }

    /// Appends the request's data bytes.
    fn encode(&self, data: &mut Vec<u8>);

    /// Decodes the data of an answer with completion code 00h. Bytes after what
    /// is known are ignored: some BMCs send stray ones.
    ///
    /// # Errors
    /// When a required field is missing or impossible.
    fn decode(&self, data: &[u8]) -> Result<Self::Response, DecodeError>;
}

/// The message of a request from a remote console to the BMC, with its checksums
/// (IPMI 2.0 section 13.8); what goes around it depends on the session.
pub fn request_message<C: Command>(command: &C, sequence: RequestSequence) -> Vec<u8> {
    let mut data = Vec::new();
    command.encode(&mut data);
    let mut message = Vec::with_capacity(data.len() + 7);
    LanRequest {
        responder: BMC_ADDRESS,
        net_fn: C::NET_FN,
        lun: command.lun(),
        requester: REMOTE_CONSOLE_ADDRESS,
        sequence,
        command: C::COMMAND,
        data: &data,
    }
    .encode(&mut message);
    message
}
