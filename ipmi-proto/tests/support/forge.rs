//! A BMC that can say anything: it does the key exchange honestly and then
//! seals whatever it is given with the right keys. For what only a BMC could do
//! to a client, and a stranger could not.
//!
//! It stands on this crate's own keys and packets. That the keys are right is
//! not judged here but by recorded sessions.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use rmcp_ipmi::crypto::{
    CipherSuite, KeyExchange, KeyStream, KeyedHash, Password, SUITES, SessionKeys,
};
use rmcp_ipmi::wire::{
    AlgorithmTriple, CompletionCode, Framing, LanRequest, LanResponse, Lun, NetFn,
    OpenSessionRequest, OpenSessionResponse, PacketV15, PacketV20, PayloadType, Rakp1, Rakp2,
    Rakp2Proof, Rakp3, Rakp4, RequestSequence, Role, decode_rmcp, encode_header_v20,
    encode_integrity_pad, encode_sessionless_v15, encode_sessionless_v20,
};

const BMC_SESSION_ID: u32 = 0x5e55_1017;
const BMC_RANDOM: [u8; 16] = [0xb5; 16];
const GUID: [u8; 16] = [0x60; 16];
const RMCP_BYTES: usize = 4;
const GET_CHANNEL_AUTHENTICATION_CAPABILITIES: u8 = 0x38;
/// Where the answers of the handshake have their status.
const HANDSHAKE_STATUS: usize = 17;

/// What came from the console.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Get Channel Authentication Capabilities.
    Capabilities(Request),
    /// Get Channel Cipher Suites, or another question without a session.
    Sessionless(Request),
    OpenSession(OpenSessionRequest),
    Rakp1 {
        tag: u8,
    },
    Rakp3 {
        tag: u8,
    },
    /// A command in the session.
    Request(Request),
}

/// A request out of its packet.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) net_fn: NetFn,
    pub(crate) lun: Lun,
    pub(crate) requester: u8,
    pub(crate) responder: u8,
    pub(crate) sequence: RequestSequence,
    pub(crate) command: u8,
    #[allow(dead_code, reason = "the fuzz targets don't ask for it")]
    pub(crate) data: Vec<u8>,
}

impl Request {
    pub(crate) fn decode(message: &[u8]) -> Option<Self> {
        let request = LanRequest::decode(message).ok()?;
        Some(Self {
            net_fn: request.net_fn,
            lun: request.lun,
            requester: request.requester,
            responder: request.responder,
            sequence: request.sequence,
            command: request.command,
            data: request.data.to_vec(),
        })
    }

    /// The answer to it, to be changed at will.
    pub(crate) fn response<'a>(
        &self,
        completion: CompletionCode,
        data: &'a [u8],
    ) -> LanResponse<'a> {
        LanResponse {
            requester: self.requester,
            net_fn: self.net_fn.response(),
            requester_lun: Lun::BMC,
            responder: self.responder,
            sequence: self.sequence,
            responder_lun: self.lun,
            command: self.command,
            completion,
            data,
        }
    }
}

/// The outside of a packet in a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) session_id: u32,
    pub(crate) sequence: u32,
    pub(crate) payload_type: PayloadType,
    pub(crate) encrypted: bool,
    pub(crate) authenticated: bool,
}

/// What a handshake has come to.
struct Exchange {
    suite: &'static CipherSuite,
    console_session_id: u32,
    console_random: [u8; 16],
    role: Role,
    username: Vec<u8>,
}

pub(crate) struct Forge {
    password: Password,
    exchange: Option<Exchange>,
    keys: Option<SessionKeys>,
    next_sequence: u32,
    /// The code of the last RAKP message 3.
    last_proof: Vec<u8>,
    /// How often a RAKP message 3 with a code came.
    pub(crate) proofs: u32,
}

impl Forge {
    pub(crate) fn new(password: &str) -> Self {
        Self {
            password: Password::new(password.as_bytes()).unwrap(),
            exchange: None,
            keys: None,
            next_sequence: 1,
            last_proof: Vec::new(),
            proofs: 0,
        }
    }

