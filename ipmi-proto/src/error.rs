//! What can go wrong, sorted by who is at fault.

use std::time::Duration;

use crate::crypto::CipherSuiteId;
use crate::privilege::PrivilegeLevel;
use crate::wire::{CompletionCode, DecodeError, RmcpStatus};

/// What a session was doing when something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Asking what the BMC speaks (Get Channel Authentication Capabilities).
    Capabilities,
    /// Open Session.
    OpenSession,
    /// RAKP messages 1 and 2.
    Rakp1,
    /// RAKP messages 3 and 4.
    Rakp3,
    /// Set Session Privilege Level.
    Privilege,
    /// A command in an open session.
    Request,
}

impl Stage {
    /// What this stage is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Capabilities => "authentication capabilities",
            Self::OpenSession => "Open Session",
            Self::Rakp1 => "RAKP message 1",
            Self::Rakp3 => "RAKP message 3",
            Self::Privilege => "Set Session Privilege Level",
            Self::Request => "command",
        }
    }
}

/// Why a log-in or a command failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing came back, however often it was asked.
    #[error("no answer to {} within {:.1} s", .stage.name(), .waited.as_secs_f64())]
    Silent {
        /// What was being waited for.
        stage: Stage,
        /// How long.
        waited: Duration,
    },
    /// The caller's deadline passed first.
    #[error("no answer to {} before the deadline", .stage.name())]
    Deadline {
        /// What was being waited for.
        stage: Stage,
    },
    /// The BMC knows no such user, or does not let it in.
    #[error("the BMC does not accept this user name: {0}")]
    UnknownUser(RmcpStatus),
    /// The BMC's proof does not fit our password; nothing derived from the
    /// password was sent.
    #[error("wrong password (the BMC's proof in RAKP message 2 does not match it)")]
    WrongPassword,
    /// The password fits, the session keys do not: K_g differs, or the BMC
    /// refused our proof.
    #[error("wrong K_g, or the BMC refused our proof in RAKP message 3")]
    WrongKey,
    /// The user may not have the wanted privilege level.
    #[error("the BMC does not give this user privilege level {wanted}: {status}")]
    PrivilegeRefused {
        /// The lowest level that was asked for.
        wanted: PrivilegeLevel,
        /// What the BMC said.
        status: RmcpStatus,
    },
    /// All session slots of the BMC are taken.
    #[error("the BMC has no session to give: {0}")]
    NoSlots(RmcpStatus),
    /// The BMC accepts none of the allowed cipher suites.
    #[error("the BMC refuses the cipher suites that are allowed (last tried: {last}): {status}")]
    NoCommonSuite {
        /// The last suite that was tried.
        last: CipherSuiteId,
        /// What the BMC said to it.
        status: RmcpStatus,
    },
    /// The BMC refused a step of the log-in for another reason.
    #[error("the BMC refused {}: {status}", .stage.name())]
    LoginRefused {
        /// Which step.
        stage: Stage,
        /// What it said.
        status: RmcpStatus,
    },
    /// The BMC refused a command.
    #[error("the BMC answered {0}")]
    Completion(CompletionCode),
    /// The BMC could not pass a command on to the controller that it was for.
    #[error("the BMC could not pass the command on: {0}")]
    Relay(CompletionCode),
    /// The BMC has passed a command on, and no answer came back.
    #[error("the controller behind the BMC has not answered within {:.1} s", .waited.as_secs_f64())]
    SatelliteSilent {
        /// How long.
        waited: Duration,
    },
    /// The answer does not parse.
    #[error("malformed answer: {0}")]
    Malformed(#[from] DecodeError),
    /// The answer parses, but is not allowed.
    #[error("the BMC misbehaves: {0}")]
    Misbehaved(&'static str),
    /// The operating system refused to send or receive.
    #[error("network: {0}")]
    Network(std::io::ErrorKind),
    /// Our own caller asked for something impossible.
    #[error("misuse: {0}")]
    Misuse(&'static str),
}

/// When trying again makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The session is fine: the next request may go out at once.
    Now,
    /// The target is unreachable or confused: back off by seconds.
    Soon,
    /// The BMC waits for its session slots to expire: about a minute.
    WhenSlotsExpire,
    /// Only a change of configuration helps; trying fast could lock the account.
    AfterMinutes,
}

impl Error {
    /// When trying again makes sense.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Completion(_)
            | Self::Relay(_)
            | Self::SatelliteSilent { .. }
            | Self::Malformed(_)
            | Self::Misuse(_)
            | Self::Deadline { .. } => Retry::Now,
            Self::Silent { .. }
            | Self::LoginRefused { .. }
            | Self::Misbehaved(_)
            | Self::Network(_) => Retry::Soon,
            Self::NoSlots(_) => Retry::WhenSlotsExpire,
            Self::UnknownUser(_)
            | Self::WrongPassword
            | Self::WrongKey
            | Self::PrivilegeRefused { .. }
            | Self::NoCommonSuite { .. } => Retry::AfterMinutes,
        }
    }

    /// A word for metrics; the set is closed.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Silent { .. } => "silent",
            Self::Deadline { .. } => "deadline",
            Self::UnknownUser(_) => "unknown_user",
            Self::WrongPassword => "wrong_password",
            Self::WrongKey => "wrong_key",
            Self::PrivilegeRefused { .. } => "privilege_refused",
            Self::NoSlots(_) => "no_slots",
            Self::NoCommonSuite { .. } => "no_common_suite",
            Self::LoginRefused { .. } => "login_refused",
            Self::Completion(_) => "completion_code",
            Self::Relay(_) => "relay",
            Self::SatelliteSilent { .. } => "satellite_silent",
            Self::Malformed(_) => "malformed",
            Self::Misbehaved(_) => "misbehaved",
            Self::Network(_) => "network",
            Self::Misuse(_) => "misuse",
        }
    }
}
