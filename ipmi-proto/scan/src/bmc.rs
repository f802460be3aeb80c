//! What a scan learns of one BMC, and what is weak about it.
//!
//! All of it comes from answers that nothing protects: whoever sits between can
//! change them, and some BMCs are wrong about themselves.

use rmcp_ipmi::command::{AuthenticationCapabilities, OfferedSuite};
use rmcp_ipmi::crypto::AuthType;

/// More cipher suites of one BMC are not kept: the specification has twenty, and
/// vendors a few.
pub const MAX_SUITES: usize = 32;

/// Something that answered and speaks IPMI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bmc {
    /// It answered the presence ping.
    pub answers_ping: bool,
    /// It says in that answer that it speaks IPMI.
    pub claims_ipmi: bool,
    /// It answered a question of IPMI, be it with a refusal.
    pub answers_ipmi: bool,
    /// What it says of the ways to log in as administrator; `None` when it does
    /// not say.
    pub capabilities: Option<AuthenticationCapabilities>,
    /// The cipher suites that it lists, at most [`MAX_SUITES`]; `None` when it
    /// does not list any.
    pub suites: Option<Vec<OfferedSuite>>,
}

/// Which generations of IPMI a BMC speaks, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Sessions of IPMI 1.5.
    pub v15: bool,
    /// Sessions of IPMI 2.0 (RMCP+).
    pub v20: bool,
}

impl Bmc {
    /// Whether what answered speaks IPMI, or at least says so.
    #[must_use]
    pub fn is_bmc(&self) -> bool {
        self.answers_ipmi || self.claims_ipmi
    }

    /// The generations it speaks; `None` when nothing says so. Who lists cipher
    /// suites speaks IPMI 2.0, whatever its flags are.
    #[must_use]
    pub fn versions(&self) -> Option<Versions> {
        match (&self.capabilities, &self.suites) {
            (None, None) => None,
            (None, Some(_)) => Some(Versions {
                v15: false,
                v20: true,
            }),
            (Some(said), suites) => Some(Versions {
                v15: said.speaks_v15(),
                v20: said.speaks_v20() || suites.is_some(),
            }),
        }
    }

    /// What is weak, in the table's order.
    #[must_use]
    pub fn weaknesses(&self) -> Vec<Weakness> {
        WEAKNESSES
            .iter()
            .filter(|row| (row.applies)(self))
            .map(|row| row.weakness)
            .collect()
    }

    /// Whether a suite is listed whose first gap is this one.
    fn lists(&self, gap: Gap) -> bool {
        let mut suites = self.suites.iter().flatten();
        suites.any(|suite| Gap::of(suite) == Some(gap))
    }

    /// Whether the flags are there and say so.
    fn says(&self, flag: impl Fn(&AuthenticationCapabilities) -> bool) -> bool {
        self.capabilities.as_ref().is_some_and(flag)
    }

    /// The same, for flags that are about sessions of IPMI 1.5.
    fn says_of_v15(&self, flag: impl Fn(&AuthenticationCapabilities) -> bool) -> bool {
        self.says(|said| said.speaks_v15() && flag(said))
    }
}

/// What a suite lacks. Each also lacks what stands below it here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Proof,
    Integrity,
    Encryption,
}

impl Gap {
    /// By the algorithms and not by the number: vendors number as they like, but
    /// 0 is no algorithm in all three tables.
    fn of(suite: &OfferedSuite) -> Option<Self> {
        let algorithms = suite.algorithms;
        match (
            algorithms.authentication,
            algorithms.integrity,
            algorithms.confidentiality,
        ) {
            (0, _, _) => Some(Self::Proof),
            (_, 0, _) => Some(Self::Integrity),
            (_, _, 0) => Some(Self::Encryption),
            _ => None,
        }
    }
}

/// Something weak that a BMC says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// A suite without proof of the password.
    SuiteZero,
    /// A suite whose packets can be forged.
    NoIntegrity,
    /// A suite whose packets can be read.
    NoEncryption,
    /// Log-in without name and password.
    Anonymous,
    /// A user without a name.
    NullUser,
    /// Sessions of IPMI 1.5 without a password, for administrators.
    NoneType,
    /// Sessions of IPMI 1.5 whose commands of level User need no authentication.
    UserLevel,
    /// Sessions of IPMI 1.5 that authenticate the log-in alone.
    PerMessage,
    /// No IPMI 2.0, so no encryption.
    OnlyV15,
}

/// One row of the table.
struct Row {
    weakness: Weakness,
    name: &'static str,
    meaning: &'static str,
    applies: fn(&Bmc) -> bool,
}

const fn row(
    weakness: Weakness,
    name: &'static str,
    meaning: &'static str,
    applies: fn(&Bmc) -> bool,
) -> Row {
    Row {
        weakness,
        name,
        meaning,
        applies,
    }
}

