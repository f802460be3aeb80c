//! Requests inside a session: sequence numbers, attempts, and which answer
//! belongs to which request.

use std::time::{Duration, Instant};

use super::relay;
use crate::privilege::PrivilegeLevel;
use crate::wire::{
    CommandKey, CompletionCode, LanResponse, Lun, NetFn, REMOTE_CONSOLE_ADDRESS, Relayed,
    RequestSequence, Route,
};

/// How long an unanswered sequence number stays out of use at least: until then
/// a late answer to it may arrive (the message expiry time of IPMI 1.5 section
/// 6.12).
const RETIRED: Duration = Duration::from_secs(5);
/// When to look again for a number when there is none to be had.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(200);

/// Hands out request sequence numbers and keeps those out of use that a late
/// answer may still bear.
///
/// A slow BMC works through what was sent to it one by one, and a hurried caller
/// may have sent it work for a minute. So time alone does not free a number: an
/// answer to something sent later must have shown that the BMC is past it.
pub(super) struct SequenceTable {
    last: RequestSequence,
    /// The numbers that nobody waits for and nobody answered.
    unanswered: [Option<Unanswered>; RequestSequence::COUNT as usize],
    /// When the youngest request was sent that was answered.
    answered: Option<Instant>,
    /// When the youngest one was sent that nobody waits for any more.
    given_up: Option<Instant>,
}

/// What is known of a number out of use.
#[derive(Clone, Copy)]
struct Unanswered {
    sent: Instant,
    /// Whether a satellite may still answer when the BMC is long past it.
    bridged: bool,
}

impl Unanswered {
    fn expiry(self) -> Duration {
        if self.bridged {
            RETIRED + relay::EXPIRY
        } else {
            RETIRED
        }
    }

    /// What its answer says about the way to the BMC.
    fn rtt(self, now: Instant) -> Option<Duration> {
        (!self.bridged).then(|| now.saturating_duration_since(self.sent))
    }
}

impl SequenceTable {
    pub(super) fn new() -> Self {
        Self {
            last: RequestSequence::from_low_bits(RequestSequence::COUNT - 1),
            unanswered: [None; RequestSequence::COUNT as usize],
            answered: None,
            given_up: None,
        }
    }

    /// Whether the BMC may still work on something that nobody waits for.
    pub(super) fn may_be_in_work(&self) -> bool {
        self.given_up > self.answered
    }

    /// The next number that no late answer can bear. `None` when there is none:
    /// to take any would mean to risk that an old answer is taken for a new one.
    fn take(&mut self, now: Instant) -> Option<RequestSequence> {
        let mut candidate = self.last;
        for _ in 0..RequestSequence::COUNT {
            candidate = candidate.next();
            let Some(place) = self.unanswered.get_mut(usize::from(candidate.value())) else {
                continue;
            };
            let is_free = place.is_none_or(|old| {
                now.saturating_duration_since(old.sent) >= old.expiry()
                    && self.answered.is_some_and(|answered| old.sent <= answered)
            });
            if is_free {
                *place = None;
                self.last = candidate;
                return Some(candidate);
            }
        }
        None
    }

    /// Puts an unanswered number out of use.
    fn retire(&mut self, sequence: RequestSequence, unanswered: Unanswered) {
        if let Some(place) = self.unanswered.get_mut(usize::from(sequence.value())) {
            *place = Some(unanswered);
        }
        self.given_up = self.given_up.max(Some(unanswered.sent));
    }

    fn is_retired(&self, sequence: RequestSequence) -> bool {
        self.unanswered
            .get(usize::from(sequence.value()))
            .is_some_and(Option::is_some)
    }

    /// The answer to a number out of use has come.
    fn release(&mut self, sequence: RequestSequence) -> Option<Unanswered> {
        let place = self.unanswered.get_mut(usize::from(sequence.value()))?;
        let released = place.take()?;
        self.note_answered(released.sent);
        Some(released)
    }

    fn note_answered(&mut self, sent: Instant) {
        self.answered = self.answered.max(Some(sent));
    }
}

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The session itself: Set Session Privilege Level during log-in.
    Privilege(PrivilegeLevel),
    /// The session's user.
    Caller,
    /// The session itself: Close Session.
    Close,
}

