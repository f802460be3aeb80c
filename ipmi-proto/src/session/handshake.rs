//! The key exchange as states named for what is awaited.
//!
//! A message consumes the state and gives the next one, so that a message out
//! of order, or keys of an abandoned attempt, cannot be expressed. RAKP message
//! 3 can only be built from a state that has verified message 2.

use rand::RngExt;
use rand::rngs::StdRng;

use super::counters::RejectReason;
use super::login::Variant;
use super::quirks::Quirks;
use crate::crypto::{
    AuthenticationAlgorithm, CipherSuite, ExchangeCode, KeyExchange, Kg, MAX_USERNAME_BYTES,
    Password, SessionKeys, Username,
};
use crate::error::Stage;
use crate::wire::{
    OpenSessionRequest, OpenSessionResponse, PayloadType, Rakp1, Rakp2, Rakp3, Rakp4, RmcpStatus,
    encode_sessionless_v20,
};

/// Who logs in.
pub(super) struct Credentials<'a> {
    pub(super) username: &'a Username,
    pub(super) password: &'a Password,
    pub(super) k_g: Option<&'a Kg>,
    pub(super) quirks: &'a Quirks,
}

impl Credentials<'_> {
    /// The user name as it goes into RAKP message 1 and the codes.
    fn username(&self) -> Vec<u8> {
        let mut name = self.username.as_bytes().to_vec();
        if self.quirks.intel {
            name.resize(MAX_USERNAME_BYTES, 0);
        }
        name
    }

    /// The password as it goes into the codes of `suite`.
    fn password(&self, suite: &CipherSuite) -> Password {
        if self.quirks.intel && suite.authentication == AuthenticationAlgorithm::HmacMd5 {
            self.password.cut()
        } else {
            self.password.clone()
        }
    }
}

/// What is awaited from the BMC.
pub(super) enum Expect {
    OpenSessionResponse(ExpectOpenSession),
    Rakp2(ExpectRakp2),
    Rakp4(Box<ExpectRakp4>),
}

/// What an incoming handshake message leads to.
pub(super) enum Progress {
    /// The next message stands in the output; wait for this.
    Next(Expect),
    /// Both sides have proved themselves.
    Established(Box<Established>),
    /// Not for this state, or not from this attempt: keep waiting.
    Ignored(Expect, RejectReason),
    /// The BMC said no.
    Refused(Stage, RmcpStatus),
    /// The BMC's proof in message 2 is wrong; the output holds a message 3 that
    /// says so and proves nothing.
    ProofFailed,
    /// The BMC's check value in message 4 is wrong. It has a session all the same.
    CheckFailed(Box<Established>),
    /// The BMC agreed to other algorithms than those proposed. "None" would switch
    /// integrity or encryption off, so it never gets any further with those.
    OtherAlgorithms,
    /// The BMC answered something that the exchange does not allow.
    Misbehaved(&'static str),
}

/// A finished key exchange.
pub(super) struct Established {
    pub(super) variant: Variant,
    pub(super) console_session_id: u32,
    pub(super) bmc_session_id: u32,
    pub(super) keys: SessionKeys,
}

/// A message tag that is accepted although it differs, because session id and
/// payload type match: some OpenBMC builds answer with tag 0.
fn tag_differs(sent: u8, received: u8, tolerated: &mut u64) {
    if sent != received {
        *tolerated += 1;
    }
}

pub(super) struct ExpectOpenSession {
    variant: Variant,
    tag: u8,
    console_session_id: u32,
}

impl Expect {
    /// Starts an attempt: writes the Open Session request to `out`.
    pub(super) fn start(variant: Variant, rng: &mut StdRng, out: &mut Vec<u8>) -> Self {
        let tag = rng.random();
        // Never 0, and new for each attempt, so that late answers to an
        // abandoned attempt cannot be taken for answers to this one.
        let console_session_id = rng.random_range(1..=u32::MAX);
        let mut payload = Vec::with_capacity(32);
        OpenSessionRequest {
            tag,
            max_privilege: variant.open_privilege,
            console_session_id,
            algorithms: variant.suite.algorithms(),
        }
        .encode(&mut payload);
        encode_sessionless_v20(out, PayloadType::OPEN_SESSION_REQUEST, &payload);
        Self::OpenSessionResponse(ExpectOpenSession {
            variant,
            tag,
            console_session_id,
        })
    }