/// The worst first. K_g that is not set is no weakness: hardly anybody sets it.
#[rustfmt::skip]
const WEAKNESSES: [Row; 9] = [
    row(Weakness::SuiteZero, "suite-0", "cipher suite 0 is offered: log-in without knowing the password",
        |bmc| bmc.lists(Gap::Proof)),
    row(Weakness::Anonymous, "anonymous", "anybody may log in, without name and password",
        |bmc| bmc.says(AuthenticationCapabilities::allows_anonymous)),
    row(Weakness::NoneType, "auth-none", "IPMI 1.5 sessions without any password are offered to administrators",
        |bmc| bmc.says_of_v15(|said| said.offers(AuthType::None))),
    row(Weakness::NullUser, "null-user", "a user without a name is enabled: half of the log-in is known to everybody",
        |bmc| bmc.says(AuthenticationCapabilities::has_null_users)),
    row(Weakness::OnlyV15, "1.5-only", "IPMI 2.0 is not spoken: nothing is encrypted",
        |bmc| bmc.versions().is_some_and(|versions| !versions.v20)),
    row(Weakness::NoIntegrity, "no-integrity", "a cipher suite without integrity is offered (1, 6, 15): packets can be forged",
        |bmc| bmc.lists(Gap::Integrity)),
    row(Weakness::NoEncryption, "no-encryption", "a cipher suite without encryption is offered (2, 7, 11, 16): packets can be read",
        |bmc| bmc.lists(Gap::Encryption)),
    row(Weakness::UserLevel, "user-auth-off", "in IPMI 1.5 sessions commands of level User are not authenticated",
        |bmc| bmc.says_of_v15(|said| !said.authenticates_users())),
    row(Weakness::PerMessage, "message-auth-off", "in IPMI 1.5 sessions the log-in alone is authenticated",
        |bmc| bmc.says_of_v15(|said| !said.authenticates_messages())),
];

impl Weakness {
    /// A word for tables and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// What it means, for a person.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().map_or("", |row| row.meaning)
    }

    fn row(self) -> Option<&'static Row> {
        WEAKNESSES.iter().find(|row| row.weakness == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp_ipmi::crypto::SUITES;

    fn said(auth_types: u8, status: u8, extended: u8) -> AuthenticationCapabilities {
        AuthenticationCapabilities {
            channel: 1,
            auth_types,
            status,
            extended,
            oem: None,
        }
    }

    fn names(bmc: &Bmc) -> String {
        let names: Vec<_> = bmc.weaknesses().iter().map(|weak| weak.name()).collect();
        names.join(" ")
    }

    #[test]
    fn every_weakness_is_in_the_table_once_and_has_words() {
        for row in &WEAKNESSES {
            assert!(!row.name.contains([' ', ',', '"']) && !row.meaning.is_empty());
            let same = |other: &&Row| other.weakness == row.weakness || other.name == row.name;
            assert_eq!(WEAKNESSES.iter().filter(same).count(), 1, "{}", row.name);
        }
    }

    /// The bits are those of IPMI 2.0 table 22-16.
    #[test]
    fn flags_and_their_weaknesses() {
        for (auth_types, status, extended, expected) in [
            // Both generations, MD5, named users: a good BMC.
            (0x84, 0x04, 0x03, ""),
            // K_g set or not makes no difference.
            (0x84, 0x24, 0x03, ""),
            (0x84, 0x05, 0x03, "anonymous"),
            (0x84, 0x06, 0x03, "null-user"),
            (0x84, 0x07, 0x03, "anonymous null-user"),
            (0x84, 0x0c, 0x03, "user-auth-off"),
            (0x84, 0x14, 0x03, "message-auth-off"),
            (0x85, 0x04, 0x03, "auth-none"),
            // Without IPMI 1.5 what is said of its sessions means nothing.
            (0x85, 0x1c, 0x02, ""),
            (0x16, 0x04, 0x00, "1.5-only"),
            (0x94, 0x04, 0x01, "1.5-only"),
            (
                0x01,
                0x1f,
                0x00,
                "anonymous auth-none null-user 1.5-only user-auth-off message-auth-off",
            ),
        ] {
            let bmc = Bmc {
                answers_ipmi: true,
                capabilities: Some(said(auth_types, status, extended)),
                ..Bmc::default()
            };
            assert_eq!(
                names(&bmc),
                expected,
                "{auth_types:02x} {status:02x} {extended:02x}"
            );
        }
    }

    #[test]
    fn suites_and_their_weaknesses() {
        for suite in &SUITES {
            let expected = match suite.id.0 {
                0 => "suite-0",
                1 | 6 | 15 => "no-integrity",
                2 | 7 | 11 | 16 => "no-encryption",
                _ => "",
            };
            // The vendor's number does not count.
            let listed = OfferedSuite {
                id: 99,
                oem: None,
                algorithms: suite.algorithms(),
            };
            let bmc = Bmc {
                answers_ipmi: true,
                suites: Some(vec![listed]),
                ..Bmc::default()
            };
            assert_eq!(names(&bmc), expected, "{:?}", suite.id);
            assert_eq!(
                bmc.versions(),
                Some(Versions {
                    v15: false,
                    v20: true
                })
            );
        }
    }

    #[test]
    fn a_list_proves_what_the_flags_deny() {
        let mut bmc = Bmc {
            answers_ipmi: true,
            capabilities: Some(said(0x14, 0x04, 0x00)),
            ..Bmc::default()
        };
        assert_eq!(names(&bmc), "1.5-only");
        bmc.suites = Some(vec![OfferedSuite {
            id: 3,
            oem: None,
            algorithms: SUITES[3].algorithms(),
        }]);
        assert_eq!(names(&bmc), "");
        assert_eq!(Bmc::default().versions(), None);
    }
}
