//! Every decoder of datagrams and of answers, on the same bytes; where there is
//! an encoder, decoding what it wrote gives the same value.

use rmcp_ipmi::PrivilegeLevel;
use rmcp_ipmi::command::oem::{
    FindEnergyMeter, GetDellEnergy, GetDellHeadroom, GetDellPower, GetFpcPower,
    GetNodeManagerStatistics, LenovoIana, NodeManagerDomain, NodeManagerMode,
};
use rmcp_ipmi::command::{
    ActivateSession, CipherSuiteList, Command, GetChannelAuthenticationCapabilities,
    GetChannelCipherSuites, GetChassisCapabilities, GetChassisStatus, GetDcmiCapabilities,
    GetDeviceId, GetLanParameter, GetPowerLimit, GetPowerOnHours, GetPowerReading, GetRestartCause,
    GetSdrRepositoryInfo, GetSelAllocationInfo, GetSelInfo, GetSelTime, GetSelTimeUtcOffset,
    GetSelfTestResults, GetSessionChallenge, GetSupermicroLanMode, GetSystemGuid,
    GetSystemInfoParameter, GetTemperatures, GetWatchdogTimer, LanParameter, ReserveSdr,
    SystemInfoParameter,
};
use rmcp_ipmi::crypto::{AuthKey, AuthType, Password, Username};
use rmcp_ipmi::sdr::EntityId;
use rmcp_ipmi::wire::{
    Framing, LanRequest, LanResponse, OpenSessionRequest, OpenSessionResponse, PacketV15,
    PacketV20, PayloadType, Pong, Rakp1, Rakp2, Rakp3, Rakp4, decode_rmcp, encode_header_v20,
    encode_packet_v15, encode_ping, encode_sessionless_v15, encode_sessionless_v20,
};

pub fn run(data: &[u8]) {
    whole(data);
    // Without having to guess the headers.
    payload(data);
    message(data);
    answers(data);
    v15(data);
    v20(data);
    pong(data);
    suite_list(data);
}

fn pong(datagram: &[u8]) {
    if let Ok(pong) = Pong::decode(datagram) {
        let mut ping = Vec::new();
        encode_ping(&mut ping, pong.tag);
        assert!(Pong::decode(&ping).is_err(), "a ping is no pong");
    }
}

/// The bytes as the pages of a list of cipher suites.
fn suite_list(data: &[u8]) {
    let mut list = CipherSuiteList::default();
    let mut pages = 0;
    for page in data.chunks(16) {
        pages += 1;
        match list.push(page) {
            Some(next) => assert_eq!(next.page, pages),
            None => break,
        }
    }
    assert!(pages <= GetChannelCipherSuites::MAX_PAGES);
    let suites = list.suites();
    assert!(suites.len() <= CipherSuiteList::MAX_SUITES);
    for (place, suite) in suites.iter().enumerate() {
        assert!(!suites[..place].contains(suite), "told twice");
        if let Some(standard) = suite.standard() {
            assert_eq!(standard.algorithms(), suite.algorithms);
        }
    }
}

fn whole(datagram: &[u8]) {
    match decode_rmcp(datagram) {
        Ok((Framing::V15, session)) => v15(session),
        Ok((Framing::V20, session)) => v20(session),
        Err(_) => {}
    }
}

fn v15(session: &[u8]) {
    let Ok(packet) = PacketV15::decode(session) else {
        return;
    };
    message(packet.message);
    if packet.auth_type != 0 {
        let mut again = Vec::new();
        let code = packet.auth_code;
        encode_packet_v15(
            &mut again,
            packet.auth_type,
            packet.sequence,
            packet.session_id,
            code.as_ref(),
            packet.message,
        );
        let (framing, session) = decode_rmcp(&again).expect("what we write is RMCP");
        if framing == Framing::V15 {
            assert_eq!(PacketV15::decode(session), Ok(packet.clone()));
        }
        let key = AuthKey::new(&Password::default()).expect("short enough");
        if let Some(auth_type) = AuthType::from_number(packet.auth_type) {
            let (id, sequence) = (packet.session_id, packet.sequence);
            let code = key.code(auth_type, id, sequence, packet.message);
            assert!(key.verify(auth_type, id, sequence, packet.message, &code[..]));
        }
    }
    if (packet.auth_type, packet.sequence, packet.session_id) == (0, 0, 0) {
        let mut again = Vec::new();
        encode_sessionless_v15(&mut again, packet.message);
        let (framing, session) = decode_rmcp(&again).expect("what we write is RMCP");
        assert_eq!(framing, Framing::V15);
        assert_eq!(PacketV15::decode(session), Ok(packet));
    }
}

fn v20(session: &[u8]) {
    let Ok(packet) = PacketV20::decode(session) else {
        return;
    };
    payload(packet.payload);
    message(packet.payload);
    let mut again = Vec::new();
    if packet.payload_type == PayloadType::OEM_EXPLICIT {
        // Never sent, so never encoded.
        return;
    }
    encode_header_v20(
        &mut again,
        packet.payload_type,
        packet.encrypted,
        packet.authenticated,
        packet.session_id,
        packet.sequence,
        u16::try_from(packet.payload.len()).expect("the length came from 16 bits"),
    );
    again.extend_from_slice(packet.payload);
    again.extend_from_slice(packet.trailer);
    let (framing, session) = decode_rmcp(&again).expect("what we write is RMCP");
    assert_eq!(framing, Framing::V20);
    assert_eq!(PacketV20::decode(session), Ok(packet));
}

