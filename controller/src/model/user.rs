//! People who log in.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

use super::{Id, Invalid, Problems, Role, Scope, Version};
use crate::clock::Timestamp;

/// Shortest and longest password, in bytes. The upper bound keeps hashing cheap.
const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 10..=256;

/// A user as stored; the password's hash is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Number of the user.
    pub id: Id,
    /// Unique name for the log-in.
    pub username: String,
    /// Where to reach them; may be empty.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may log in.
    pub is_active: bool,
    /// The groups they are limited to; all servers when absent.
    pub group_ids: Option<BTreeSet<Id>>,
    /// Rises with each change.
    pub version: Version,
    /// When they logged in last.
    pub last_login_at: Option<Timestamp>,
    /// When they were made.
    pub created_at: Timestamp,
    /// When they were changed last.
    pub updated_at: Timestamp,
}

impl User {
    /// Whose servers they see.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.group_ids.clone().map_or(Scope::All, Scope::Groups)
    }
}

/// A user as somebody wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserDraft {
    /// Unique name for the log-in.
    pub username: String,
    /// Where to reach them.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may log in.
    pub is_active: bool,
    /// The groups they are limited to.
    pub group_ids: Option<BTreeSet<Id>>,
}

/// The form of [`UserDraft`] in a request.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserBody {
    /// Unique name for the log-in: letters, digits, `.`, `_`, `-` and `@`.
    pub username: String,
    /// Where to reach them.
    #[serde(default)]
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may log in.
    #[serde(default = "default_true")]
    #[schema(default = true)]
    pub is_active: bool,
    /// The groups they are limited to; all servers when absent.
    #[serde(default)]
    pub group_ids: Option<BTreeSet<Id>>,
    /// New password, 10 to 256 bytes. Needed for a new user.
    #[serde(default)]
    #[schema(write_only)]
    pub password: Option<String>,
}

fn default_true() -> bool {
    true
}

/// Which users are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct UserFilter {
    /// Part of the name or e-mail address; case does not matter.
    pub search: Option<String>,
    /// Exactly this role.
    #[param(inline)]
    pub role: Option<Role>,
    /// Whether they may log in.
    pub is_active: Option<bool>,
}

impl UserDraft {
    /// Checks the fields, and the password if there is one.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(body: &UserBody) -> Result<(Self, Option<Zeroizing<String>>), Vec<Invalid>> {
        let mut problems = Problems::default();
        let username_is_good = (1..=64).contains(&body.username.len())
            && body
                .username
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'));
        if !username_is_good {
            problems.add(
                "username",
                "is no user name; 1 to 64 letters, digits, dots, underscores, hyphens and at signs are allowed",
            );
        }
        let email_is_good = body.email.is_empty()
            || (body.email.len() <= 254
                && body.email.split('@').count() == 2
                && !body.email.chars().any(|c| c.is_control() || c == ' '));
        if !email_is_good {
            problems.add("email", "is no e-mail address");
        }
        if let Some(password) = &body.password
            && let Err(message) = check_password(password)
        {
            problems.add("password", message);
        }
        if body.role == Role::Admin && body.group_ids.is_some() {
            problems.add(
                "group_ids",
                "an admin cannot be limited to groups, because users and credentials belong to no group",
            );
        }
        let draft = Self {
            username: body.username.clone(),
            email: body.email.clone(),
            role: body.role,
            is_active: body.is_active,
            group_ids: body.group_ids.clone(),
        };
        let password = body.password.clone().map(Zeroizing::new);
        problems.finish(Some((draft, password)))
    }
}

/// Whether a password is fit for a user.
///
/// # Errors
/// A sentence saying what is wrong.
pub fn check_password(password: &str) -> Result<(), String> {
    if PASSWORD_BYTES.contains(&password.len()) {
        Ok(())
    } else {
        Err(format!(
            "has {} bytes; {} to {} are allowed",
            password.len(),
            PASSWORD_BYTES.start(),
            PASSWORD_BYTES.end()
        ))
    }
}
