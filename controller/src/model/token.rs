//! Tokens: what a program or a browser shows instead of a password.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Id;
use crate::clock::Timestamp;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// From a log-in, short-lived.
    Access,
    /// Gives new access tokens, once.
    Refresh,
    /// Gives the tokens of a log-in by OpenID Connect, once.
    LoginCode,
    /// A browser's log-in, in a cookie that no script reads.
    Session,
    /// Made by a user for programs; does what the user may, within its scopes.
    Api,
    /// Prometheus' HTTP service discovery.
    Discovery,
    /// Alertmanager's webhook and Prometheus' alerts.
    Inlet,
    /// An exporter's configuration channel.
    Exporter,
}

impl TokenKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Access,
        Self::Refresh,
        Self::LoginCode,
        Self::Session,
        Self::Api,
        Self::Discovery,
        Self::Inlet,
        Self::Exporter,
    ];

    /// The word in the store and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::LoginCode => "login_code",
            Self::Session => "session",
            Self::Api => "api",
            Self::Discovery => "discovery",
            Self::Inlet => "inlet",
            Self::Exporter => "exporter",
        }
    }

    /// Reads [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether it only gives other tokens.
    #[must_use]
    pub fn is_good_once(self) -> bool {
        matches!(self, Self::Refresh | Self::LoginCode)
    }

    /// Whether it comes from a log-in, and nobody can ask for one.
    #[must_use]
    pub fn is_of_login(self) -> bool {
        self.is_good_once() || matches!(self, Self::Access | Self::Session)
    }

    /// Whether it stands for a program with one job instead of a user.
    #[must_use]
    pub fn is_service(self) -> bool {
        matches!(self, Self::Discovery | Self::Inlet | Self::Exporter)
    }
}

/// A token as it is stored: without its text, of which only a hash is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Token {
    /// Number of the token.
    pub id: Id,
    /// What it is for.
    pub kind: TokenKind,
    /// What its maker called it.
    pub name: String,
    /// Whose it is; a service token is nobody's.
    pub user_id: Option<Id>,
    /// The exporter that it is for; of the kind `exporter` only.
    pub exporter_id: Option<Id>,
    /// Names of what it may be used for; empty is all that its kind may.
    pub scopes: Vec<String>,
    /// When it ends; never when absent.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was shown last, to the minute.
    pub last_used_at: Option<Timestamp>,
}
