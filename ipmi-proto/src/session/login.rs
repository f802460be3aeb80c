//! Which log-in to try, and which one next when the BMC refuses it.
//!
//! BMCs disagree on what a status means (a suite that is switched off is
//! answered "no resources" by some), so a refusal is met with the one other
//! variant that has been seen to help, each at most once, and only then believed.

use super::protection::Negotiated;
use super::settings::Settings;
use crate::command::OfferedSuite;
use crate::crypto::{CipherSuite, CipherSuiteId};
use crate::error::{Error, Refusal, Stage};
use crate::privilege::PrivilegeLevel;
use crate::wire::{RmcpStatus, Role};

/// How often a log-in is started anew after silence or a lost half-open session.
const MAX_RESTARTS: u8 = 4;
/// How many silent Open Sessions make the next suite worth a try.
const SILENCE_BEFORE_NEXT_SUITE: u8 = 2;

/// One way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) suite: &'static CipherSuite,
    /// Level in Open Session; 0 is "the highest that the suite allows".
    pub(super) open_privilege: u8,
    pub(super) role: Role,
    pub(super) level: PrivilegeLevel,
}

/// What worked last time; the next log-in starts with it. It holds nothing that is
/// secret, and may be kept over restarts for the same user of the same firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginMemory {
    /// Cipher suite or authentication type.
    pub protection: Negotiated,
    /// The level that the user was let in with.
    pub level: PrivilegeLevel,
    /// Whether the user was looked up by name alone, not by name and level.
    pub name_only: bool,
    /// Whether Open Session asked for "highest" instead of the level.
    pub open_highest: bool,
    /// Whether the first question is answered only without the bit that asks for
    /// IPMI 2.0 data.
    pub plain_capabilities: bool,
}

/// Walks through the variants.
#[derive(Clone, Debug)]
pub(super) struct LoginPlan {
    suites: Vec<&'static CipherSuite>,
    suite: usize,
    level: PrivilegeLevel,
    /// Whether lower levels may be tried: not when the operator named one.
    may_step_down: bool,
    name_only: bool,
    tried_other_lookup: bool,
    open_highest: bool,
    tried_open_highest: bool,
    /// "Highest" makes other keys on this BMC.
    names_open_privilege: bool,
    restarts: u8,
    silent_opens: u8,
    /// A suite was answered "no resources": the slots are full, or that is how
    /// this BMC refuses a suite. What it says to the others tells.
    no_slots: Option<Refusal>,
    /// The most preferred suite, while one that is remembered comes before it.
    passed_over: Option<CipherSuiteId>,
}

/// What to do after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Retry,
    GiveUp(Error),
}

impl LoginPlan {
    /// A plan for the suites of `settings` in their order.
    pub(super) fn new(settings: &Settings, memory: Option<LoginMemory>) -> Self {
        let privilege = settings.privilege();
        let mut plan = Self {
            suites: settings.suites().to_vec(),
            suite: 0,
            level: privilege.unwrap_or(PrivilegeLevel::Administrator),
            may_step_down: privilege.is_none(),
            name_only: true,
            tried_other_lookup: false,
            open_highest: false,
            tried_open_highest: false,
            names_open_privilege: settings.quirks().open_session_privilege,
            restarts: 0,
            silent_opens: 0,
            no_slots: None,
            passed_over: None,
        };
        if let Some(memory) = memory {
            let first = plan.suites.first().map(|suite| suite.id);
            // Stable sort: the remembered suite first, the others as they were.
            plan.suites
                .sort_by_key(|suite| Negotiated::Suite(suite.id) != memory.protection);
            let remembered = plan.suites.first().map(|suite| suite.id);
            plan.passed_over = first.filter(|_| first != remembered);
            plan.name_only = memory.name_only;
            plan.open_highest = memory.open_highest && !plan.names_open_privilege;
            if plan.may_step_down {
                plan.level = memory.level;
            }
        }
        plan
    }

    /// Takes the BMC's list as a hint: what stands there first, the rest after it.
    pub(super) fn prefer(&mut self, offered: &[OfferedSuite]) {
        let is_offered = |suite: &CipherSuite| {
            offered
                .iter()
                .any(|offered| offered.standard().is_some_and(|known| known.id == suite.id))
        };
        self.suites.sort_by_key(|suite| !is_offered(suite));
    }

