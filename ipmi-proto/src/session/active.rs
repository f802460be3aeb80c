//! An established session: protects requests, checks answers.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;

use super::counters::{Counters, RejectReason};
use super::protection::Protection;
use super::quirks::Quirks;
use super::request::{self, Match, Pending, Purpose, SequenceTable};
use super::rtt::RttEstimator;
use super::{CLOSE_ATTEMPTS, CLOSE_SESSION, CLOSE_WAIT, Event, SET_SESSION_PRIVILEGE_LEVEL};
use crate::error::Error;
use crate::privilege::PrivilegeLevel;
use crate::wire::{CommandKey, CompletionCode, Framing, LanResponse, Lun, NetFn, Route};

/// How many packets may go unanswered in a row, over all requests. A BMC accepts
/// numbers at most 15 ahead of the last one that it saw.
const MAX_UNHEARD: u32 = 8;
/// And for how long at least: hurried callers send that many to a BMC that is
/// just slow.
const MIN_DEAFNESS: Duration = Duration::from_secs(3);

/// For whom a request was, and how it ended.
type Conclusion = (Purpose, Result<CompletionCode, Error>);

pub(super) struct Active {
    protection: Protection,
    /// Wrong checksums do not matter: the protection keeps messages from change.
    skips_checksums: bool,
    privilege: PrivilegeLevel,
    max_privilege: PrivilegeLevel,
    login_deadline: Instant,
    requests: SequenceTable,
    pending: Option<Pending>,
    /// See [`Self::answered_alone`].
    answered_alone: bool,
    /// Packets sent since the last good one came, and when the first of them went.
    unheard: u32,
    unheard_since: Instant,
    /// Data of the request in flight, for its copies.
    data: Vec<u8>,
    /// Clear text in, clear text out; kept so that a warm session does not allocate.
    scratch: Vec<u8>,
}

impl Active {
    /// A session that may be raised to `max_privilege`.
    pub(super) fn new(
        protection: Protection,
        max_privilege: PrivilegeLevel,
        quirks: &Quirks,
        now: Instant,
        login_deadline: Instant,
    ) -> Self {
        Self {
            skips_checksums: quirks.no_checksum_check && protection.authenticates(),
            protection,
            // Where every session starts (IPMI 2.0 section 22.18).
            privilege: PrivilegeLevel::User,
            max_privilege,
            login_deadline,
            requests: SequenceTable::new(),
            pending: None,
            answered_alone: false,
            unheard: 0,
            unheard_since: now,
            data: Vec::new(),
            scratch: Vec::new(),
        }
    }

    pub(super) fn opened(&self) -> Event {
        Event::Opened {
            negotiated: self.protection.negotiated(),
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

    /// Whether the BMC can have worked on nothing else in this session while it
    /// made the last answer.
    pub(super) fn answered_alone(&self) -> bool {
        self.answered_alone
    }

    /// Whether the BMC may still work on something that nobody waits for.
    pub(super) fn may_be_in_work(&self) -> bool {
        self.requests.may_be_in_work()
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
        let id = self.protection.bmc_session_id();
        self.abandon();
        self.start(
            Purpose::Close,
            Route::Bmc,
            (NetFn::APP, Lun::BMC, CLOSE_SESSION),
            &id.to_le_bytes(),
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

        if pending.purpose == Purpose::Close && pending.attempts == CLOSE_ATTEMPTS - 1 {
            self.protection.step_back();
        }
        self.protection.seal(&self.scratch, rng, out);
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

    /// Checks a packet; nothing changes before all checks have passed, but for the
    /// key stream ([`Protection::open`]). Gives the answer to the request in flight,
    /// whose data is then in `reply`.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        (framing, session): (Framing, &[u8]),
        rtt: &mut RttEstimator,
        counters: &mut Counters,
        reply: &mut Vec<u8>,
    ) -> Result<Option<Conclusion>, RejectReason> {
        let (message, fresh) = self.protection.open(framing, session, &mut self.scratch)?;
        let response = if self.skips_checksums {
            LanResponse::decode_unchecked(message)
        } else {
            LanResponse::decode(message)
        }
        .map_err(|_| RejectReason::BadChecksum)?;

        self.protection.accept(fresh);
        self.unheard = 0;
        if fresh.jumped {
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
                self.answered_alone = pending.is_alone;
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
                // Close Session has no time to give.
                if let Some(pending) = pending
                    && pending.purpose != Purpose::Close
                {
                    // The BMC works through what was sent twice: give it time.
                    let wait = rtt.timeout(pending.attempts.saturating_sub(1));
                    pending.resend_at = pending.resend_at.max(now + wait);
                }
                Ok(None)
            }
            _ => Err(RejectReason::Unmatched),
        }
    }
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
