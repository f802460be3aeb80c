//! What is special about requests that the BMC passes on to a satellite: it says
//! so first, the answer comes when it comes, and either may be missing.

use std::time::Duration;

use crate::wire::{BMC_ADDRESS, CompletionCode, LanResponse, REMOTE_CONSOLE_ADDRESS};

/// How long a BMC remembers whom the answer to a passed-on request is for (the
/// message expiry time of IPMI 1.5 section 6.12).
pub(super) const EXPIRY: Duration = Duration::from_secs(5);
/// A satellite that has had a request for this long is silent, should the caller
/// not wait longer. Its bus is slow, its answers take tens of milliseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// How often a copy that could not be passed on is followed by another.
const MAX_BUSY: u32 = 3;
const BUSY_WAIT: Duration = Duration::from_millis(100);

/// Codes of Send Message that may be another one the next time: lost arbitration,
/// bus error, no acknowledgement (IPMI 2.0 section 22.7), busy and time-out.
const PASSING: [CompletionCode; 5] = [
    CompletionCode(0x81),
    CompletionCode(0x82),
    CompletionCode(0x83),
    CompletionCode::NODE_BUSY,
    CompletionCode::TIMEOUT,
];

/// Whether another copy may be passed on although this one was not, the
/// `attempts`-th.
pub(super) fn may_work_again(code: CompletionCode, attempts: u32) -> bool {
    attempts < MAX_BUSY && PASSING.contains(&code)
}

/// How long to leave a busy bus alone after `attempts` attempts.
pub(super) fn busy_wait(attempts: u32) -> Duration {
    BUSY_WAIT.saturating_mul(attempts.max(1))
}

/// How long the answer to a copy that was passed on is waited for, before it is
/// taken for lost and the next copy goes.
pub(super) fn wait(attempts: u32) -> Duration {
    PATIENCE.saturating_mul(attempts.max(1))
}

/// Whether a response that a satellite made is addressed as BMCs do: to the
/// console, or to themselves.
pub(super) fn may_be_addressed(response: &LanResponse<'_>) -> bool {
    [REMOTE_CONSOLE_ADDRESS, BMC_ADDRESS].contains(&response.requester)
}