    /// The variant to try now. `None` when there are no suites.
    pub(super) fn variant(&self) -> Option<Variant> {
        let suite = *self.suites.get(self.suite)?;
        Some(Variant {
            suite,
            open_privilege: if self.open_highest {
                0
            } else {
                self.level.value()
            },
            role: Role::new(self.level.value(), self.name_only),
            level: self.level,
        })
    }

    /// How often the log-in was started anew.
    pub(super) fn restarts(&self) -> u8 {
        self.restarts
    }

    pub(super) fn memory(&self, suite: CipherSuiteId, plain_capabilities: bool) -> LoginMemory {
        LoginMemory {
            protection: Negotiated::Suite(suite),
            level: self.level,
            name_only: self.name_only,
            open_highest: self.open_highest,
            plain_capabilities,
        }
    }

    /// After the BMC refused `stage` with `status`.
    pub(super) fn refused(&mut self, stage: Stage, status: RmcpStatus) -> Next {
        let refusal = Refusal::Status(status);
        match status {
            RmcpStatus::INVALID_AUTH_ALGORITHM
            | RmcpStatus::INVALID_INTEGRITY_ALGORITHM
            | RmcpStatus::INVALID_CONFIDENTIALITY_ALGORITHM
            | RmcpStatus::NO_MATCHING_CIPHER_SUITE => self.next_suite(Error::NoCommonSuite {
                last: self.current_suite(),
                status,
            }),
            RmcpStatus::NO_RESOURCES if stage == Stage::OpenSession => {
                self.no_slots = Some(refusal);
                self.next_suite(Error::NoSlots(refusal))
            }
            RmcpStatus::NO_RESOURCES | RmcpStatus::NO_RESOURCES_AT_ROLE => {
                Next::GiveUp(Error::NoSlots(refusal))
            }
            RmcpStatus::INVALID_SESSION_ID | RmcpStatus::INACTIVE_SESSION_ID => {
                self.restart(Error::LoginRefused { stage, refusal })
            }
            RmcpStatus::INVALID_ROLE | RmcpStatus::UNAUTHORIZED_ROLE => {
                self.lower_level(Error::PrivilegeRefused {
                    wanted: self.level,
                    refusal,
                })
            }
            RmcpStatus::UNAUTHORIZED_NAME => self.other_lookup(Error::UnknownUser(refusal)),
            RmcpStatus::INVALID_INTEGRITY_CHECK => Next::GiveUp(Error::WrongKey),
            _ => Next::GiveUp(Error::LoginRefused { stage, refusal }),
        }
    }

    /// After the BMC agreed to other algorithms than those of the present suite.
    /// Some (pyghmi's server and what stands on it) always agree to their only
    /// suite; if that is one of ours, it has to be proposed before it counts.
    pub(super) fn other_algorithms(&mut self) -> Next {
        self.next_suite(Error::Misbehaved(
            "it agreed to other algorithms than those proposed",
        ))
    }

    /// After the BMC's proof was wrong with what is remembered: new firmware that has
    /// no use for an old suite any more can look like a wrong password. The most
    /// preferred suite is tried once instead; never a less preferred one.
    pub(super) fn proof_failed(&mut self) -> Next {
        let Some(preferred) = self.passed_over.take() else {
            return Next::GiveUp(Error::WrongPassword);
        };
        self.suites.sort_by_key(|suite| suite.id != preferred);
        self.suite = 0;
        Next::Retry
    }

    /// After nothing came back to `stage`. Handshake messages are never resent:
    /// the first copy may have moved the BMC on already.
    pub(super) fn silent(&mut self, stage: Stage, error: Error) -> Next {
        if stage == Stage::OpenSession {
            self.silent_opens += 1;
            if self.silent_opens >= SILENCE_BEFORE_NEXT_SUITE {
                self.silent_opens = 0;
                self.suite = (self.suite + 1) % self.suites.len().max(1);
            }
        }
        self.restart(error)
    }

    fn current_suite(&self) -> CipherSuiteId {
        self.suites
            .get(self.suite)
            .map_or(CipherSuiteId(0), |suite| suite.id)
    }

