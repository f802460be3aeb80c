//! Who asks: a user, or a program with one job.

use std::net::IpAddr;

use super::access::{Access, Rule};
use crate::model::{AuditEvent, Role, Scope, Token, TokenKind, User};

/// Who stands behind a token.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A person, or a program in a person's name.
    User(Box<User>),
    /// A program with one job; its kind says which.
    Service,
}

/// Who asks, with the token that was shown, and from where.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who.
    pub subject: Subject,
    /// With which token.
    pub token: Token,
    /// What all tokens of the same log-in share.
    pub family: String,
    /// From which address.
    pub source: IpAddr,
}

impl Principal {
    /// Whether a route's rule lets them in.
    #[must_use]
    pub fn may(&self, rule: &Rule) -> bool {
        let scopes = &self.token.scopes;
        let in_scope = scopes.is_empty() || scopes.iter().any(|scope| scope == rule.scope);
        let is_let_in = match (&self.subject, rule.access) {
            (_, Access::Public) => true,
            (Subject::User(_), Access::SignedIn | Access::Scrape) => true,
            (Subject::Service, Access::Scrape) => self.token.kind == TokenKind::Discovery,
            (Subject::User(user), Access::Role(least)) => user.role >= least,
            (Subject::Service, Access::Service(kind)) => self.token.kind == kind,
            _ => false,
        };
        in_scope && is_let_in
    }

    /// Whose servers they see. A service's job is about all of them.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match &self.subject {
            Subject::User(user) => user.scope(),
            Subject::Service => Scope::All,
        }
    }

    /// The user, if it is one.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        match &self.subject {
            Subject::User(user) => Some(user),
            Subject::Service => None,
        }
    }

    /// Whether it is an admin.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.user().is_some_and(|user| user.role == Role::Admin)
    }

    /// The name for the audit trail and the log.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.subject {
            Subject::User(user) if self.token.kind == TokenKind::Api => {
                format!("{} (token {})", user.username, self.token.name)
            }
            Subject::User(user) => user.username.clone(),
            Subject::Service => format!("{} {}", self.token.kind.as_str(), self.token.name),
        }
    }

    /// An entry for the audit trail, of something that they do.
    #[must_use]
    pub fn event(&self, action: &'static str, resource: String) -> AuditEvent {
        AuditEvent {
            actor: self.name(),
            actor_id: self.user().map(|user| user.id),
            source: Some(self.source.to_string()),
            action,
            resource,
            before: None,
            after: None,
        }
    }
}
