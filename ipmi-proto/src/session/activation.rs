//! The log-in of IPMI 1.5: a challenge, then the session's activation
//! (IPMI 2.0 sections 22.16 and 22.17).
//!
//! There is no proof of the BMC before ours: whoever answers in its place gets a
//! digest of the password to work on, or with type "password" the password. That
//! is why nothing comes here unless the settings ask for IPMI 1.5.

use std::time::{Duration, Instant};

use rand::RngExt;

use super::active::Active;
use super::counters::RejectReason;
use super::login::{LoginMemory, Next};
use super::open::Login;
use super::protection::{Activated, Negotiated, Protection, V15};
use super::question::Question;
use super::{Session, Settings, State};
use crate::command::{
    ActivateSession, ActivatedSession, AuthenticationCapabilities, Command, GetSessionChallenge,
    SessionChallenge, request_message,
};
use crate::crypto::{AuthKey, AuthType};
use crate::error::{Error, Refusal, Stage};
use crate::privilege::PrivilegeLevel;
use crate::wire::{CompletionCode, LanResponse, PacketV15, encode_packet_v15};

/// How often the challenge is asked for in a row.
const MAX_CHALLENGES: u32 = 3;
/// How often the log-in is started anew.
const MAX_RESTARTS: u8 = 2;
/// BMCs compute digests slowly, and to ask again too early costs them a slot.
const MIN_ACTIVATION_WAIT: Duration = Duration::from_millis(800);
const MAX_ACTIVATION_WAIT: Duration = Duration::from_secs(10);

/// Which variant to try, and which one next.
#[derive(Clone, Debug)]
pub(super) struct PlanV15 {
    auth_types: Vec<AuthType>,
    level: PrivilegeLevel,
    may_step_down: bool,
    authenticates_messages: bool,
    restarts: u8,
}

impl PlanV15 {
    pub(super) fn new(settings: &Settings, memory: Option<LoginMemory>) -> Self {
        let mut plan = Self {
            auth_types: settings.auth_types().to_vec(),
            level: settings
                .privilege()
                .unwrap_or(PrivilegeLevel::Administrator),
            may_step_down: settings.privilege().is_none(),
            authenticates_messages: true,
            restarts: 0,
        };
        if let Some(memory) = memory {
            plan.auth_types
                .sort_by_key(|auth_type| Negotiated::V15(*auth_type) != memory.protection);
            if plan.may_step_down {
                plan.level = memory.level;
            }
        }
        plan
    }

    /// Takes what the BMC says as a hint: offered types first.
    pub(super) fn prefer(&mut self, capabilities: &AuthenticationCapabilities) {
        self.auth_types
            .sort_by_key(|auth_type| !capabilities.offers(*auth_type));
        self.authenticates_messages = capabilities.authenticates_messages();
    }

    fn memory(&self, auth_type: AuthType, plain_capabilities: bool) -> LoginMemory {
        LoginMemory {
            protection: Negotiated::V15(auth_type),
            level: self.level,
            name_only: true,
            open_highest: false,
            plain_capabilities,
        }
    }

    fn restart(&mut self, otherwise: Error) -> Next {
        if self.restarts < MAX_RESTARTS {
            self.restarts += 1;
            Next::Retry
        } else {
            Next::GiveUp(otherwise)
        }
    }

    /// After the BMC refused `stage`.
    fn refused(&mut self, stage: Stage, code: CompletionCode) -> Next {
        let refusal = Refusal::Completion(code);
        match (stage, code) {
            (
                Stage::Challenge,
                GetSessionChallenge::UNKNOWN_USER | GetSessionChallenge::NULL_USER_DISABLED,
            ) => Next::GiveUp(Error::UnknownUser(refusal)),
            (Stage::Challenge, _) => self.next_type(code),
            (_, code) if ActivateSession::NO_SLOTS.contains(&code) => {
                Next::GiveUp(Error::NoSlots(refusal))
            }
            (_, ActivateSession::SEQUENCE_OUT_OF_RANGE | ActivateSession::INVALID_SESSION_ID) => {
                self.restart(Error::LoginRefused { stage, refusal })
            }
            (_, ActivateSession::PRIVILEGE_TOO_HIGH) => match self.level.lower() {
                Some(lower) if self.may_step_down => {
                    self.level = lower;
                    Next::Retry
                }
                _ => Next::GiveUp(Error::PrivilegeRefused {
                    wanted: self.level,
                    refusal,
                }),
            },
            _ => Next::GiveUp(Error::LoginRefused { stage, refusal }),
        }
    }

