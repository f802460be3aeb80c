//! What a session counts: the raw material of the exporter's own metrics.

/// Why a received packet had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// Does not parse.
    Malformed,
    /// Bears another session id than ours.
    ForeignSession,
    /// Not encrypted or not authenticated although that was agreed, or the reverse.
    Unprotected,
    /// Its authentication code is wrong.
    BadAuthCode,
    /// Its sequence number was seen before, or is too old to tell, or, where nothing
    /// else protects packets, too far ahead.
    Replayed,
    /// It cannot be decrypted: length, padding or place in the key stream is wrong.
    BadPadding,
    /// A checksum of the message inside is wrong.
    BadChecksum,
    /// A payload that nobody asked for (serial over LAN, OEM).
    UnexpectedPayload,
    /// A handshake message that does not fit the state.
    OutOfOrder,
    /// An answer to no request of ours, or to one that was answered.
    Unmatched,
}

impl RejectReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Malformed,
        Self::ForeignSession,
        Self::Unprotected,
        Self::BadAuthCode,
        Self::Replayed,
        Self::BadPadding,
        Self::BadChecksum,
        Self::UnexpectedPayload,
        Self::OutOfOrder,
        Self::Unmatched,
    ];

    /// A word for metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::ForeignSession => "foreign_session",
            Self::Unprotected => "unprotected",
            Self::BadAuthCode => "bad_auth_code",
            Self::Replayed => "replayed",
            Self::BadPadding => "bad_padding",
            Self::BadChecksum => "bad_checksum",
            Self::UnexpectedPayload => "unexpected_payload",
            Self::OutOfOrder => "out_of_order",
            Self::Unmatched => "unmatched",
        }
    }
}

/// Totals since the session object was made, or since [`Counters::take`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams received, good or not.
    pub received: u64,
    /// Of the datagrams sent, those that repeat a request.
    pub retransmitted: u64,
    /// Answers that came after their request had been sent again.
    pub late: u64,
    /// Sequence numbers further ahead than the specification's window.
    pub sequence_jumps: u64,
    /// Handshake answers with another message tag than the request's.
    pub tolerated_tags: u64,
    /// Log-ins started, restarts included.
    pub logins_started: u64,
    /// Packets without effect, by [`RejectReason`].
    pub rejected: [u64; RejectReason::ALL.len()],
}

impl Counters {
    pub(super) fn reject(&mut self, reason: RejectReason) {
        if let Some(count) = self.rejected.get_mut(reason as usize) {
            *count += 1;
        }
    }

    /// Adds what another session counted.
    #[cfg(feature = "tokio")]
    pub(crate) fn add(&mut self, more: &Self) {
        // Taken apart, so that a new counter cannot be forgotten here.
        let Self {
            sent,
            received,
            retransmitted,
            late,
            sequence_jumps,
            tolerated_tags,
            logins_started,
            rejected,
        } = more;
        self.sent += sent;
        self.received += received;
        self.retransmitted += retransmitted;
        self.late += late;
        self.sequence_jumps += sequence_jumps;
        self.tolerated_tags += tolerated_tags;
        self.logins_started += logins_started;
        for (total, more) in self.rejected.iter_mut().zip(rejected) {
            *total += more;
        }
    }

    /// How many packets were rejected for `reason`.
    pub fn rejected(&self, reason: RejectReason) -> u64 {
        self.rejected
            .get(reason as usize)
            .copied()
            .unwrap_or_default()
    }

    /// Gives the totals and starts again from zero.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place() {
        let mut counters = Counters::default();
        for reason in RejectReason::ALL {
            counters.reject(reason);
        }
        for reason in RejectReason::ALL {
            assert_eq!(counters.rejected(reason), 1, "{}", reason.label());
        }
    }
}
