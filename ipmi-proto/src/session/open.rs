//! From "is there a BMC?" to an open session: the first question, key exchanges
//! until one succeeds or the [plan](super::login) gives up, the privilege level.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::activation::PlanV15;
use super::active::Active;
use super::counters::RejectReason;
use super::handshake::{Credentials, Established, Expect, Progress};
use super::login::{LoginPlan, Next};
use super::protection::{Negotiated, Protection, V20};
use super::question::Question;
use super::settings::Generation;
use super::{Session, State};
use crate::command::{Command, GetChannelAuthenticationCapabilities};
use crate::crypto::CipherSuiteId;
use crate::error::{Error, Stage};
use crate::privilege::PrivilegeLevel;
use crate::wire::{CompletionCode, LanResponse, PacketV15, PacketV20};

/// How often the first question of a log-in is sent before the target counts as
/// dead: with doubling waits, 3.5 s when nothing is known of it.
const MAX_PROBES: u32 = 3;
/// How long a handshake message is waited for at least. BMCs compute the codes
/// slowly, and starting over costs them a half-open session.
const MIN_HANDSHAKE_WAIT: Duration = Duration::from_millis(800);

/// And how long at most.
const MAX_HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// The first question of a log-in, which needs no session and is harmless to
/// repeat: is there a BMC at all?
pub(super) struct Probe {
    pub(super) login: Login<Plan>,
    pub(super) question: Question,
}

/// What comes after the first question.
pub(super) enum Plan {
    V15(PlanV15),
    V20(LoginPlan),
}

/// One key exchange.
pub(super) struct Attempt {
    pub(super) login: Login<LoginPlan>,
    pub(super) expect: Expect,
    pub(super) give_up_at: Instant,
}

/// A log-in, over all its attempts.
pub(super) struct Login<P> {
    pub(super) plan: P,
    pub(super) started: Instant,
    pub(super) deadline: Instant,
    /// The first question is to be asked, or was answered, without bit 7 alone.
    pub(super) plain_capabilities: bool,
}

impl<P> Login<P> {
    fn with<Q>(self, plan: Q) -> Login<Q> {
        Login {
            plan,
            started: self.started,
            deadline: self.deadline,
            plain_capabilities: self.plain_capabilities,
        }
    }
}

impl Session {
    /// Begins a log-in with the first question.
    pub(super) fn start_login(&mut self, now: Instant, deadline: Instant) {
        let plan = match self.settings.generation() {
            Generation::V15 => Plan::V15(PlanV15::new(&self.settings, self.memory)),
            Generation::V20 => Plan::V20(LoginPlan::new(&self.settings, self.memory)),
        };
        let remembered = self.memory.is_some_and(|memory| memory.plain_capabilities);
        let login = Login {
            plain_capabilities: remembered || matches!(plan, Plan::V15(_)),
            plan,
            started: now,
            deadline,
        };
        let question = Question::new(now, &mut self.rng);
        self.probe(now, Probe { login, question });
    }

    /// Sends the first question (again).
    fn probe(&mut self, now: Instant, mut probe: Probe) {
        if probe.question.attempts > 0 {
            self.counters.retransmitted += 1;
        }
        // Some 1.5-era BMCs refuse to be asked for 2.0 data, or do not answer.
        probe.login.plain_capabilities |= probe.question.attempts + 1 >= MAX_PROBES;
        let command = GetChannelAuthenticationCapabilities {
            with_v20: !probe.login.plain_capabilities,
            level: self
                .settings
                .privilege()
                .unwrap_or(PrivilegeLevel::Administrator),
        };
        let wait = self.rtt.timeout(probe.question.attempts);
        probe.question.ask(&command, now, wait, &mut self.out);
        self.state = State::Probing(probe);
    }

    pub(super) fn probe_timeout(&mut self, now: Instant, probe: Probe) {
        if now >= probe.login.deadline {
            self.fail_login(Error::Deadline {
                stage: Stage::Capabilities,
            });
        } else if now < probe.question.resend_at {
            self.state = State::Probing(probe);
        } else if probe.question.attempts < MAX_PROBES {
            self.probe(now, probe);
        } else {
            self.fail_login(Error::Silent {
                stage: Stage::Capabilities,
                waited: now.saturating_duration_since(probe.login.started),
            });
        }
    }

