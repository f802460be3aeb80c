//! Requests inside a session: sequence numbers, attempts, and which answer
//! belongs to which request.

use std::time::{Duration, Instant};

use crate::privilege::PrivilegeLevel;
use crate::wire::{
    CompletionCode, LanResponse, Lun, NetFn, REMOTE_CONSOLE_ADDRESS, RequestSequence,
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
    /// When each number was sent that nobody waits for and nobody answered.
    unanswered: [Option<Instant>; RequestSequence::COUNT as usize],
    /// When the youngest request was sent that was answered.
    answered: Option<Instant>,
}

impl SequenceTable {
    pub(super) fn new() -> Self {
        Self {
            last: RequestSequence::from_low_bits(RequestSequence::COUNT - 1),
            unanswered: [None; RequestSequence::COUNT as usize],
            answered: None,
        }
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
            let is_free = place.is_none_or(|sent| {
                now.saturating_duration_since(sent) >= RETIRED
                    && self.answered.is_some_and(|answered| sent <= answered)
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
    fn retire(&mut self, sequence: RequestSequence, sent: Instant) {
        if let Some(place) = self.unanswered.get_mut(usize::from(sequence.value())) {
            *place = Some(sent);
        }
    }

    /// The answer to a number out of use has come: when that was sent.
    fn release(&mut self, sequence: RequestSequence) -> Option<Instant> {
        let place = self.unanswered.get_mut(usize::from(sequence.value()))?;
        let sent = place.take()?;
        self.note_answered(sent);
        Some(sent)
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
    pub(super) net_fn: NetFn,
    pub(super) lun: Lun,
    pub(super) command: u8,
    /// Bit n: request sequence n carried a copy of this request.
    copies: u64,
    current: RequestSequence,
    sent_at: Instant,
    pub(super) first_sent: Instant,
    pub(super) attempts: u32,
    /// When the current copy is given up.
    pub(super) resend_at: Instant,
    /// When the request is given up, whatever happens.
    pub(super) deadline: Instant,
}

/// Whether and how an answer fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// To the request in flight; with the round-trip time.
    Answer { rtt: Duration, late: bool },
    /// To the request in flight, but only to say that the BMC has it already: the
    /// answer is still to come.
    NotYet,
    /// To an earlier, unanswered copy of some request.
    Late { rtt: Duration },
    /// To nothing.
    No,
}

impl Pending {
    pub(super) fn new(
        purpose: Purpose,
        (net_fn, lun, command): (NetFn, Lun, u8),
        now: Instant,
        deadline: Instant,
    ) -> Self {
        Self {
            purpose,
            net_fn,
            lun,
            command,
            copies: 0,
            current: RequestSequence::default(),
            sent_at: now,
            first_sent: now,
            attempts: 0,
            resend_at: now,
            deadline,
        }
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

    /// Notes a transmission under `sequence`.
    pub(super) fn sent(
        &mut self,
        table: &mut SequenceTable,
        sequence: RequestSequence,
        now: Instant,
        wait: Duration,
    ) {
        self.abandon(table);
        self.attempts += 1;
        self.copies |= 1 << sequence.value();
        self.current = sequence;
        self.sent_at = now;
        self.resend_at = now + wait;
    }

    /// Gives the present copy up: late answers to it must not meet another request.
    pub(super) fn abandon(&self, table: &mut SequenceTable) {
        if self.attempts > 0 {
            table.retire(self.current, self.sent_at);
        }
    }

    /// Judges a response whose packet was authentic.
    pub(super) fn matches(
        &self,
        response: &LanResponse<'_>,
        table: &mut SequenceTable,
        now: Instant,
    ) -> Match {
        let sequence = response.sequence;
        let fits = self.copies & (1 << sequence.value()) != 0
            && response.net_fn == self.net_fn.response()
            && response.command == self.command
            && response.requester == REMOTE_CONSOLE_ADDRESS
            && response.responder_lun == self.lun;
        if !fits {
            return late(sequence, table, now);
        }
        if response.completion == CompletionCode::DUPLICATE_REQUEST {
            return Match::NotYet;
        }
        if sequence == self.current {
            table.note_answered(self.sent_at);
            return Match::Answer {
                rtt: now.saturating_duration_since(self.sent_at),
                late: false,
            };
        }
        let Some(sent) = table.release(sequence) else {
            return Match::No;
        };
        self.abandon(table);
        Match::Answer {
            rtt: now.saturating_duration_since(sent),
            late: true,
        }
    }
}

/// An answer that fits no request in flight.
pub(super) fn late(sequence: RequestSequence, table: &mut SequenceTable, now: Instant) -> Match {
    table
        .release(sequence)
        .map_or(Match::No, |sent| Match::Late {
            rtt: now.saturating_duration_since(sent),
        })
}