/// The one request in flight.
pub(super) struct Pending {
    pub(super) purpose: Purpose,
    pub(super) route: Route,
    pub(super) net_fn: NetFn,
    pub(super) lun: Lun,
    pub(super) command: u8,
    /// Bit n: request sequence n carried a copy of this request.
    copies: u64,
    current: RequestSequence,
    sent_at: Instant,
    pub(super) first_sent: Instant,
    pub(super) attempts: u32,
    /// Whether the BMC can have had nothing else to do meanwhile.
    pub(super) is_alone: bool,
    /// When the current copy is given up.
    pub(super) resend_at: Instant,
    /// When the request is given up, whatever happens.
    pub(super) deadline: Instant,
    /// When the BMC first said that it has passed the request on.
    relayed_at: Option<Instant>,
}

/// Whether and how an answer fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match<'a> {
    /// To the request in flight; with the round-trip time to the BMC where the
    /// answer tells it.
    Answer {
        response: LanResponse<'a>,
        rtt: Option<Duration>,
        late: bool,
    },
    /// To the request in flight, but only to say that the BMC has it already: the
    /// answer is still to come.
    NotYet,
    /// The BMC has passed the request in flight on; the answer is still to come.
    Relayed { rtt: Duration },
    /// The BMC could not pass the present copy on, but may pass the next one on.
    RelayBusy,
    /// The BMC cannot pass the request on.
    RelayFailed(CompletionCode),
    /// To an earlier, unanswered copy of some request.
    Late { rtt: Option<Duration> },
    /// To nothing.
    No,
}

impl Pending {
    pub(super) fn new(
        purpose: Purpose,
        route: Route,
        (net_fn, lun, command): CommandKey,
        now: Instant,
        deadline: Instant,
    ) -> Self {
        Self {
            purpose,
            route,
            net_fn,
            lun,
            command,
            copies: 0,
            current: RequestSequence::default(),
            sent_at: now,
            first_sent: now,
            attempts: 0,
            is_alone: false,
            resend_at: now,
            deadline,
            relayed_at: None,
        }
    }

    /// What is asked.
    pub(super) fn key(&self) -> CommandKey {
        (self.net_fn, self.lun, self.command)
    }

    /// When there is something to do for it at the latest.
    pub(super) fn wake_at(&self) -> Instant {
        let wake_at = self.resend_at.min(self.deadline);
        self.expires_at()
            .map_or(wake_at, |expires| wake_at.min(expires))
    }