    fn next_suite(&mut self, otherwise: Error) -> Next {
        if self.suite + 1 < self.suites.len() {
            self.suite += 1;
            Next::Retry
        } else {
            // A BMC that has other words for "not this suite" meant slots.
            Next::GiveUp(self.no_slots.map_or(otherwise, Error::NoSlots))
        }
    }

    fn restart(&mut self, otherwise: Error) -> Next {
        if self.restarts < MAX_RESTARTS {
            self.restarts += 1;
            Next::Retry
        } else {
            Next::GiveUp(otherwise)
        }
    }

    /// "Highest" in Open Session once for each level, then lower levels where that
    /// is allowed. A lower one is named again at first: some BMCs refuse "highest".
    fn lower_level(&mut self, otherwise: Error) -> Next {
        if !self.tried_open_highest && !self.names_open_privilege {
            self.tried_open_highest = true;
            self.open_highest = !self.open_highest;
            return Next::Retry;
        }
        match self.level.lower() {
            Some(lower) if self.may_step_down => {
                self.level = lower;
                self.open_highest = false;
                self.tried_open_highest = false;
                Next::Retry
            }
            _ => Next::GiveUp(otherwise),
        }
    }

    /// The other form of user look-up once, then lower levels.
    fn other_lookup(&mut self, otherwise: Error) -> Next {
        if !self.tried_other_lookup {
            self.tried_other_lookup = true;
            self.name_only = !self.name_only;
            return Next::Retry;
        }
        if self.may_step_down && self.level == PrivilegeLevel::Administrator {
            self.level = PrivilegeLevel::Operator;
            self.name_only = true;
            return Next::Retry;
        }
        Next::GiveUp(otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Password, Username};
    use crate::session::Quirks;

    fn settings(privilege: Option<PrivilegeLevel>) -> Settings {
        Settings::new(Username::default(), Password::default()).with_privilege(privilege)
    }

    fn plan(privilege: Option<PrivilegeLevel>) -> LoginPlan {
        LoginPlan::new(&settings(privilege), None)
    }

    /// Feeds the same refusal until the plan gives up; returns what was tried.
    fn walk(mut plan: LoginPlan, stage: Stage, status: u8) -> (Vec<Variant>, Error) {
        let mut tried = Vec::new();
        loop {
            tried.push(plan.variant().unwrap());
            match plan.refused(stage, RmcpStatus(status)) {
                Next::Retry => assert!(tried.len() < 20, "endless"),
                Next::GiveUp(error) => return (tried, error),
            }
        }
    }

    #[test]
    fn a_refused_suite_is_followed_by_the_next_one() {
        for status in [0x04, 0x05, 0x10, 0x11, 0x01] {
            let (tried, error) = walk(plan(None), Stage::OpenSession, status);
            let ids: Vec<u8> = tried.iter().map(|variant| variant.suite.id.0).collect();
            assert_eq!(ids, [17, 3], "status {status:#x}");
            let slots = matches!(error, Error::NoSlots(_));
            assert_eq!(slots, status == 1, "status {status:#x}: {error}");
        }
    }

    #[test]
    fn full_slots_are_told_although_other_suites_are_refused_for_themselves() {
        let mut plan = plan(None);
        let open = |plan: &mut LoginPlan, status| plan.refused(Stage::OpenSession, status);
        assert_eq!(open(&mut plan, RmcpStatus::NO_RESOURCES), Next::Retry);
        let end = open(&mut plan, RmcpStatus::NO_MATCHING_CIPHER_SUITE);
        assert!(matches!(end, Next::GiveUp(Error::NoSlots(_))), "{end:?}");
    }

    #[test]
    fn other_algorithms_are_never_taken_but_may_be_proposed_next() {
        let mut plan = plan(None);
        assert!(matches!(plan.other_algorithms(), Next::Retry));
        assert_eq!(plan.variant().unwrap().suite.id, CipherSuiteId(3));
        let end = plan.other_algorithms();
        assert!(matches!(end, Next::GiveUp(Error::Misbehaved(_))));
    }

    #[test]
    fn an_unknown_name_is_looked_up_the_other_way_before_it_is_believed() {
        let (tried, error) = walk(
            plan(Some(PrivilegeLevel::User)),
            Stage::Rakp1,
            RmcpStatus::UNAUTHORIZED_NAME.0,
        );
        let roles: Vec<u8> = tried.iter().map(|variant| variant.role.0).collect();
        assert_eq!(roles, [0x12, 0x02]);
        assert_eq!(
            error,
            Error::UnknownUser(RmcpStatus::UNAUTHORIZED_NAME.into())
        );

        let (tried, _) = walk(plan(None), Stage::Rakp1, 0x0d);
        let roles: Vec<u8> = tried.iter().map(|variant| variant.role.0).collect();
        assert_eq!(roles, [0x14, 0x04, 0x13]);
    }

    #[test]
    fn a_refused_role_steps_down_only_when_nobody_named_it() {
        let (tried, error) = walk(plan(None), Stage::Rakp1, 0x0a);
        let levels: Vec<(u8, u8)> = tried
            .iter()
            .map(|variant| (variant.open_privilege, variant.role.privilege()))
            .collect();
        assert_eq!(levels, [(4, 4), (0, 4), (3, 3), (0, 3), (2, 2), (0, 2)]);
        assert!(matches!(error, Error::PrivilegeRefused { .. }));

        let named = plan(Some(PrivilegeLevel::Administrator));
        let (tried, _) = walk(named, Stage::Rakp1, 0x0a);
        assert_eq!(tried.len(), 2);
        assert!(tried.iter().all(|variant| variant.role.privilege() == 4));
    }

    #[test]
    fn a_lost_half_open_session_is_restarted_a_few_times() {
        let (tried, error) = walk(plan(None), Stage::Rakp1, 0x08);
        assert_eq!(tried.len(), usize::from(MAX_RESTARTS) + 1);
        assert!(matches!(error, Error::LoginRefused { .. }));
    }

    #[test]
    fn what_worked_is_tried_first() {
        let memory = plan(None).memory(CipherSuiteId(3), false);
        let plan = LoginPlan::new(&settings(None), Some(memory));
        assert_eq!(plan.variant().unwrap().suite.id, CipherSuiteId(3));
    }

    #[test]
    fn a_wrong_proof_sends_back_from_a_remembered_suite_to_the_preferred_one_once() {
        let wrong = Next::GiveUp(Error::WrongPassword);
        for (remembered, expected) in [(3, Next::Retry), (17, wrong)] {
            let memory = plan(None).memory(CipherSuiteId(remembered), false);
            let mut plan = LoginPlan::new(&settings(None), Some(memory));
            assert_eq!(plan.proof_failed(), expected);
            assert_eq!(plan.variant().unwrap().suite.id, CipherSuiteId(17));
            assert_eq!(plan.proof_failed(), wrong);
        }
        assert_eq!(plan(None).proof_failed(), wrong);
    }

    #[test]
    fn a_list_changes_the_order_and_rules_nothing_out() {
        let offered = |id: u8| OfferedSuite {
            id,
            oem: None,
            algorithms: CipherSuite::by_id(CipherSuiteId(id)).unwrap().algorithms(),
        };
        for (list, expected) in [
            (vec![offered(3)], [3, 17]),
            (vec![offered(3), offered(17)], [17, 3]),
            (vec![offered(0), offered(8)], [17, 3]),
            (vec![], [17, 3]),
        ] {
            let mut plan = plan(None);
            plan.prefer(&list);
            let (tried, _) = walk(plan, Stage::OpenSession, 0x11);
            let ids: Vec<u8> = tried.iter().map(|variant| variant.suite.id.0).collect();
            assert_eq!(ids, expected, "{list:?}");
        }
    }

    #[test]
    fn where_the_level_of_open_session_makes_keys_it_is_always_named() {
        let quirks = Quirks {
            open_session_privilege: true,
            ..Quirks::default()
        };
        let settings = settings(None).with_quirks(quirks);
        let (tried, _) = walk(LoginPlan::new(&settings, None), Stage::Rakp1, 0x0a);
        assert_eq!(tried.len(), 3);
        for variant in tried {
            assert_eq!(variant.open_privilege, variant.role.privilege());
        }
    }
}