    /// Takes apart what came; `None` when it is nothing of the kind.
    pub(crate) fn receive(&mut self, datagram: &[u8]) -> Option<Incoming> {
        let (framing, session) = decode_rmcp(datagram).ok()?;
        if framing == Framing::V15 {
            let packet = PacketV15::decode(session).ok()?;
            return Request::decode(packet.message).map(|request| match request.command {
                GET_CHANNEL_AUTHENTICATION_CAPABILITIES => Incoming::Capabilities(request),
                _ => Incoming::Sessionless(request),
            });
        }
        let packet = PacketV20::decode(session).ok()?;
        match packet.payload_type {
            PayloadType::OPEN_SESSION_REQUEST => {
                let request = OpenSessionRequest::decode(packet.payload).ok()?;
                self.exchange = Some(Exchange {
                    suite: suite_of(request.algorithms)?,
                    console_session_id: request.console_session_id,
                    console_random: [0; 16],
                    role: Role(0),
                    username: Vec::new(),
                });
                Some(Incoming::OpenSession(request))
            }
            PayloadType::RAKP1 => {
                let message = Rakp1::decode(packet.payload).ok()?;
                let exchange = self.exchange.as_mut()?;
                exchange.console_random = message.console_random;
                exchange.role = message.role;
                exchange.username = message.username.to_vec();
                let sik = self.key_exchange()?.session_integrity_key();
                self.keys = Some(sik.session_keys(&self.password));
                Some(Incoming::Rakp1 { tag: message.tag })
            }
            PayloadType::RAKP3 => {
                let message = Rakp3::decode(packet.payload).ok()?;
                self.proofs += u32::from(message.outcome.is_ok());
                self.last_proof = message.outcome.unwrap_or_default().to_vec();
                Some(Incoming::Rakp3 { tag: message.tag })
            }
            PayloadType::IPMI => {
                let mut payload = packet.payload.to_vec();
                let cipher = &self.keys.as_ref()?.cipher;
                let mut stream = KeyStream::default();
                let message = cipher.decrypt(&mut payload, &mut stream).ok()?;
                Request::decode(message).map(Incoming::Request)
            }
            _ => None,
        }
    }

