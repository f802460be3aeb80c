//! What stands between messages and packets of an open session: sequence
//! numbers, authentication, encryption. One implementation for each generation
//! of IPMI.

mod v15;
mod v20;

use std::fmt;

use rand::rngs::StdRng;

pub(super) use v15::{Activated, V15};
pub(super) use v20::V20;

use super::counters::RejectReason;
use super::sequence::{ReplayWindow, V15_REACH, Verdict};
use crate::crypto::{AuthType, CipherSuiteId};
use crate::wire::Framing;

/// How an open session is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Negotiated {
    /// IPMI 2.0, with this cipher suite.
    Suite(CipherSuiteId),
    /// IPMI 1.5, where nothing is encrypted, with this way to log in.
    V15(AuthType),
}

impl Negotiated {
    /// The cipher suite; none with IPMI 1.5.
    pub fn suite(self) -> Option<CipherSuiteId> {
        match self {
            Self::Suite(suite) => Some(suite),
            Self::V15(_) => None,
        }
    }
}

impl fmt::Display for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suite(suite) => write!(f, "cipher suite {suite}"),
            Self::V15(auth_type) => write!(f, "IPMI 1.5, authentication type {auth_type}"),
        }
    }
}

/// A number of the BMC's that passed all checks of its packet; it counts as seen
/// once it is [accepted](Protection::accept).
#[derive(Clone, Copy, Debug)]
pub(super) struct Fresh {
    number: u32,
    /// Whether it lies further ahead than the specification's window.
    pub(super) jumped: bool,
}

/// The two implementations.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each session, and nearly always it is the large one"
)]
pub(super) enum Protection {
    V15(V15),
    V20(V20),
}

impl Protection {
    /// Writes the datagram for `message` to `out`, in place of what is there.
    pub(super) fn seal(&mut self, message: &[u8], rng: &mut StdRng, out: &mut Vec<u8>) {
        out.clear();
        match self {
            Self::V15(v15) => v15.seal(message, out),
            Self::V20(v20) => v20.seal(message, rng, out),
        }
    }

    /// Checks a packet, in the order in which a forger would have to succeed, and
    /// puts the message inside into `clear`, of which it gives the part that
    /// counts. `session` is the datagram behind its RMCP header.
    ///
    /// Nothing changes here but the key stream of ciphers that have one: that
    /// moves with whatever the BMC provably sent.
    pub(super) fn open<'c>(
        &mut self,
        framing: Framing,
        session: &[u8],
        clear: &'c mut Vec<u8>,
    ) -> Result<(&'c [u8], Fresh), RejectReason> {
        match (self, framing) {
            (Self::V15(v15), Framing::V15) => v15.open(session, clear),
            (Self::V20(v20), Framing::V20) => v20.open(session, clear),
            _ => Err(RejectReason::OutOfOrder),
        }
    }

    /// Before the third copy of Close Session. A BMC of IPMI 1.5 accepts numbers at
    /// most eight ahead of the last that it saw, and after an outage nobody knows
    /// which that was. Where the first copy lay past it, one eight before the first
    /// does not, unless more than sixteen were lost; nor was it seen.
    pub(super) fn step_back(&mut self) {
        if let Self::V15(v15) = self {
            v15.sequence.step_back(2 + V15_REACH.1);
        }
    }

    /// Counts a number as seen.
    pub(super) fn accept(&mut self, fresh: Fresh) {
        match self {
            Self::V15(v15) => v15.window.accept(fresh.number),
            Self::V20(v20) => v20.window.accept(fresh.number),
        }
    }

    /// Whether something but the checksums inside keeps messages from change.
    pub(super) fn authenticates(&self) -> bool {
        match self {
            Self::V15(v15) => v15.authenticates(),
            Self::V20(v20) => v20.authenticates(),
        }
    }

    /// The session's number at the BMC.
    pub(super) fn bmc_session_id(&self) -> u32 {
        match self {
            Self::V15(v15) => v15.session_id,
            Self::V20(v20) => v20.bmc_session_id,
        }
    }

    /// What was agreed on.
    pub(super) fn negotiated(&self) -> Negotiated {
        match self {
            Self::V15(v15) => Negotiated::V15(v15.login_type),
            Self::V20(v20) => Negotiated::Suite(v20.suite),
        }
    }
}

fn fresh(window: &ReplayWindow, number: u32) -> Result<Fresh, RejectReason> {
    match window.check(number) {
        Verdict::Fresh { jumped } => Ok(Fresh { number, jumped }),
        Verdict::Replayed | Verdict::TooOld | Verdict::TooFarAhead => Err(RejectReason::Replayed),
    }
}
