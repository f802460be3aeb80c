//! A BMC of the days of IPMI 1.5, with one user and one session at a time, and
//! switches for how such BMCs deviate.
//!
//! It stands on this crate's own codes and packets. That those are right is not
//! judged here but by recorded sessions and by `ipmi_sim`.

use std::time::Instant;

use rmcp_ipmi::crypto::{AuthKey, AuthType, Password};
use rmcp_ipmi::wire::{
    CompletionCode, Framing, LanRequest, LanResponse, Lun, NetFn, PacketV15, decode_rmcp,
    encode_packet_v15,
};

use crate::pair::{PASSWORD, USER};
use crate::peers::{Outgoing, Peer};

const TEMPORARY_ID: u32 = 0x0200_0700;
const SESSION_ID: u32 = 0x0200_0800;
const CHALLENGE: [u8; 16] = [0xc4; 16];
/// What the console's numbers begin with.
const FIRST: u32 = 0x1234_5678;
/// How far ahead of the last number one is taken.
const WINDOW: u32 = 8;

/// How the BMC deviates.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    /// Types that are offered, and taken.
    pub(crate) types: Vec<AuthType>,
    /// Says that it offers none of them.
    pub(crate) lies: bool,
    /// The type that it goes on with after the log-in.
    pub(crate) adopts: Option<AuthType>,
    /// Says that packets are not authenticated.
    pub(crate) says_no_message_authentication: bool,
    /// The type of its replies, when it is not the agreed one.
    pub(crate) replies_with: Option<AuthType>,
    pub(crate) wrong_code: bool,
    pub(crate) session_id_zero: bool,
    pub(crate) swapped_sequence: bool,
    /// Its first number is this much off.
    pub(crate) off_by: i32,
    /// Answers to these commands are refused with this code.
    pub(crate) refuses: Option<(u8, u8)>,
    /// The highest level that the user has.
    pub(crate) max_privilege: u8,
    pub(crate) bad_checksums: bool,
    /// Activate Session is not answered.
    pub(crate) ignores_activation: bool,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            types: vec![
                AuthType::Md5,
                AuthType::Md2,
                AuthType::Password,
                AuthType::None,
            ],
            lies: false,
            adopts: None,
            says_no_message_authentication: false,
            replies_with: None,
            wrong_code: false,
            session_id_zero: false,
            swapped_sequence: false,
            off_by: 0,
            refuses: None,
            max_privilege: 4,
            bad_checksums: false,
            ignores_activation: false,
        }
    }
}

struct OpenSession {
    auth_type: AuthType,
    next: u32,
    /// The highest number of the console, and which of the 8 below were seen.
    highest: u32,
    seen: u32,
}

pub(crate) struct BmcV15 {
    pub(crate) ways: Ways,
    key: AuthKey,
    session: Option<OpenSession>,
    asked_type: Option<AuthType>,
    pub(crate) challenges: u32,
    pub(crate) activations: u32,
    pub(crate) wrong_codes: u32,
    pub(crate) closed: u32,
    /// How often each sensor was read, by number.
    pub(crate) privilege: u8,
    pub(crate) dropped: u32,
}

impl BmcV15 {
    pub(crate) fn new(ways: Ways) -> Self {
        Self {
            ways,
            key: AuthKey::new(&Password::new(PASSWORD.as_bytes()).unwrap()).unwrap(),
            session: None,
            asked_type: None,
            challenges: 0,
            activations: 0,
            wrong_codes: 0,
            closed: 0,
            privilege: 2,
            dropped: 0,
        }
    }

    pub(crate) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    fn verify(&mut self, packet: &PacketV15<'_>) -> Option<AuthType> {
        let auth_type = AuthType::from_number(packet.auth_type)?;
        let code = packet.auth_code.unwrap_or_default();
        let (id, sequence) = (packet.session_id, packet.sequence);
        if !self
            .key
            .verify(auth_type, id, sequence, packet.message, &code)
        {
            self.wrong_codes += 1;
            return None;
        }
        Some(auth_type)
    }

