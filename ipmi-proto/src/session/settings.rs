//! Who logs in, and what is allowed at it.

use crate::crypto::{CipherSuite, CipherSuiteId, Kg, Password, Username};
use crate::privilege::PrivilegeLevel;

/// What a session needs to know about its user and its BMC.
#[derive(Clone)]
pub struct Settings {
    username: Username,
    password: Password,
    k_g: Option<Kg>,
    privilege: Option<PrivilegeLevel>,
    suites: Vec<&'static CipherSuite>,
}

impl Settings {
    /// Suites that are tried when nobody names any: the strong ones, the stronger first.
    pub const DEFAULT_SUITES: [CipherSuiteId; 2] = [CipherSuiteId(17), CipherSuiteId(3)];

    /// Logs in as `username`.
    pub fn new(username: Username, password: Password) -> Self {
        Self {
            username,
            password,
            k_g: None,
            privilege: None,
            suites: known(&Self::DEFAULT_SUITES),
        }
    }

    /// Sets the BMC's own key.
    #[must_use]
    pub fn with_k_g(mut self, k_g: Option<Kg>) -> Self {
        self.k_g = k_g;
        self
    }

    /// Sets the privilege level that the session shall have from the start.
    /// Without one, the log-in entitles to the highest level that the user has,
    /// while the session stays at USER until it is raised.
    #[must_use]
    pub fn with_privilege(mut self, privilege: Option<PrivilegeLevel>) -> Self {
        self.privilege = privilege;
        self
    }

    /// Sets the allowed suites in order of preference. All are allowed, also
    /// [weak](CipherSuite::is_weak) ones, with which the BMC that answers need not
    /// be the one that was asked; numbers that the specification does not give out
    /// are left out.
    #[must_use]
    pub fn with_suites(mut self, suites: &[CipherSuiteId]) -> Self {
        self.suites = known(suites);
        self
    }

    /// Whether a session made with `other` can serve this one too. Takes the
    /// same time whatever the passwords are.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let suites = |settings: &Self| -> Vec<CipherSuiteId> {
            settings.suites.iter().map(|suite| suite.id).collect()
        };
        self.username == other.username
            && self.privilege == other.privilege
            && suites(self) == suites(other)
            && self.password.is_same_as(&other.password)
            && match (&self.k_g, &other.k_g) {
                (None, None) => true,
                (Some(ours), Some(theirs)) => ours.is_same_as(theirs),
                _ => false,
            }
    }

    pub(super) fn username(&self) -> &Username {
        &self.username
    }

    pub(super) fn password(&self) -> &Password {
        &self.password
    }

    pub(super) fn k_g(&self) -> Option<&Kg> {
        self.k_g.as_ref()
    }

    pub(super) fn privilege(&self) -> Option<PrivilegeLevel> {
        self.privilege
    }

    /// The allowed suites in order of preference.
    pub fn suites(&self) -> &[&'static CipherSuite] {
        &self.suites
    }
}

fn known(ids: &[CipherSuiteId]) -> Vec<&'static CipherSuite> {
    ids.iter()
        .filter_map(|id| CipherSuite::by_id(*id))
        .collect()
}