    /// Takes a packet with an IPMI 1.5 header while a log-in is under way.
    pub(super) fn handle_v15_login(
        &mut self,
        now: Instant,
        session: &[u8],
    ) -> Result<(), RejectReason> {
        let packet = PacketV15::decode(session).map_err(|_| RejectReason::Malformed)?;
        let response = if self.settings.quirks().no_checksum_check {
            LanResponse::decode_unchecked(packet.message)
        } else {
            LanResponse::decode(packet.message)
        }
        .map_err(|_| RejectReason::BadChecksum)?;
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Probing(probe) => self.handle_capabilities(now, probe, &response),
            State::Listing(listing) => self.handle_page(now, listing, &response),
            State::Activating(activation) => {
                self.handle_activation(now, activation, &packet, &response)
            }
            state => {
                self.state = state;
                Err(RejectReason::OutOfOrder)
            }
        }
    }

    fn handle_capabilities(
        &mut self,
        now: Instant,
        mut probe: Probe,
        response: &LanResponse<'_>,
    ) -> Result<(), RejectReason> {
        type Asked = GetChannelAuthenticationCapabilities;
        if !probe.question.is_answer::<Asked>(response) {
            self.state = State::Probing(probe);
            return Err(RejectReason::Unmatched);
        }
        match probe.question.rtt(response, now) {
            Some(rtt) => self.rtt.sample(rtt),
            // To an earlier copy, so it was not the form.
            None => probe.login.plain_capabilities = false,
        }
        let asked = Asked {
            with_v20: false,
            level: PrivilegeLevel::User,
        };
        let capabilities = asked
            .decode(response.data)
            .ok()
            .filter(|_| response.completion.is_ok());
        let Probe {
            mut login,
            question,
        } = probe;
        // What the BMC says of itself is not believed: the flags are wrong on
        // many boards, an error code only means that it dislikes the question.
        match &mut login.plan {
            Plan::V20(plan) => {
                let plan = plan.clone();
                self.list_or_attempt(now, login.with(plan), question);
            }
            Plan::V15(plan) => {
                if let Some(capabilities) = capabilities {
                    plan.prefer(&capabilities);
                }
                let plan = plan.clone();
                self.challenge(now, login.with(plan), question);
            }
        }
        Ok(())
    }

    /// Starts a key exchange with the plan's present variant.
    pub(super) fn attempt(&mut self, now: Instant, login: Login<LoginPlan>) {
        let Some(variant) = login.plan.variant() else {
            self.fail_login(Error::Misuse("no cipher suite is allowed"));
            return;
        };
        self.counters.logins_started += 1;
        self.out.clear();
        let expect = Expect::start(variant, &mut self.rng, &mut self.out);
        self.await_handshake(now, login, expect);
    }

    fn await_handshake(&mut self, now: Instant, login: Login<LoginPlan>, expect: Expect) {
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

    fn carry_on(&mut self, now: Instant, login: Login<LoginPlan>, next: Next) {
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
            quirks: settings.quirks(),
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
            Progress::OtherAlgorithms => {
                let next = attempt.login.plan.other_algorithms();
                self.carry_on(now, attempt.login, next);
            }
            Progress::ProofFailed => {
                let next = attempt.login.plan.proof_failed();
                if next == Next::Retry {
                    // So that the BMC frees the slot before the next Open Session.
                    self.farewell = next_message;
                } else {
                    self.out = next_message;
                }
                self.carry_on(now, attempt.login, next);
            }
            Progress::CheckFailed(established) => {
                let active = self.active(now, now, *established);
                self.close_unheard(now, Box::new(active));
                self.fail_login(Error::WrongKey);
            }
            Progress::Misbehaved(why) => self.fail_login(Error::Misbehaved(why)),
        }
        Ok(())
    }

    /// The session that a key exchange has led to.
    pub(super) fn active(
        &self,
        now: Instant,
        deadline: Instant,
        established: Established,
    ) -> Active {
        let quirks = self.settings.quirks();
        let max_privilege = established.variant.level;
        let protection = Protection::V20(V20::new(established, quirks));
        Active::new(protection, max_privilege, quirks, now, deadline)
    }

    fn establish(&mut self, now: Instant, login: &Login<LoginPlan>, established: Established) {
        let suite = self.preferred_suite(established.variant.suite.id);
        self.memory = Some(login.plan.memory(suite, login.plain_capabilities));
        let active = self.active(now, login.deadline, established);
        self.begin(now, active);
    }

    /// A session is there. What is missing is the privilege level, if one was named.
    pub(super) fn begin(&mut self, now: Instant, active: Active) {
        let mut active = Box::new(active);
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
        let before = self.memory.map(|memory| memory.protection);
        self.settings
            .suites()
            .iter()
            .map(|suite| suite.id)
            .find(|id| *id == now || Some(Negotiated::Suite(*id)) == before)
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