    /// What silence now would mean.
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::OpenSessionResponse(_) => Stage::OpenSession,
            Self::Rakp2(_) => Stage::Rakp1,
            Self::Rakp4(_) => Stage::Rakp3,
        }
    }

    /// What the exchange comes to on the other side if that took our last message:
    /// after RAKP message 3 the BMC has a session.
    pub(super) fn half_established(self) -> Option<Established> {
        match self {
            Self::OpenSessionResponse(_) | Self::Rakp2(_) => None,
            Self::Rakp4(state) => Some(state.established),
        }
    }

    /// Takes a handshake message; may write the next one to `out`.
    pub(super) fn handle(
        self,
        payload_type: PayloadType,
        payload: &[u8],
        credentials: &Credentials<'_>,
        rng: &mut StdRng,
        tolerated_tags: &mut u64,
        out: &mut Vec<u8>,
    ) -> Progress {
        match (self, payload_type) {
            (Self::OpenSessionResponse(state), PayloadType::OPEN_SESSION_RESPONSE) => {
                state.handle(payload, credentials, rng, tolerated_tags, out)
            }
            (Self::Rakp2(state), PayloadType::RAKP2) => {
                state.handle(payload, credentials, tolerated_tags, out)
            }
            (Self::Rakp4(state), PayloadType::RAKP4) => state.handle(payload, tolerated_tags),
            (state, _) => Progress::Ignored(state, RejectReason::OutOfOrder),
        }
    }
}

impl ExpectOpenSession {
    fn handle(
        self,
        payload: &[u8],
        credentials: &Credentials<'_>,
        rng: &mut StdRng,
        tolerated_tags: &mut u64,
        out: &mut Vec<u8>,
    ) -> Progress {
        let Ok(response) = OpenSessionResponse::decode(payload) else {
            return Progress::Ignored(Expect::OpenSessionResponse(self), RejectReason::Malformed);
        };
        match response {
            OpenSessionResponse::Refused {
                tag,
                status,
                console_session_id,
            } => {
                let other_attempt = match console_session_id {
                    Some(id) => id != self.console_session_id && tag != Some(self.tag),
                    None => tag.is_some_and(|tag| tag != self.tag),
                };
                if other_attempt {
                    return Progress::Ignored(
                        Expect::OpenSessionResponse(self),
                        RejectReason::ForeignSession,
                    );
                }
                Progress::Refused(Stage::OpenSession, status)
            }
            OpenSessionResponse::Accepted {
                tag,
                max_privilege: _,
                console_session_id,
                bmc_session_id,
                algorithms,
            } => {
                if console_session_id != self.console_session_id {
                    return Progress::Ignored(
                        Expect::OpenSessionResponse(self),
                        RejectReason::ForeignSession,
                    );
                }
                tag_differs(self.tag, tag, tolerated_tags);
                if algorithms != self.variant.suite.algorithms() {
                    return Progress::OtherAlgorithms;
                }
                if bmc_session_id == 0 {
                    return Progress::Misbehaved("it gave session id 0");
                }
                Progress::Next(Expect::Rakp2(self.send_rakp1(
                    bmc_session_id,
                    credentials,
                    rng,
                    out,
                )))
            }
        }
    }

    fn send_rakp1(
        self,
        bmc_session_id: u32,
        credentials: &Credentials<'_>,
        rng: &mut StdRng,
        out: &mut Vec<u8>,
    ) -> ExpectRakp2 {
        let tag = self.tag.wrapping_add(1);
        let console_random = rng.random();
        let mut payload = Vec::with_capacity(44);
        Rakp1 {
            tag,
            bmc_session_id,
            console_random,
            role: self.variant.role,
            username: &credentials.username(),
        }
        .encode(&mut payload);
        encode_sessionless_v20(out, PayloadType::RAKP1, &payload);
        ExpectRakp2 {
            variant: self.variant,
            tag,
            console_session_id: self.console_session_id,
            bmc_session_id,
            console_random,
        }
    }
}