    /// When nobody remembers any more that a bridged request was passed on.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        self.route
            .is_bridged()
            .then(|| self.relayed_at.unwrap_or(self.first_sent) + relay::EXPIRY)
    }

    /// For how long a satellite has had the request without answering, once that
    /// is longer than satellites need.
    pub(super) fn satellite_silent_for(&self, now: Instant) -> Option<Duration> {
        let waited = now.saturating_duration_since(self.relayed_at?);
        (waited >= relay::PATIENCE).then_some(waited)
    }

    /// Takes the number for the next copy. `None` when there is none to be had
    /// now; the request is then looked at again soon.
    pub(super) fn next_copy(
        &mut self,
        table: &mut SequenceTable,
        now: Instant,
    ) -> Option<RequestSequence> {
        let sequence = table.take(now);
        if sequence.is_none() {
            self.resend_at = now + EXHAUSTED_WAIT;
        }
        sequence
    }

    /// Notes that a copy went out under `sequence`, to be given up after `wait`.
    pub(super) fn sent(
        &mut self,
        table: &mut SequenceTable,
        sequence: RequestSequence,
        now: Instant,
        wait: Duration,
    ) {
        self.is_alone = self.attempts == 0 && !table.may_be_in_work();
        self.abandon(table);
        self.attempts += 1;
        self.copies |= 1 << sequence.value();
        self.current = sequence;
        self.sent_at = now;
        self.resend_at = now + wait;
    }

    /// Notes that the BMC has passed a copy on: a satellite has its own pace.
    pub(super) fn relayed(&mut self, now: Instant) {
        self.relayed_at.get_or_insert(now);
        self.resend_at = self.resend_at.max(now + relay::wait(self.attempts));
    }

    /// Notes that the bus was busy: the next copy goes a little later.
    pub(super) fn relay_busy(&mut self, now: Instant) {
        self.resend_at = now + relay::busy_wait(self.attempts);
    }

    /// Gives the present copy up: late answers to it must not meet another request.
    pub(super) fn abandon(&self, table: &mut SequenceTable) {
        if self.attempts > 0 {
            table.retire(
                self.current,
                Unanswered {
                    sent: self.sent_at,
                    bridged: self.route.is_bridged(),
                },
            );
        }
    }

    /// Judges a response whose packet was authentic.
    pub(super) fn matches<'a>(
        &self,
        response: &LanResponse<'a>,
        table: &mut SequenceTable,
        now: Instant,
    ) -> Match<'a> {
        let sequence = response.sequence;
        let is_copy = self.copies & (1 << sequence.value()) != 0;
        if is_copy && self.route.is_bridged() && Relayed::is_from_relay(response) {
            return self.match_relay(response, table, now);
        }
        let fits = is_copy && self.is_answer(response) && self.is_from_there(response);
        if !fits {
            return late(response, table, now);
        }
        if response.completion == CompletionCode::DUPLICATE_REQUEST {
            return Match::NotYet;
        }
        self.answer(sequence, *response, table, now)
    }

    /// Whether it answers such a command.
    fn is_answer(&self, response: &LanResponse<'_>) -> bool {
        response.net_fn == self.net_fn.response() && response.command == self.command
    }

    /// Whether addresses and LUN are those of the request. An answer from behind
    /// the BMC comes in the BMC's name or in the satellite's, addressed to the
    /// console or, as on the bus, to the BMC.
    fn is_from_there(&self, response: &LanResponse<'_>) -> bool {
        if self.route.is_bridged() {
            relay::may_be_addressed(response)
                && [self.lun, Lun::BMC].contains(&response.responder_lun)
        } else {
            response.requester == REMOTE_CONSOLE_ADDRESS && response.responder_lun == self.lun
        }
    }

    /// Judges what the BMC says about passing a copy on.
    fn match_relay<'a>(
        &self,
        response: &LanResponse<'a>,
        table: &mut SequenceTable,
        now: Instant,
    ) -> Match<'a> {
        let sequence = response.sequence;
        let is_current = sequence == self.current;
        match Relayed::new(response) {
            Relayed::Answer(inner) if self.is_answer(&inner) => {
                self.answer(sequence, inner, table, now)
            }
            Relayed::Answer(_) => Match::No,
            Relayed::Sent if is_current => Match::Relayed {
                rtt: now.saturating_duration_since(self.sent_at),
            },
            // What became of an earlier copy matters no more.
            Relayed::Sent | Relayed::Failed(_) if !is_current => Match::NotYet,
            Relayed::Failed(CompletionCode::DUPLICATE_REQUEST) | Relayed::Sent => Match::NotYet,
            Relayed::Failed(code) if relay::may_work_again(code, self.attempts) => Match::RelayBusy,
            Relayed::Failed(code) => Match::RelayFailed(code),
        }
    }

    fn answer<'a>(
        &self,
        sequence: RequestSequence,
        response: LanResponse<'a>,
        table: &mut SequenceTable,
        now: Instant,
    ) -> Match<'a> {
        // How long a satellite takes says nothing about the way to the BMC.
        let rtt = |sent| {
            let is_bridged = self.route.is_bridged();
            (!is_bridged).then(|| now.saturating_duration_since(sent))
        };
        if sequence == self.current {
            table.note_answered(self.sent_at);
            return Match::Answer {
                response,
                rtt: rtt(self.sent_at),
                late: false,
            };
        }
        let Some(released) = table.release(sequence) else {
            return Match::No;
        };
        self.abandon(table);
        Match::Answer {
            response,
            rtt: rtt(released.sent),
            late: true,
        }
    }
}

/// An answer that fits no request in flight.
pub(super) fn late<'a>(
    response: &LanResponse<'_>,
    table: &mut SequenceTable,
    now: Instant,
) -> Match<'a> {
    let sequence = response.sequence;
    // Only says that the BMC has passed something on: the answer of the satellite
    // may still come, and its number stays out of use.
    if Relayed::is_from_relay(response) && table.is_retired(sequence) {
        return Match::NotYet;
    }
    table
        .release(sequence)
        .map_or(Match::No, |released| Match::Late {
            rtt: released.rtt(now),
        })
}