/// Encodes what was decoded, decodes that, and compares.
macro_rules! check_both_ways {
    ($bytes:expr, $($message:ident),+) => {$(
        if let Ok(value) = $message::decode($bytes) {
            let mut again = Vec::new();
            value.encode(&mut again);
            assert_eq!($message::decode(&again), Ok(value));
        }
    )+};
}

/// Payloads of the handshake.
fn payload(bytes: &[u8]) {
    check_both_ways!(
        bytes,
        OpenSessionRequest,
        OpenSessionResponse,
        Rakp1,
        Rakp2,
        Rakp3,
        Rakp4
    );
    if bytes.len() <= usize::from(u16::MAX) {
        let mut datagram = Vec::new();
        encode_sessionless_v20(&mut datagram, PayloadType::RAKP2, bytes);
        let (_, session) = decode_rmcp(&datagram).expect("what we write is RMCP");
        let packet = PacketV20::decode(session).expect("what we write is RMCP+");
        assert_eq!(packet.payload, bytes);
    }
}

/// Messages keep every bit, so encoding gives the very bytes.
fn message(bytes: &[u8]) {
    if let Ok(request) = LanRequest::decode(bytes) {
        let mut again = Vec::new();
        request.encode(&mut again);
        assert_eq!(LanRequest::decode(&again), Ok(request));
    }
    if let Ok(response) = LanResponse::decode(bytes) {
        assert_eq!(LanResponse::decode_unchecked(bytes), Ok(response));
        let mut again = Vec::new();
        response.encode(&mut again);
        assert_eq!(again, bytes);
        answers(response.data);
    }
}

/// The same for the commands of the additional collectors.
fn more_answers(data: &[u8]) {
    let _ = GetChassisCapabilities.decode(data);
    let _ = GetDcmiCapabilities.decode(data);
    let _ = GetPowerLimit.decode(data);
    let _ = GetRestartCause.decode(data);
    let _ = GetSelTime.decode(data);
    let _ = GetSelTimeUtcOffset.decode(data);
    let _ = GetSelfTestResults.decode(data);
    let _ = GetDellEnergy.decode(data);
    let _ = GetDellHeadroom.decode(data);
    let _ = GetDellPower.decode(data);
    if let Ok(time) = GetPowerOnHours.decode(data) {
        assert!(time.seconds() <= 65_712_999_613_500);
    }
    if let Ok(guid) = GetSystemGuid.decode(data) {
        assert_eq!(guid.ipmi_text().len(), guid.smbios_text().len());
    }
    if let Ok(value) = GetLanParameter(LanParameter::VlanId).decode(data) {
        let _ = (value.vlan_id(), value.mac_address(), value.ip_address());
    }
    let temperatures = GetTemperatures {
        entity: EntityId(0x40),
        start: 0,
    };
    if let Ok(page) = temperatures.decode(data) {
        assert!(page.readings.len() <= GetTemperatures::PAGE);
    }
    for iana in LenovoIana::ALL {
        let _ = FindEnergyMeter(iana).decode(data);
    }
    for power in GetFpcPower::ALL {
        let _ = power.decode(data);
    }
    let statistics = GetNodeManagerStatistics {
        mode: NodeManagerMode::Power,
        domain: NodeManagerDomain::Platform,
    };
    let _ = statistics.decode(data);
}

/// The data of an answer, taken for that of each command.
fn answers(data: &[u8]) {
    if let Ok(identity) = GetDeviceId.decode(data) {
        assert!(identity.firmware_revision().len() < 16);
    }
    let _ = GetChassisStatus.decode(data);
    let capabilities = GetChannelAuthenticationCapabilities {
        with_v20: true,
        level: PrivilegeLevel::User,
    };
    if let Ok(capabilities) = capabilities.decode(data) {
        assert!(capabilities.speaks_v15() || capabilities.auth_types & 0x80 != 0);
    }
    if let Ok(page) = (GetChannelCipherSuites { page: 0 }).decode(data) {
        assert!(page.len() <= 16);
    }
    let challenge = GetSessionChallenge {
        auth_type: AuthType::Md5,
        username: Username::default(),
    };
    let _ = challenge.decode(data);
    let activate = ActivateSession {
        auth_type: AuthType::Md5,
        max_privilege: PrivilegeLevel::User,
        challenge: [0; 16],
        bmc_sequence: 1,
    };
    if let Ok(session) = activate.decode(data) {
        assert!(session.auth_type <= 0x0f && session.max_privilege <= 0x0f);
    }
    let _ = GetPowerReading.decode(data);
    let _ = GetSdrRepositoryInfo.decode(data);
    let _ = GetSelAllocationInfo.decode(data);
    let _ = GetSelInfo.decode(data);
    let _ = GetSupermicroLanMode.decode(data);
    let _ = GetWatchdogTimer.decode(data);
    let _ = ReserveSdr.decode(data);
    more_answers(data);
    for block in [0, 1, GetSystemInfoParameter::MAX_BLOCKS] {
        let command = GetSystemInfoParameter {
            parameter: SystemInfoParameter::SystemFirmwareVersion,
            block,
        };
        if let Ok(block) = command.decode(data) {
            assert!(block.text.len() <= 16, "{block:?}");
        }
    }
}