    /// The BMC does not like to be asked for the present type.
    fn next_type(&mut self, code: CompletionCode) -> Next {
        let last = self.auth_types.first().copied();
        if self.auth_types.len() > 1 {
            self.auth_types.remove(0);
            return Next::Retry;
        }
        Next::GiveUp(Error::NoCommonAuthType {
            last: last.unwrap_or(AuthType::None),
            code,
        })
    }
}

/// What is awaited.
enum Awaited {
    Challenge(GetSessionChallenge),
    Activation(SessionChallenge, ActivateSession),
}

/// One try to log in.
pub(super) struct Activation {
    pub(super) login: Login<PlanV15>,
    pub(super) question: Question,
    key: AuthKey,
    auth_type: AuthType,
    awaited: Awaited,
}

impl Session {
    /// Starts a try with the plan's present variant.
    pub(super) fn challenge(&mut self, now: Instant, login: Login<PlanV15>, question: Question) {
        let Some(auth_type) = login.plan.auth_types.first().copied() else {
            self.fail_login(Error::Misuse("no authentication type is allowed"));
            return;
        };
        let Ok(key) = AuthKey::new(self.settings.password()) else {
            self.fail_login(Error::Misuse("the password is too long for IPMI 1.5"));
            return;
        };
        self.counters.logins_started += 1;
        let ask = GetSessionChallenge {
            auth_type,
            username: self.settings.username().clone(),
        };
        self.ask_for_challenge(
            now,
            Activation {
                login,
                question: question.next(),
                key,
                auth_type,
                awaited: Awaited::Challenge(ask),
            },
        );
    }

    fn ask_for_challenge(&mut self, now: Instant, mut activation: Activation) {
        if let Awaited::Challenge(ask) = &activation.awaited {
            if activation.question.attempts > 0 {
                self.counters.retransmitted += 1;
            }
            let wait = self.rtt.timeout(activation.question.attempts);
            activation.question.ask(ask, now, wait, &mut self.out);
        }
        self.state = State::Activating(activation);
    }

    fn activate(&mut self, now: Instant, mut activation: Activation, challenge: SessionChallenge) {
        let command = ActivateSession {
            auth_type: activation.auth_type,
            max_privilege: activation.login.plan.level,
            challenge: challenge.challenge,
            bmc_sequence: self.rng.random_range(1..=u32::MAX),
        };
        let wait = (self.rtt.timeout(0) * 3).clamp(MIN_ACTIVATION_WAIT, MAX_ACTIVATION_WAIT);
        activation.question = activation.question.next();
        let message = request_message(&command, activation.question.number(now, wait));
        let code = activation
            .key
            .code(activation.auth_type, challenge.temporary_id, 0, &message);
        self.out.clear();
        encode_packet_v15(
            &mut self.out,
            activation.auth_type.number(),
            0,
            challenge.temporary_id,
            (activation.auth_type != AuthType::None).then_some(&*code),
            &message,
        );
        activation.awaited = Awaited::Activation(challenge, command);
        self.state = State::Activating(activation);
    }

    pub(super) fn activation_timeout(&mut self, now: Instant, mut activation: Activation) {
        let stage = match activation.awaited {
            Awaited::Challenge(_) => Stage::Challenge,
            Awaited::Activation(..) => Stage::Activation,
        };
        if now >= activation.login.deadline {
            self.fail_login(Error::Deadline { stage });
        } else if now < activation.question.resend_at {
            self.state = State::Activating(activation);
        } else if stage == Stage::Activation {
            // Not sent again: the first copy may have made a session, and nobody
            // but its answer tells the number that would close it.
            let next = activation.login.plan.restart(Error::ActivationIgnored);
            self.carry_on_v15(now, activation, next);
        } else if activation.question.attempts < MAX_CHALLENGES {
            self.ask_for_challenge(now, activation);
        } else {
            let waited = now.saturating_duration_since(activation.login.started);
            self.fail_login(Error::Silent { stage, waited });
        }
    }

    fn carry_on_v15(&mut self, now: Instant, activation: Activation, next: Next) {
        match next {
            Next::Retry => self.challenge(now, activation.login, activation.question),
            Next::GiveUp(error) => self.fail_login(error),
        }
    }