    fn key_exchange(&self) -> Option<KeyExchange<'_>> {
        let exchange = self.exchange.as_ref()?;
        Some(KeyExchange {
            suite: exchange.suite,
            password: &self.password,
            k_g: None,
            console_session_id: exchange.console_session_id,
            bmc_session_id: BMC_SESSION_ID,
            console_random: &exchange.console_random,
            bmc_random: &BMC_RANDOM,
            bmc_guid: &GUID,
            role: exchange.role,
            username: &exchange.username,
        })
    }

    /// The session id that the console gave itself; 0 before it did.
    pub(crate) fn console_session_id(&self) -> u32 {
        self.exchange
            .as_ref()
            .map_or(0, |exchange| exchange.console_session_id)
    }

    /// The role of the last RAKP message 1.
    #[allow(dead_code, reason = "the fuzz targets don't ask for it")]
    pub(crate) fn role(&self) -> Role {
        self.exchange
            .as_ref()
            .map_or(Role(0), |exchange| exchange.role)
    }

    /// The user name of the last RAKP message 1.
    #[allow(dead_code, reason = "the fuzz targets don't ask for it")]
    pub(crate) fn username(&self) -> &[u8] {
        self.exchange
            .as_ref()
            .map_or(&[], |exchange| &exchange.username)
    }

    /// Whether the last RAKP message 3 has the code for this role.
    #[allow(dead_code, reason = "the fuzz targets don't ask for it")]
    pub(crate) fn rakp3_is_good(&self, role: Role) -> bool {
        let keys = self
            .key_exchange()
            .map(|exchange| KeyExchange { role, ..exchange });
        keys.is_some_and(|keys| keys.rakp3_code().matches(&self.last_proof))
    }

    /// RAKP message 4 with a check value by the algorithm that protects packets.
    #[allow(dead_code, reason = "the fuzz targets don't ask for it")]
    pub(crate) fn rakp4_by_integrity(&self, tag: u8) -> Vec<u8> {
        let check = self.key_exchange().map(|keys| {
            let sik = keys.session_integrity_key();
            let hash =
                KeyedHash::for_integrity(keys.suite.integrity, sik.as_bytes(), &self.password);
            hash.code(
                &[
                    keys.console_random,
                    &BMC_SESSION_ID.to_le_bytes(),
                    keys.bmc_guid,
                ],
                <[u8]>::to_vec,
            )
        });
        let mut payload = Vec::new();
        Rakp4 {
            tag,
            console_session_id: self.console_session_id(),
            outcome: Ok(&check.unwrap_or_default()),
        }
        .encode(&mut payload);
        handshake(PayloadType::RAKP4, &payload)
    }

    /// The honest answer to anything.
    pub(crate) fn answer(&mut self, incoming: &Incoming) -> Vec<u8> {
        match incoming {
            Incoming::Capabilities(request) => {
                let data = [0x01, 0x84, 0x04, 0x02, 0, 0, 0, 0];
                let mut out = Vec::new();
                let message = message(&request.response(CompletionCode::OK, &data));
                encode_sessionless_v15(&mut out, &message);
                out
            }
            Incoming::Sessionless(request) => {
                let mut out = Vec::new();
                let refused = request.response(CompletionCode::INVALID_COMMAND, &[]);
                encode_sessionless_v15(&mut out, &message(&refused));
                out
            }
            Incoming::OpenSession(request) => self.accept(request.tag, request.algorithms),
            Incoming::Rakp1 { tag } => self.rakp2(*tag, 0),
            Incoming::Rakp3 { tag } => self.rakp4(*tag, 0),
            Incoming::Request(request) => {
                let message = message(&request.response(CompletionCode::OK, &[]));
                self.seal_next(&message)
            }
        }
    }

    /// An Open Session response.
    pub(crate) fn accept(&self, tag: u8, algorithms: AlgorithmTriple) -> Vec<u8> {
        let mut payload = Vec::new();
        OpenSessionResponse::Accepted {
            tag,
            max_privilege: 4,
            console_session_id: self.console_session_id(),
            bmc_session_id: BMC_SESSION_ID,
            algorithms,
        }
        .encode(&mut payload);
        handshake(PayloadType::OPEN_SESSION_RESPONSE, &payload)
    }

    /// RAKP message 2, its code spoiled by `spoil`.
    pub(crate) fn rakp2(&self, tag: u8, spoil: u8) -> Vec<u8> {
        let code = self.key_exchange().map(|keys| keys.rakp2_code());
        let mut code = code.map_or(Vec::new(), |code| code.as_bytes().to_vec());
        if let Some(last) = code.last_mut() {
            *last ^= spoil;
        }
        let mut payload = Vec::new();
        Rakp2 {
            tag,
            console_session_id: self.console_session_id(),
            outcome: Ok(Rakp2Proof {
                bmc_random: BMC_RANDOM,
                guid: GUID,
                auth_code: &code,
            }),
        }
        .encode(&mut payload);
        handshake(PayloadType::RAKP2, &payload)
    }

    /// RAKP message 4, its check value spoiled by `spoil`.
    pub(crate) fn rakp4(&self, tag: u8, spoil: u8) -> Vec<u8> {
        let check = self
            .key_exchange()
            .map(|keys| keys.rakp4_check(&keys.session_integrity_key()));
        let mut check = check.map_or(Vec::new(), |check| check.as_bytes().to_vec());
        if let Some(last) = check.last_mut() {
            *last ^= spoil;
        }
        let mut payload = Vec::new();
        Rakp4 {
            tag,
            console_session_id: self.console_session_id(),
            outcome: Ok(&check),
        }
        .encode(&mut payload);
        handshake(PayloadType::RAKP4, &payload)
    }

    /// The envelope of the next packet in the session.
    pub(crate) fn envelope(&mut self) -> Envelope {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.checked_add(1).unwrap_or(1);
        Envelope {
            session_id: self.console_session_id(),
            sequence,
            payload_type: PayloadType::IPMI,
            encrypted: self
                .keys
                .as_ref()
                .is_some_and(|keys| keys.cipher.encrypts()),
            authenticated: self
                .keys
                .as_ref()
                .is_some_and(|keys| keys.integrity.code_bytes() > 0),
        }
    }

    /// A packet in the session, in order.
    pub(crate) fn seal_next(&mut self, message: &[u8]) -> Vec<u8> {
        let envelope = self.envelope();
        self.seal(envelope, message)
    }

    /// A packet in the session under any envelope, with the right keys.
    pub(crate) fn seal(&self, envelope: Envelope, message: &[u8]) -> Vec<u8> {
        let Some(keys) = &self.keys else {
            return Vec::new();
        };
        let mut payload = Vec::new();
        if envelope.encrypted {
            keys.cipher.encrypt([0x17; 16], message, &mut payload);
        } else {
            payload.extend_from_slice(message);
        }
        self.seal_payload(envelope, &payload)
    }

    /// The same with a payload that is encrypted already, or pretends to be.
    pub(crate) fn seal_payload(&self, envelope: Envelope, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode_header_v20(
            &mut out,
            envelope.payload_type,
            envelope.encrypted,
            envelope.authenticated,
            envelope.session_id,
            envelope.sequence,
            u16::try_from(payload.len()).unwrap_or(u16::MAX),
        );
        out.extend_from_slice(payload);
        if envelope.authenticated
            && let Some(keys) = &self.keys
        {
            encode_integrity_pad(&mut out);
            let covered = out.get(RMCP_BYTES..).unwrap_or_default().to_vec();
            keys.integrity
                .code(&[&covered], |code| out.extend_from_slice(code));
        }
        out
    }
}

/// Turns an answer of the handshake into a refusal: the head alone, and a status.
pub(crate) fn refuse(datagram: &mut Vec<u8>, status: u8) {
    datagram.truncate(HANDSHAKE_STATUS + 7);
    if let Some(payload_length) = datagram.get_mut(14..16) {
        payload_length.copy_from_slice(&[8, 0]);
    }
    if let Some(place) = datagram.get_mut(HANDSHAKE_STATUS) {
        *place = status;
    }
}

/// An IPMI message with both checksums.
pub(crate) fn message(response: &LanResponse<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    response.encode(&mut out);
    out
}

fn handshake(payload_type: PayloadType, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_sessionless_v20(&mut out, payload_type, payload);
    out
}

fn suite_of(algorithms: AlgorithmTriple) -> Option<&'static CipherSuite> {
    SUITES.iter().find(|suite| suite.algorithms() == algorithms)
}
