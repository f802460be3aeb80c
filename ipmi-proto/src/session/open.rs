//! From "is there a BMC?" to an open session: the first question, key exchanges
//! until one succeeds or the [plan](super::login) gives up, the privilege level.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::active::Active;
use super::counters::RejectReason;
use super::handshake::{Credentials, Established, Expect, Progress};
use super::login::{LoginPlan, Next};
use super::{Session, State};
use crate::crypto::CipherSuiteId;
use crate::error::{Error, Stage};
use crate::privilege::PrivilegeLevel;
use crate::wire::{
    BMC_ADDRESS, CompletionCode, LanRequest, LanResponse, Lun, NetFn, PacketV15, PacketV20,
    REMOTE_CONSOLE_ADDRESS, RequestSequence, encode_sessionless_v15,
};

/// How often the first question of a log-in is sent before the target counts as
/// dead: with doubling waits, 3.5 s when nothing is known of it.
const MAX_PROBES: u32 = 3;
/// How long a handshake message is waited for at least. BMCs compute the codes
/// slowly, and starting over costs them a half-open session.
const MIN_HANDSHAKE_WAIT: Duration = Duration::from_millis(800);

/// And how long at most.
const MAX_HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

const GET_CHANNEL_AUTHENTICATION_CAPABILITIES: u8 = 0x38;
/// "The channel this arrives on", with and without asking for 2.0 data: some
/// 1.5-era BMCs refuse the bit, or do not answer it.
const CAPABILITY_FORMS: [u8; MAX_PROBES as usize] = [0x8e, 0x8e, 0x0e];

/// The first question of a log-in, which needs no session and is harmless to
/// repeat: is there a BMC at all?
pub(super) struct Probe {
    pub(super) login: Login,
    pub(super) sequence: RequestSequence,
    pub(super) attempts: u32,
    pub(super) sent_at: Instant,
    pub(super) resend_at: Instant,
}

/// One key exchange.
pub(super) struct Attempt {
    pub(super) login: Login,
    pub(super) expect: Expect,
    pub(super) give_up_at: Instant,
}

/// A log-in, over all its attempts.
pub(super) struct Login {
    pub(super) plan: LoginPlan,
    pub(super) started: Instant,
    pub(super) deadline: Instant,
}

impl Session {
    /// Sends the first question (again).
    pub(super) fn probe(&mut self, now: Instant, mut probe: Probe) {
        let form = CAPABILITY_FORMS
            .get(probe.attempts as usize)
            .copied()
            .unwrap_or(CAPABILITY_FORMS[0]);
        let level = self
            .settings
            .privilege()
            .unwrap_or(PrivilegeLevel::Administrator);
        probe.sequence = probe.sequence.next();
        let mut message = Vec::with_capacity(9);
        LanRequest {
            responder: BMC_ADDRESS,
            net_fn: NetFn::APP,
            lun: Lun::BMC,
            requester: REMOTE_CONSOLE_ADDRESS,
            sequence: probe.sequence,
            command: GET_CHANNEL_AUTHENTICATION_CAPABILITIES,
            data: &[form, level.value()],
        }
        .encode(&mut message);
        self.out.clear();
        encode_sessionless_v15(&mut self.out, &message);
        if probe.attempts > 0 {
            self.counters.retransmitted += 1;
        }
        probe.sent_at = now;
        probe.resend_at = now + self.rtt.timeout(probe.attempts);
        probe.attempts += 1;
        self.state = State::Probing(probe);
    }

    pub(super) fn probe_timeout(&mut self, now: Instant, probe: Probe) {
        if now >= probe.login.deadline {
            self.fail_login(Error::Deadline {
                stage: Stage::Capabilities,
            });
        } else if now < probe.resend_at {
            self.state = State::Probing(probe);
        } else if probe.attempts < MAX_PROBES {
            self.probe(now, probe);
        } else {
            self.fail_login(Error::Silent {
                stage: Stage::Capabilities,
                waited: now.saturating_duration_since(probe.login.started),
            });
        }
    }

    pub(super) fn handle_v15(&mut self, now: Instant, session: &[u8]) -> Result<(), RejectReason> {
        if !matches!(self.state, State::Probing(_)) {
            return Err(RejectReason::OutOfOrder);
        }
        let packet = PacketV15::decode(session).map_err(|_| RejectReason::Malformed)?;
        let response =
            LanResponse::decode(packet.message).map_err(|_| RejectReason::BadChecksum)?;
        let State::Probing(probe) = std::mem::replace(&mut self.state, State::Closed) else {
            return Err(RejectReason::OutOfOrder);
        };
        let fits = response.net_fn == NetFn::APP.response()
            && response.command == GET_CHANNEL_AUTHENTICATION_CAPABILITIES
            && response.sequence.value() <= probe.sequence.value();
        if !fits {
            self.state = State::Probing(probe);
            return Err(RejectReason::Unmatched);
        }
        if response.sequence == probe.sequence {
            self.rtt
                .sample(now.saturating_duration_since(probe.sent_at));
        }
        // What the BMC says of itself is not believed: the flags are wrong on
        // many boards, an error code only means that it dislikes the question.
        self.attempt(now, probe.login);
        Ok(())
    }

