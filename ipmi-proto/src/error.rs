//! What can go wrong, sorted by who is at fault.

use std::fmt;
use std::time::Duration;

use crate::crypto::{AuthType, CipherSuiteId};
use crate::privilege::PrivilegeLevel;
use crate::wire::{CompletionCode, DecodeError, RmcpStatus};

/// What a session was doing when something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Asking what the BMC speaks (Get Channel Authentication Capabilities).
    Capabilities,
    /// Asking which cipher suites the BMC offers (Get Channel Cipher Suites).
    CipherSuites,
    /// Get Session Challenge, the first step of an IPMI 1.5 log-in.
    Challenge,
    /// Activate Session, the second.
    Activation,
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
            Self::CipherSuites => "Get Channel Cipher Suites",
            Self::Challenge => "Get Session Challenge",
            Self::Activation => "Activate Session",
            Self::OpenSession => "Open Session",
            Self::Rakp1 => "RAKP message 1",
            Self::Rakp3 => "RAKP message 3",
            Self::Privilege => "Set Session Privilege Level",
            Self::Request => "command",
        }
    }
}

/// How a BMC says no at log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// In the key exchange of IPMI 2.0.
    Status(RmcpStatus),
    /// To a command of IPMI 1.5's log-in.
    Completion(CompletionCode),
}

impl From<RmcpStatus> for Refusal {
    fn from(status: RmcpStatus) -> Self {
        Self::Status(status)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::Completion(code) => code.fmt(f),
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
    UnknownUser(Refusal),
    /// The BMC's proof does not fit our password; nothing derived from the
    /// password was sent.
    #[error("wrong password (the BMC's proof in RAKP message 2 does not match it)")]
    WrongPassword,
    /// The password fits, the session keys do not: K_g differs, or the BMC
    /// refused our proof.
    #[error("wrong K_g, or the BMC refused our proof in RAKP message 3")]
    WrongKey,
    /// The user may not have the wanted privilege level.
    #[error("the BMC does not give this user privilege level {wanted}: {refusal}")]
    PrivilegeRefused {
        /// The lowest level that was asked for.
        wanted: PrivilegeLevel,
        /// What the BMC said.
        refusal: Refusal,
    },
    /// All session slots of the BMC are taken.
    #[error("the BMC has no session to give: {0}")]
    NoSlots(Refusal),
    /// The BMC accepts none of the allowed cipher suites.
    #[error("the BMC refuses the cipher suites that are allowed (last tried: {last}): {status}")]
    NoCommonSuite {
        /// The last suite that was tried.
        last: CipherSuiteId,
        /// What the BMC said to it.
        status: RmcpStatus,
    },
    /// The BMC refused a step of the log-in for another reason.
    #[error("the BMC refused {}: {refusal}", .stage.name())]
    LoginRefused {
        /// Which step.
        stage: Stage,
        /// What it said.
        refusal: Refusal,
    },
    /// The BMC takes none of the allowed authentication types of IPMI 1.5.
    #[error(
        "the BMC refuses the authentication types that are allowed (last tried: {last}): {code}"
    )]
    NoCommonAuthType {
        /// The last type that was tried.
        last: AuthType,
        /// What the BMC said to it.
        code: CompletionCode,
    },
    /// The BMC gives challenges, but does not answer the log-in that is signed
    /// with the password.
    #[error(
        "no answer to Activate Session, several times: wrong password, or IPMI 1.5 is switched off"
    )]
    ActivationIgnored,
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
            // What is refused there is nearly always the password.
            Self::LoginRefused {
                stage: Stage::Activation,
                ..
            } => Retry::AfterMinutes,
            Self::Silent { .. }
            | Self::LoginRefused { .. }
            | Self::Misbehaved(_)
            | Self::Network(_) => Retry::Soon,
            Self::NoSlots(_) => Retry::WhenSlotsExpire,
            Self::UnknownUser(_)
            | Self::WrongPassword
            | Self::WrongKey
            | Self::PrivilegeRefused { .. }
            | Self::NoCommonSuite { .. }
            | Self::NoCommonAuthType { .. }
            | Self::ActivationIgnored => Retry::AfterMinutes,
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
            Self::NoCommonAuthType { .. } => "no_common_auth_type",
            Self::ActivationIgnored => "activation_ignored",
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
