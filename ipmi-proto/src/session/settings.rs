//! Who logs in, and what is allowed at it.

use super::Quirks;
use crate::crypto::{AuthType, CipherSuite, CipherSuiteId, Kg, Password, Username};
use crate::privilege::PrivilegeLevel;

/// Which sessions are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Generation {
    /// Those of IPMI 1.5, without encryption: for BMCs that know no others.
    V15,
    /// Those of IPMI 2.0.
    #[default]
    V20,
}

/// What a session needs to know about its user and its BMC.
#[derive(Clone)]
pub struct Settings {
    username: Username,
    password: Password,
    k_g: Option<Kg>,
    privilege: Option<PrivilegeLevel>,
    suites: Vec<&'static CipherSuite>,
    generation: Generation,
    auth_types: Vec<AuthType>,
    quirks: Quirks,
}

impl Settings {
    /// Suites that are tried when nobody names any: the strong ones, the stronger first.
    pub const DEFAULT_SUITES: [CipherSuiteId; 2] = [CipherSuiteId(17), CipherSuiteId(3)];

    /// Ways to log in to IPMI 1.5 that are tried when nobody names any: those that
    /// do not show the password.
    pub const DEFAULT_AUTH_TYPES: [AuthType; 2] = [AuthType::Md5, AuthType::Md2];

    /// Logs in as `username`.
    pub fn new(username: Username, password: Password) -> Self {
        Self {
            username,
            password,
            k_g: None,
            privilege: None,
            suites: known(&Self::DEFAULT_SUITES),
            generation: Generation::default(),
            auth_types: Self::DEFAULT_AUTH_TYPES.to_vec(),
            quirks: Quirks::default(),
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

    /// Sets which sessions are opened. With [`Generation::V15`] suites and K_g have
    /// no use, and a password of more than 16 bytes opens nothing.
    #[must_use]
    pub fn with_generation(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self
    }

    /// Sets the allowed ways to log in to IPMI 1.5. The strongest that the BMC
    /// offers is taken. [`AuthType::Password`] sends the password in clear text;
    /// with [`AuthType::None`] nobody proves anything.
    #[must_use]
    pub fn with_auth_types(mut self, auth_types: &[AuthType]) -> Self {
        self.auth_types = AuthType::STRONGEST_FIRST
            .into_iter()
            .filter(|auth_type| auth_types.contains(auth_type))
            .collect();
        self
    }

    /// Sets the work-arounds.
    #[must_use]
    pub fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
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
            && self.generation == other.generation
            && self.auth_types == other.auth_types
            && self.quirks == other.quirks
            && self.password.is_same_as(&other.password)
            && match (&self.k_g, &other.k_g) {
                (None, None) => true,
                (Some(ours), Some(theirs)) => ours.is_same_as(theirs),
                _ => false,
            }
    }

    /// Who logs in.
    pub fn username(&self) -> &Username {
        &self.username
    }

    pub(super) fn password(&self) -> &Password {
        &self.password
    }

    pub(super) fn k_g(&self) -> Option<&Kg> {
        self.k_g.as_ref()
    }

    /// Which sessions are opened.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The allowed ways to log in to IPMI 1.5, the strongest first.
    pub(super) fn auth_types(&self) -> &[AuthType] {
        &self.auth_types
    }

    pub(super) fn quirks(&self) -> &Quirks {
        &self.quirks
    }

    /// The privilege level that was named.
    pub fn privilege(&self) -> Option<PrivilegeLevel> {
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