    /// Starts a key exchange with the plan's present variant.
    fn attempt(&mut self, now: Instant, login: Login) {
        let Some(variant) = login.plan.variant() else {
            self.fail_login(Error::Misuse("no cipher suite is allowed"));
            return;
        };
        self.counters.logins_started += 1;
        self.out.clear();
        let expect = Expect::start(variant, &mut self.rng, &mut self.out);
        self.await_handshake(now, login, expect);
    }

    fn await_handshake(&mut self, now: Instant, login: Login, expect: Expect) {
        let wait = (self.rtt.timeout(0) * 3).max(MIN_HANDSHAKE_WAIT)
            * (1 + u32::from(login.plan.restarts()));
        let wait = wait.min(MAX_HANDSHAKE_WAIT);
        self.state = State::Handshaking(Attempt {
            login,
            expect,
            give_up_at: now + wait,
        });
    }

    pub(super) fn attempt_timeout(&mut self, now: Instant, mut attempt: Attempt) {
        let stage = attempt.expect.stage();
        if now >= attempt.login.deadline {
            self.say_farewell(now, attempt.expect);
            self.fail_login(Error::Deadline { stage });
        } else if now < attempt.give_up_at {
            self.state = State::Handshaking(attempt);
        } else {
            self.say_farewell(now, attempt.expect);
            let silent = Error::Silent {
                stage,
                waited: now.saturating_duration_since(attempt.login.started),
            };
            let next = attempt.login.plan.silent(stage, silent);
            self.carry_on(now, attempt.login, next);
        }
    }

    fn carry_on(&mut self, now: Instant, login: Login, next: Next) {
        match next {
            Next::Retry => self.attempt(now, login),
            Next::GiveUp(error) => self.fail_login(error),
        }
    }

    pub(super) fn handle_handshake(
        &mut self,
        now: Instant,
        mut attempt: Attempt,
        packet: &PacketV20<'_>,
    ) -> Result<(), RejectReason> {
        if packet.session_id != 0 || packet.encrypted || packet.authenticated {
            self.state = State::Handshaking(attempt);
            return Err(RejectReason::OutOfOrder);
        }
        let settings = Arc::clone(&self.settings);
        let credentials = Credentials {
            username: settings.username(),
            password: settings.password(),
            k_g: settings.k_g(),
        };
        let mut next_message = Vec::new();
        let progress = attempt.expect.handle(
            packet.payload_type,
            packet.payload,
            &credentials,
            &mut self.rng,
            &mut self.counters.tolerated_tags,
            &mut next_message,
        );
        match progress {
            Progress::Next(expect) => {
                self.out = next_message;
                self.await_handshake(now, attempt.login, expect);
            }
            Progress::Established(established) => {
                self.establish(now, &attempt.login, *established);
            }
            Progress::Ignored(expect, reason) => {
                attempt.expect = expect;
                self.state = State::Handshaking(attempt);
                return Err(reason);
            }
            Progress::Refused(stage, status) => {
                let next = attempt.login.plan.refused(stage, status);
                self.carry_on(now, attempt.login, next);
            }
            Progress::ProofFailed => {
                self.out = next_message;
                self.fail_login(Error::WrongPassword);
            }
            Progress::CheckFailed(established) => {
                self.close_unheard(now, Box::new(Active::new(*established, now, now)));
                self.fail_login(Error::WrongKey);
            }
            Progress::Misbehaved(why) => self.fail_login(Error::Misbehaved(why)),
        }
        Ok(())
    }

    fn establish(&mut self, now: Instant, login: &Login, established: Established) {
        let variant = established.variant;
        let suite = self.preferred_suite(variant.suite.id);
        self.memory = Some(login.plan.memory(suite));
        let mut active = Box::new(Active::new(established, now, login.deadline));
        match self.settings.privilege() {
            Some(level) if level > PrivilegeLevel::User => {
                active.set_privilege(now, level);
                self.state = State::Active(active);
                self.transmit(now);
            }
            _ => {
                let event = active.opened();
                self.state = State::Active(active);
                self.event = Some(event);
            }
        }
    }

    /// What to begin with next time: the suite that worked now, or a preferred one
    /// that worked before. Whoever can spoil one log-in with the stronger suite must
    /// not have spoiled all that follow.
    fn preferred_suite(&self, now: CipherSuiteId) -> CipherSuiteId {
        let before = self.memory.map(|memory| memory.suite);
        self.settings
            .suites()
            .iter()
            .map(|suite| suite.id)
            .find(|id| *id == now || Some(*id) == before)
            .unwrap_or(now)
    }

    /// Log-in asked for more than USER. A BMC that refuses is asked for less
    /// before the log-in counts as failed: reading needs little.
    pub(super) fn privilege_answered(
        &mut self,
        now: Instant,
        level: PrivilegeLevel,
        completion: CompletionCode,
    ) {
        let State::Active(active) = &mut self.state else {
            return;
        };
        if !completion.is_ok()
            && let Some(lower) = level.lower().filter(|lower| *lower > PrivilegeLevel::User)
        {
            active.set_privilege(now, lower);
            self.transmit(now);
            return;
        }
        self.event = Some(active.opened());
    }
}