    pub(super) fn handle_activation(
        &mut self,
        now: Instant,
        activation: Activation,
        packet: &PacketV15<'_>,
        response: &LanResponse<'_>,
    ) -> Result<(), RejectReason> {
        if let Err(reason) = self.fits(&activation, packet, response) {
            self.state = State::Activating(activation);
            return Err(reason);
        }
        if let Some(rtt) = activation.question.rtt(response, now) {
            self.rtt.sample(rtt);
        }
        match &activation.awaited {
            Awaited::Challenge(ask) => match answer(ask, response) {
                Ok(challenge) => self.activate(now, activation, challenge),
                Err(code) => self.refused_v15(now, activation, Stage::Challenge, code),
            },
            Awaited::Activation(_, command) => match answer(command, response) {
                Ok(activated) => self.activated(now, activation, activated),
                Err(code) => self.refused_v15(now, activation, Stage::Activation, code),
            },
        }
        Ok(())
    }

    fn refused_v15(
        &mut self,
        now: Instant,
        mut activation: Activation,
        stage: Stage,
        code: CompletionCode,
    ) {
        let next = activation.login.plan.refused(stage, code);
        self.carry_on_v15(now, activation, next);
    }

    /// Whether a packet is the answer that is awaited, from one who may give it.
    fn fits(
        &self,
        activation: &Activation,
        packet: &PacketV15<'_>,
        response: &LanResponse<'_>,
    ) -> Result<(), RejectReason> {
        let Awaited::Activation(challenge, _) = &activation.awaited else {
            let fits = activation
                .question
                .is_answer::<GetSessionChallenge>(response);
            return fits.then_some(()).ok_or(RejectReason::Unmatched);
        };
        if !activation.question.is_answer::<ActivateSession>(response) {
            return Err(RejectReason::Unmatched);
        }
        // A refusal gives nothing away and grants nothing, so it needs no code.
        if !response.completion.is_ok() {
            return Ok(());
        }
        let quirks = self.settings.quirks();
        let is_ours = packet.session_id == challenge.temporary_id
            || (packet.session_id == 0 && quirks.session_id_zero);
        if !is_ours {
            return Err(RejectReason::ForeignSession);
        }
        if quirks.no_auth_code_check {
            return Ok(());
        }
        if packet.auth_type != activation.auth_type.number() {
            return Err(RejectReason::Unprotected);
        }
        let is_good = activation.key.verify(
            activation.auth_type,
            packet.session_id,
            packet.sequence,
            packet.message,
            &packet.auth_code.unwrap_or_default(),
        );
        is_good.then_some(()).ok_or(RejectReason::BadAuthCode)
    }

    fn activated(&mut self, now: Instant, activation: Activation, session: ActivatedSession) {
        let Awaited::Activation(_, command) = &activation.awaited else {
            return;
        };
        let asked = activation.auth_type;
        // None is no worse for the password. Another type might be.
        let adopted = AuthType::from_number(session.auth_type).filter(|adopted| {
            [asked, AuthType::None].contains(adopted)
                || self.settings.auth_types().contains(adopted)
        });
        let Some(auth_type) = adopted else {
            let why = "it goes on with an authentication type that is not allowed";
            self.fail_login(Error::Misbehaved(why));
            return;
        };
        if session.session_id == 0 {
            self.fail_login(Error::Misbehaved("it gave session id 0"));
            return;
        }
        let plan = &activation.login.plan;
        self.memory = Some(plan.memory(asked, activation.login.plain_capabilities));
        let max_privilege = PrivilegeLevel::DESCENDING
            .into_iter()
            .find(|level| level.value() <= session.max_privilege)
            .unwrap_or(PrivilegeLevel::User)
            .min(plan.level);
        let quirks = *self.settings.quirks();
        let v15 = V15::new(
            Activated {
                login_type: asked,
                auth_type,
                authenticates_messages: plan.authenticates_messages,
                session_id: session.session_id,
                console_sequence: session.console_sequence,
                bmc_sequence: command.bmc_sequence,
                key: activation.key,
            },
            quirks,
        );
        let deadline = activation.login.deadline;
        let active = Active::new(Protection::V15(v15), max_privilege, &quirks, now, deadline);
        self.begin(now, active);
    }
}

/// What the BMC gave, or why it did not.
fn answer<C: Command>(
    command: &C,
    response: &LanResponse<'_>,
) -> Result<C::Response, CompletionCode> {
    if !response.completion.is_ok() {
        return Err(response.completion);
    }
    command
        .decode(response.data)
        .map_err(|_| CompletionCode::UNSPECIFIED)
}