    fn receive(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        let (Framing::V15, session) = decode_rmcp(datagram).ok()? else {
            return None;
        };
        let packet = PacketV15::decode(session).ok()?;
        let request = LanRequest::decode(packet.message).ok()?;
        match (packet.session_id, request.net_fn, request.command) {
            (0, NetFn::APP, 0x38) => self.capabilities(&request),
            (0, NetFn::APP, 0x39) => self.challenge(&request),
            (TEMPORARY_ID, NetFn::APP, 0x3a) => self.activate(&packet, &request),
            (SESSION_ID, ..) => self.in_session(&packet, &request),
            _ => None,
        }
    }

    fn capabilities(&self, request: &LanRequest<'_>) -> Option<Vec<u8>> {
        let [channel, _level] = *request.data else {
            return None;
        };
        if channel & 0x80 != 0 {
            return None;
        }
        let offered = if self.ways.lies {
            &[]
        } else {
            &self.ways.types[..]
        };
        let types = offered
            .iter()
            .fold(0, |types, auth_type| types | 1 << auth_type.number());
        let status = 0x04 | u8::from(self.ways.says_no_message_authentication) << 4;
        let data = [0x01, types, status, 0, 0, 0, 0, 0];
        Some(self.plain(request, CompletionCode::OK, &data))
    }

    fn refusal(&self, request: &LanRequest<'_>) -> Option<CompletionCode> {
        self.ways
            .refuses
            .filter(|(command, _)| *command == request.command)
            .map(|(_, code)| CompletionCode(code))
    }

    fn challenge(&mut self, request: &LanRequest<'_>) -> Option<Vec<u8>> {
        self.challenges += 1;
        let (auth_type, name) = request.data.split_first()?;
        let auth_type = AuthType::from_number(*auth_type)?;
        let mut expected = [0; 16];
        expected[..USER.len()].copy_from_slice(USER.as_bytes());
        let is_taken = self.ways.types.contains(&auth_type);
        let refusal = self
            .refusal(request)
            .or_else(|| (name != expected).then_some(CompletionCode(0x81)))
            .or_else(|| (!is_taken).then_some(CompletionCode::INVALID_DATA_FIELD));
        if let Some(code) = refusal {
            return Some(self.plain(request, code, &[]));
        }
        self.asked_type = Some(auth_type);
        let data = [&TEMPORARY_ID.to_le_bytes()[..], &CHALLENGE].concat();
        Some(self.plain(request, CompletionCode::OK, &data))
    }

    fn activate(&mut self, packet: &PacketV15<'_>, request: &LanRequest<'_>) -> Option<Vec<u8>> {
        let auth_type = self.verify(packet)?;
        self.activations += 1;
        assert_eq!(Some(auth_type), self.asked_type);
        assert_eq!(request.data.get(2..18), Some(&CHALLENGE[..]));
        if self.ways.ignores_activation {
            return None;
        }
        let level = *request.data.get(1)?;
        let refusal = self
            .refusal(request)
            .or_else(|| (level > self.ways.max_privilege).then_some(CompletionCode(0x86)));
        if let Some(code) = refusal {
            return Some(self.seal(auth_type, TEMPORARY_ID, 0, request, code, &[]));
        }
        let first: [u8; 4] = request.data.get(18..22)?.try_into().ok()?;
        let first = u32::from_le_bytes(first);
        let adopted = self.ways.adopts.unwrap_or(auth_type);
        self.privilege = 2;
        self.session = Some(OpenSession {
            auth_type: adopted,
            next: first.wrapping_add_signed(self.ways.off_by),
            highest: FIRST.wrapping_sub(1),
            seen: 1,
        });
        let data = [
            &[adopted.number()][..],
            &SESSION_ID.to_le_bytes(),
            &FIRST.to_le_bytes(),
            &[level.min(self.ways.max_privilege)],
        ]
        .concat();
        Some(self.seal(
            auth_type,
            TEMPORARY_ID,
            first,
            request,
            CompletionCode::OK,
            &data,
        ))
    }

