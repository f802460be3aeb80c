//! An established session: protects requests, checks answers.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

use super::counters::{Counters, RejectReason};
use super::handshake::Established;
use super::request::{self, Match, Pending, Purpose, SequenceTable};
use super::rtt::RttEstimator;
use super::sequence::{OutboundSequence, ReplayWindow, Verdict};
use super::{CLOSE_ATTEMPTS, CLOSE_SESSION, CLOSE_WAIT, Event, SET_SESSION_PRIVILEGE_LEVEL};
use crate::crypto::{CipherSuiteId, KeyStream, KeyedHash, SessionKeys};
use crate::error::Error;
use crate::privilege::PrivilegeLevel;
use crate::wire::{
    CommandKey, CompletionCode, LanResponse, Lun, NetFn, PacketV20, PayloadType, Route,
    encode_header_v20, encode_integrity_pad,
};

/// RMCP header; the authentication code does not cover it.
const RMCP_BYTES: usize = 4;
/// Pad length and next header, in front of the authentication code.
const TRAILER_FIELDS: usize = 2;

/// How many packets may go unanswered in a row, over all requests. A BMC accepts
/// numbers at most 15 ahead of the last one that it saw.
const MAX_UNHEARD: u32 = 8;
/// And for how long at least: hurried callers send that many to a BMC that is
/// just slow.
const MIN_DEAFNESS: Duration = Duration::from_secs(3);

/// For whom a request was, and how it ended.
type Conclusion = (Purpose, Result<CompletionCode, Error>);

pub(super) struct Active {
    keys: SessionKeys,
    /// The BMC's key stream, for ciphers that have one.
    stream: KeyStream,
    suite: CipherSuiteId,
    console_session_id: u32,
    bmc_session_id: u32,
    privilege: PrivilegeLevel,
    max_privilege: PrivilegeLevel,
    login_deadline: Instant,
    sequence: OutboundSequence,
    window: ReplayWindow,
    requests: SequenceTable,
    pending: Option<Pending>,
    /// Packets sent since the last good one came, and when the first of them went.
    unheard: u32,
    unheard_since: Instant,
    /// Data of the request in flight, for its copies.
    data: Vec<u8>,
    /// Clear text in, clear text out; kept so that a warm session does not allocate.
    scratch: Vec<u8>,
}

impl Active {
    pub(super) fn new(established: Established, now: Instant, login_deadline: Instant) -> Self {
        let window = if authenticates(&established.keys.integrity) {
            ReplayWindow::default()
        } else {
            ReplayWindow::strict()
        };
        Self {
            keys: established.keys,
            stream: KeyStream::default(),
            suite: established.variant.suite.id,
            console_session_id: established.console_session_id,
            bmc_session_id: established.bmc_session_id,
            // Where every session starts (IPMI 2.0 section 22.18).
            privilege: PrivilegeLevel::User,
            max_privilege: established.variant.level,
            login_deadline,
            sequence: OutboundSequence::default(),
            window,
            requests: SequenceTable::new(),
            pending: None,
            unheard: 0,
            unheard_since: now,
            data: Vec::new(),
            scratch: Vec::new(),
        }
    }

    pub(super) fn opened(&self) -> Event {
        Event::Opened {
            suite: self.suite,
            privilege: self.privilege,
            max_privilege: self.max_privilege,
        }
    }

    /// Whether the caller may make requests: not during log-in or close.
    pub(super) fn is_open(&self) -> bool {
        self.pending
            .as_ref()
            .is_none_or(|pending| pending.purpose == Purpose::Caller)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.pending.is_some()
    }

    pub(super) fn pending(&self) -> Option<&Pending> {
        self.pending.as_ref()
    }

    /// For how long nothing good has come, when that is too much of silence to go
    /// on: with so many packets lost in a row, our numbers soon lie outside the
    /// BMC's window, and it will never answer in this session again.
    pub(super) fn deaf_for(&self, now: Instant) -> Option<Duration> {
        let silence = now.saturating_duration_since(self.unheard_since);
        (self.unheard >= MAX_UNHEARD && silence >= MIN_DEAFNESS).then_some(silence)
    }

    pub(super) fn privilege(&self) -> PrivilegeLevel {
        self.privilege
    }

    pub(super) fn max_privilege(&self) -> PrivilegeLevel {
        self.max_privilege
    }