pub(super) struct ExpectRakp2 {
    variant: Variant,
    tag: u8,
    console_session_id: u32,
    bmc_session_id: u32,
    console_random: [u8; 16],
}

impl ExpectRakp2 {
    fn handle(
        self,
        payload: &[u8],
        credentials: &Credentials<'_>,
        tolerated_tags: &mut u64,
        out: &mut Vec<u8>,
    ) -> Progress {
        let Ok(message) = Rakp2::decode(payload) else {
            return Progress::Ignored(Expect::Rakp2(self), RejectReason::Malformed);
        };
        // Error answers of some BMCs carry session id 0.
        let ours = message.console_session_id == self.console_session_id
            || (message.outcome.is_err() && message.tag == self.tag);
        if !ours {
            return Progress::Ignored(Expect::Rakp2(self), RejectReason::ForeignSession);
        }
        tag_differs(self.tag, message.tag, tolerated_tags);
        let proof = match message.outcome {
            Ok(proof) => proof,
            Err(status) => return Progress::Refused(Stage::Rakp1, status),
        };
        let password = credentials.password(self.variant.suite);
        let username = credentials.username();
        let exchange = KeyExchange {
            suite: self.variant.suite,
            password: &password,
            k_g: credentials.k_g,
            console_session_id: self.console_session_id,
            bmc_session_id: self.bmc_session_id,
            console_random: &self.console_random,
            bmc_random: &proof.bmc_random,
            bmc_guid: &proof.guid,
            role: self.variant.role,
            username: &username,
        };
        let tag = self.tag.wrapping_add(1);
        let send = |outcome: Result<&[u8], RmcpStatus>, out: &mut Vec<u8>| {
            let mut payload = Vec::with_capacity(40);
            Rakp3 {
                tag,
                bmc_session_id: self.bmc_session_id,
                outcome,
            }
            .encode(&mut payload);
            encode_sessionless_v20(out, PayloadType::RAKP3, &payload);
        };
        let code = exchange.rakp2_code();
        let is_good = code.matches(proof.auth_code)
            || (credentials.quirks.surplus_code_byte
                && proof
                    .auth_code
                    .split_last()
                    .is_some_and(|(_, received)| code.matches(received)));
        if !is_good {
            // So that the BMC frees the slot early. It must not get a code: a
            // fake BMC would use it to try passwords at leisure.
            send(Err(RmcpStatus::INVALID_INTEGRITY_CHECK), out);
            return Progress::ProofFailed;
        }
        let sik = exchange.session_integrity_key();
        let (check, code) = if credentials.quirks.intel {
            (
                exchange.rakp4_check_by_integrity(&sik),
                exchange.without_lookup_bit().rakp3_code(),
            )
        } else {
            (exchange.rakp4_check(&sik), exchange.rakp3_code())
        };
        let keys = sik.session_keys(&password);
        send(Ok(code.as_bytes()), out);
        Progress::Next(Expect::Rakp4(Box::new(ExpectRakp4 {
            tag,
            check,
            established: Established {
                variant: self.variant,
                console_session_id: self.console_session_id,
                bmc_session_id: self.bmc_session_id,
                keys,
            },
        })))
    }
}

pub(super) struct ExpectRakp4 {
    tag: u8,
    check: ExchangeCode,
    established: Established,
}

impl ExpectRakp4 {
    fn handle(self: Box<Self>, payload: &[u8], tolerated_tags: &mut u64) -> Progress {
        let Ok(message) = Rakp4::decode(payload) else {
            return Progress::Ignored(Expect::Rakp4(self), RejectReason::Malformed);
        };
        let ours = message.console_session_id == self.established.console_session_id
            || (message.outcome.is_err() && message.tag == self.tag);
        if !ours {
            return Progress::Ignored(Expect::Rakp4(self), RejectReason::ForeignSession);
        }
        tag_differs(self.tag, message.tag, tolerated_tags);
        match message.outcome {
            Err(status) => Progress::Refused(Stage::Rakp3, status),
            // With RAKP-none there is nothing to check; some BMCs send a value.
            Ok(check) if self.check.is_empty() || self.check.matches(check) => {
                Progress::Established(Box::new(self.established))
            }
            Ok(_) => Progress::CheckFailed(Box::new(self.established)),
        }
    }
}