    /// Whether this number of the console's is new and near enough.
    fn admit(session: &mut OpenSession, number: u32) -> bool {
        let ahead = number.wrapping_sub(session.highest);
        if (1..=WINDOW).contains(&ahead) {
            session.seen = session.seen << ahead | 1;
            session.highest = number;
            return true;
        }
        let behind = session.highest.wrapping_sub(number);
        let bit = 1_u32.checked_shl(behind).unwrap_or(0);
        let is_fresh = behind <= WINDOW && session.seen & bit == 0;
        session.seen |= bit;
        is_fresh
    }

    fn in_session(&mut self, packet: &PacketV15<'_>, request: &LanRequest<'_>) -> Option<Vec<u8>> {
        let auth_type = self.verify(packet)?;
        let session = self.session.as_mut()?;
        if auth_type != session.auth_type || !Self::admit(session, packet.sequence) {
            self.dropped += 1;
            return None;
        }
        let number = session.next;
        session.next = number.wrapping_add(1);
        let (code, data) = match (request.net_fn, request.command) {
            (NetFn::APP, 0x3b) => {
                self.privilege = *request.data.first()?;
                (CompletionCode::OK, vec![self.privilege])
            }
            (NetFn::APP, 0x3c) => (CompletionCode::OK, Vec::new()),
            (NetFn::SENSOR_EVENT, 0x2d) => {
                let sensor = *request.data.first()?;
                (CompletionCode::OK, vec![sensor, 0xc0, !sensor])
            }
            _ => (CompletionCode::INVALID_COMMAND, Vec::new()),
        };
        let reply_type = self.ways.replies_with.unwrap_or(auth_type);
        let id = if self.ways.session_id_zero {
            0
        } else {
            SESSION_ID
        };
        let number = if self.ways.swapped_sequence {
            number.swap_bytes()
        } else {
            number
        };
        let reply = self.seal(reply_type, id, number, request, code, &data);
        if request.command == 0x3c && request.net_fn == NetFn::APP {
            self.session = None;
            self.closed += 1;
        }
        Some(reply)
    }

    fn message(&self, request: &LanRequest<'_>, code: CompletionCode, data: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        LanResponse {
            requester: request.requester,
            net_fn: request.net_fn.response(),
            requester_lun: Lun::BMC,
            responder: request.responder,
            sequence: request.sequence,
            responder_lun: request.lun,
            command: request.command,
            completion: code,
            data,
        }
        .encode(&mut message);
        if self.ways.bad_checksums {
            let last = message.len() - 1;
            message[2] ^= 0x55;
            message[last] ^= 0x55;
        }
        message
    }

    fn plain(&self, request: &LanRequest<'_>, code: CompletionCode, data: &[u8]) -> Vec<u8> {
        self.seal(AuthType::None, 0, 0, request, code, data)
    }

    fn seal(
        &self,
        auth_type: AuthType,
        session_id: u32,
        sequence: u32,
        request: &LanRequest<'_>,
        code: CompletionCode,
        data: &[u8],
    ) -> Vec<u8> {
        let message = self.message(request, code, data);
        let mut auth_code = *self.key.code(auth_type, session_id, sequence, &message);
        if self.ways.wrong_code {
            auth_code[15] ^= 1;
        }
        let mut out = Vec::new();
        encode_packet_v15(
            &mut out,
            auth_type.number(),
            sequence,
            session_id,
            (auth_type != AuthType::None).then_some(&auth_code),
            &message,
        );
        // The pad byte that some network interfaces need.
        if out.len() % 2 == 0 {
            out.push(0);
        }
        out
    }
}

impl Peer for BmcV15 {
    fn handle(&mut self, _now: Instant, datagram: &[u8]) -> Vec<Outgoing> {
        self.receive(datagram)
            .map(|bytes| Outgoing {
                delay: std::time::Duration::ZERO,
                bytes,
            })
            .into_iter()
            .collect()
    }
}