    /// Asks for `level` as the last step of the log-in.
    pub(super) fn set_privilege(&mut self, now: Instant, level: PrivilegeLevel) {
        self.start(
            Purpose::Privilege(level),
            Route::Bmc,
            (NetFn::APP, Lun::BMC, SET_SESSION_PRIVILEGE_LEVEL),
            &[level.value()],
            now,
            self.login_deadline,
        );
    }

    /// Makes a request the one in flight; [`Self::transmit`] sends it.
    pub(super) fn start(
        &mut self,
        purpose: Purpose,
        route: Route,
        command: CommandKey,
        data: &[u8],
        now: Instant,
        deadline: Instant,
    ) {
        self.data.clear();
        self.data.extend_from_slice(data);
        self.pending = Some(Pending::new(purpose, route, command, now, deadline));
    }

    /// Makes Close Session the request in flight, in place of any other.
    pub(super) fn start_close(&mut self, now: Instant) {
        self.abandon();
        self.start(
            Purpose::Close,
            Route::Bmc,
            (NetFn::APP, Lun::BMC, CLOSE_SESSION),
            &self.bmc_session_id.to_le_bytes(),
            now,
            now + CLOSE_WAIT * CLOSE_ATTEMPTS,
        );
    }

    pub(super) fn abandon(&mut self) {
        if let Some(pending) = self.pending.take() {
            pending.abandon(&mut self.requests);
        }
    }

    /// Writes the datagram of the request in flight to `out`; says whether it is
    /// a repetition.
    pub(super) fn transmit(
        &mut self,
        now: Instant,
        rtt: &RttEstimator,
        rng: &mut StdRng,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(pending) = &mut self.pending else {
            return false;
        };
        let Some(sequence) = pending.next_copy(&mut self.requests, now) else {
            out.clear();
            return false;
        };
        self.scratch.clear();
        pending
            .route
            .encode(sequence, pending.key(), &self.data, &mut self.scratch);

        out.clear();
        let authenticated = authenticates(&self.keys.integrity);
        let payload_bytes = self.keys.cipher.encrypted_bytes(self.scratch.len());
        encode_header_v20(
            out,
            PayloadType::IPMI,
            self.keys.cipher.encrypts(),
            authenticated,
            self.bmc_session_id,
            self.sequence.take(),
            // Requests are at most some tens of bytes long.
            u16::try_from(payload_bytes).unwrap_or(u16::MAX),
        );
        self.keys.cipher.encrypt(rng.random(), &self.scratch, out);
        if authenticated {
            append_code(&self.keys.integrity, out);
        }

        if self.unheard == 0 {
            self.unheard_since = now;
        }
        self.unheard = self.unheard.saturating_add(1);
        let again = pending.attempts > 0;
        let wait = match pending.purpose {
            Purpose::Close => CLOSE_WAIT,
            Purpose::Caller | Purpose::Privilege(_) => rtt.timeout(pending.attempts),
        };
        pending.sent(&mut self.requests, sequence, now, wait);
        again
    }

