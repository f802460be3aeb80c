//! Requests inside a session: sequence numbers, attempts, and which answer
//! belongs to which request.

use std::time::{Duration, Instant};

use crate::privilege::PrivilegeLevel;
use crate::wire::{LanResponse, Lun, NetFn, REMOTE_CONSOLE_ADDRESS, RequestSequence};

/// How long an unanswered sequence number stays out of use: until then a late
/// answer to it may arrive (the message expiry time of IPMI 1.5 section 6.12).
const RETIRED: Duration = Duration::from_secs(5);

/// Hands out request sequence numbers and remembers when each was used.
pub(super) struct SequenceTable {
    epoch: Instant,
    last: RequestSequence,
    /// Milliseconds from `epoch` to the transmission; only for retired numbers.
    sent_ms: [u32; RequestSequence::COUNT as usize],
    /// Milliseconds from `epoch` until the number may be used again; 0 when it may.
    retired_until_ms: [u32; RequestSequence::COUNT as usize],
}

impl SequenceTable {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            last: RequestSequence::from_low_bits(RequestSequence::COUNT - 1),
            sent_ms: [0; RequestSequence::COUNT as usize],
            retired_until_ms: [0; RequestSequence::COUNT as usize],
        }
    }

    fn millis(&self, now: Instant) -> u32 {
        u32::try_from(now.saturating_duration_since(self.epoch).as_millis()).unwrap_or(u32::MAX)
    }

    /// The next number that no late answer can bear. When all are retired the
    /// next in turn is taken: such a session is about to be given up.
    pub(super) fn take(&mut self, now: Instant) -> RequestSequence {
        let now_ms = self.millis(now);
        let mut candidate = self.last.next();
        for _ in 0..RequestSequence::COUNT {
            let until = self
                .retired_until_ms
                .get(usize::from(candidate.value()))
                .copied()
                .unwrap_or_default();
            if until <= now_ms {
                break;
            }
            candidate = candidate.next();
        }
        self.last = candidate;
        candidate
    }

    /// Puts an unanswered number out of use.
    fn retire(&mut self, sequence: RequestSequence, sent: Instant, now: Instant) {
        let until = self
            .millis(now)
            .saturating_add(u32::try_from(RETIRED.as_millis()).unwrap_or(u32::MAX));
        let sent = self.millis(sent);
        let index = usize::from(sequence.value());
        if let (Some(retired), Some(at)) = (
            self.retired_until_ms.get_mut(index),
            self.sent_ms.get_mut(index),
        ) {
            *retired = until;
            *at = sent;
        }
    }

    /// When a retired number was sent; the number may be used again from now on.
    fn release(&mut self, sequence: RequestSequence) -> Option<Instant> {
        let index = usize::from(sequence.value());
        let retired = self.retired_until_ms.get_mut(index)?;
        if *retired == 0 {
            return None;
        }
        *retired = 0;
        let sent = self.sent_ms.get(index).copied().unwrap_or_default();
        Some(self.epoch + Duration::from_millis(u64::from(sent)))
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

    /// Notes a transmission under `sequence`.
    pub(super) fn sent(
        &mut self,
        table: &mut SequenceTable,
        sequence: RequestSequence,
        now: Instant,
        wait: Duration,
    ) {
        if self.attempts > 0 {
            table.retire(self.current, self.sent_at, now);
        }
        self.attempts += 1;
        self.copies |= 1 << sequence.value();
        self.current = sequence;
        self.sent_at = now;
        self.resend_at = now + wait;
    }

    /// Gives the request up: late answers to it must not meet another request.
    pub(super) fn abandon(&self, table: &mut SequenceTable, now: Instant) {
        if self.attempts > 0 {
            table.retire(self.current, self.sent_at, now);
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
        if sequence == self.current {
            return Match::Answer {
                rtt: now.saturating_duration_since(self.sent_at),
                late: false,
            };
        }
        let Some(sent) = table.release(sequence) else {
            return Match::No;
        };
        table.retire(self.current, self.sent_at, now);
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
