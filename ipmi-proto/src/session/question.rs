//! A question outside a session, harmless to repeat: each copy has a number of
//! its own, and the answer to any of them will do.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

use crate::command::{Command, request_message};
use crate::wire::{LanResponse, RequestSequence, encode_sessionless_v15};

/// See the [module documentation](self).
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    last: RequestSequence,
    /// How often it was sent.
    pub(super) attempts: u32,
    sent_at: Instant,
    pub(super) resend_at: Instant,
}

impl Question {
    /// The first question of a log-in. Numbers begin anywhere, so that a late
    /// answer to an earlier log-in from the same port is hardly ever taken.
    pub(super) fn new(now: Instant, rng: &mut StdRng) -> Self {
        Self {
            last: RequestSequence::from_low_bits(rng.random()),
            attempts: 0,
            sent_at: now,
            resend_at: now,
        }
    }

    /// Another question, whose numbers follow on those of this one.
    pub(super) fn next(self) -> Self {
        Self {
            attempts: 0,
            ..self
        }
    }

    /// Takes a number for another copy, to be waited for `wait`.
    pub(super) fn number(&mut self, now: Instant, wait: Duration) -> RequestSequence {
        self.last = self.last.next();
        self.attempts += 1;
        self.sent_at = now;
        self.resend_at = now + wait;
        self.last
    }

    /// Writes the datagram of another copy.
    pub(super) fn ask<C: Command>(
        &mut self,
        command: &C,
        now: Instant,
        wait: Duration,
        out: &mut Vec<u8>,
    ) {
        let sequence = self.number(now, wait);
        out.clear();
        encode_sessionless_v15(out, &request_message(command, sequence));
    }

    /// Whether this answers one of the copies of a question of type `C`.
    pub(super) fn is_answer<C: Command>(&self, response: &LanResponse<'_>) -> bool {
        let behind = self
            .last
            .value()
            .wrapping_sub(response.sequence.value())
            .rem_euclid(RequestSequence::COUNT);
        response.net_fn == C::NET_FN.response()
            && response.command == C::COMMAND
            && u32::from(behind) < self.attempts
    }

    /// The round-trip time, if this answers the last copy.
    pub(super) fn rtt(&self, response: &LanResponse<'_>, now: Instant) -> Option<Duration> {
        (response.sequence == self.last).then(|| now.saturating_duration_since(self.sent_at))
    }
}