    /// Checks a packet in the order in which a forger would have to succeed;
    /// nothing changes before all checks have passed, but for the key stream, which
    /// moves with whatever the BMC provably sent. Gives the answer to the
    /// request in flight, whose data is then in `reply`.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        session: &[u8],
        packet: &PacketV20<'_>,
        rtt: &mut RttEstimator,
        counters: &mut Counters,
        reply: &mut Vec<u8>,
    ) -> Result<Option<Conclusion>, RejectReason> {
        if packet.session_id != self.console_session_id {
            return Err(RejectReason::ForeignSession);
        }
        let agreed = packet.encrypted == self.keys.cipher.encrypts()
            && packet.authenticated == authenticates(&self.keys.integrity);
        if !agreed {
            return Err(RejectReason::Unprotected);
        }
        if packet.payload_type != PayloadType::IPMI {
            return Err(RejectReason::UnexpectedPayload);
        }
        self.authenticate(session, packet)?;
        let jumped = match self.window.check(packet.sequence) {
            Verdict::Fresh { jumped } => jumped,
            Verdict::Replayed | Verdict::TooOld | Verdict::TooFarAhead => {
                return Err(RejectReason::Replayed);
            }
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(packet.payload);
        let message = self
            .keys
            .cipher
            .decrypt(&mut self.scratch, &mut self.stream)
            .map_err(|_| RejectReason::BadPadding)?;
        let response = LanResponse::decode(message).map_err(|_| RejectReason::BadChecksum)?;

        self.window.accept(packet.sequence);
        self.unheard = 0;
        if jumped {
            counters.sequence_jumps += 1;
        }
        let matched = match &self.pending {
            Some(pending) => pending.matches(&response, &mut self.requests, now),
            None => request::late(&response, &mut self.requests, now),
        };
        match (matched, &mut self.pending) {
            (Match::NotYet, _) => Ok(None),
            (Match::Relayed { rtt: sample }, Some(pending)) => {
                rtt.sample(sample);
                pending.relayed(now);
                Ok(None)
            }
            (Match::RelayBusy, Some(pending)) => {
                pending.relay_busy(now);
                Ok(None)
            }
            (Match::RelayFailed(code), Some(pending)) => {
                let purpose = pending.purpose;
                self.abandon();
                Ok(Some((purpose, Err(Error::Relay(code)))))
            }
            (
                Match::Answer {
                    response,
                    rtt: sample,
                    late,
                },
                Some(pending),
            ) => {
                if let Some(sample) = sample {
                    rtt.sample(sample);
                }
                if late {
                    counters.late += 1;
                }
                let purpose = pending.purpose;
                reply.clear();
                reply.extend_from_slice(response.data);
                if let Some(level) = granted_level(pending, response.completion, &self.data) {
                    self.privilege = level;
                }
                self.pending = None;
                Ok(Some((purpose, Ok(response.completion))))
            }
            (Match::Late { rtt: sample }, pending) => {
                if let Some(sample) = sample {
                    rtt.sample(sample);
                }
                counters.late += 1;
                if let Some(pending) = pending {
                    // The BMC works through what was sent twice: give it time.
                    let wait = rtt.timeout(pending.attempts.saturating_sub(1));
                    pending.resend_at = pending.resend_at.max(now + wait);
                }
                Ok(None)
            }
            _ => Err(RejectReason::Unmatched),
        }
    }

    fn authenticate(&self, session: &[u8], packet: &PacketV20<'_>) -> Result<(), RejectReason> {
        let code_bytes = self.keys.integrity.code_bytes();
        if !authenticates(&self.keys.integrity) {
            // Nothing stands behind the payload of such packets.
            return if packet.trailer.is_empty() {
                Ok(())
            } else {
                Err(RejectReason::Malformed)
            };
        }
        let covered_bytes = session
            .len()
            .checked_sub(code_bytes)
            .ok_or(RejectReason::BadAuthCode)?;
        if packet.trailer.len() < code_bytes + TRAILER_FIELDS {
            return Err(RejectReason::BadAuthCode);
        }
        let (covered, code) = session
            .split_at_checked(covered_bytes)
            .ok_or(RejectReason::BadAuthCode)?;
        if self.keys.integrity.verify(&[covered], code) {
            Ok(())
        } else {
            Err(RejectReason::BadAuthCode)
        }
    }
}

/// Whether packets carry a trailer, and their flag says so.
fn authenticates(integrity: &KeyedHash) -> bool {
    integrity.code_bytes() > 0
}

/// Appends the integrity trailer to a datagram.
fn append_code(integrity: &KeyedHash, out: &mut Vec<u8>) {
    encode_integrity_pad(out);
    let covered = out.get(RMCP_BYTES..).unwrap_or_default();
    let (code, length) = integrity.code(&[covered], |code| {
        let mut copy = [0; 16];
        for (to, from) in copy.iter_mut().zip(code) {
            *to = *from;
        }
        (copy, code.len().min(copy.len()))
    });
    out.extend_from_slice(code.get(..length).unwrap_or(&code));
}

/// A granted Set Session Privilege Level changes the session's level, whoever
/// asked for it.
fn granted_level(
    pending: &Pending,
    completion: CompletionCode,
    data: &[u8],
) -> Option<PrivilegeLevel> {
    let is_set_privilege = pending.route == Route::Bmc
        && pending.net_fn == NetFn::APP
        && pending.command == SET_SESSION_PRIVILEGE_LEVEL;
    let granted = *data.first()?;
    PrivilegeLevel::DESCENDING
        .into_iter()
        .find(|level| is_set_privilege && completion.is_ok() && level.value() == granted)
}
