//! The words a module may use for its session: privilege, driver, work-arounds, cipher suites,
//! and how non-critical thresholds are judged. Each is a table of names.

use std::fmt;

use rmcp_ipmi::crypto::{AuthType, CipherSuiteId, SUITES, Weakness};

/// Privilege level of the session (IPMI 2.0, 6.8). The configuration knows three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Privilege {
    /// USER.
    User,
    /// OPERATOR.
    Operator,
    /// ADMINISTRATOR.
    Admin,
}

impl From<Privilege> for rmcp_ipmi::PrivilegeLevel {
    fn from(privilege: Privilege) -> Self {
        match privilege {
            Privilege::User => Self::User,
            Privilege::Operator => Self::Operator,
            Privilege::Admin => Self::Administrator,
        }
    }
}

impl Privilege {
    /// Names for messages.
    pub const NAMES: [&'static str; 3] = ["user", "operator", "admin"];

    /// Reads a name in any case; FreeIPMI's long form `administrator` is understood too.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "user" => Some(Self::User),
            "operator" => Some(Self::Operator),
            "admin" | "administrator" => Some(Self::Admin),
            _ => None,
        }
    }

    /// The name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a module wants to reach its BMCs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Driver {
    /// IPMI 2.0 over LAN (RMCP+); also what an unset `driver` means.
    #[default]
    Lan20,
    /// IPMI 1.5 over LAN.
    Lan15,
    /// A local device of the host.
    InBand(InBand),
}

/// A local device, by FreeIPMI's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InBand {
    /// Keyboard Controller Style registers.
    Kcs,
    /// SMBus.
    Ssif,
    /// The Linux kernel's device.
    OpenIpmi,
    /// Solaris' device.
    SunBmc,
    /// Intel's DCMI device.
    IntelDcmi,
}

/// FreeIPMI's spellings, in lower case.
const DRIVERS: [(&str, Driver); 13] = [
    ("lan_2_0", Driver::Lan20),
    ("lan20", Driver::Lan20),
    ("lan_20", Driver::Lan20),
    ("lan2_0", Driver::Lan20),
    ("lanplus", Driver::Lan20),
    ("lan", Driver::Lan15),
    ("kcs", Driver::InBand(InBand::Kcs)),
    ("ssif", Driver::InBand(InBand::Ssif)),
    ("openipmi", Driver::InBand(InBand::OpenIpmi)),
    ("open", Driver::InBand(InBand::OpenIpmi)),
    ("sunbmc", Driver::InBand(InBand::SunBmc)),
    ("bmc", Driver::InBand(InBand::SunBmc)),
    ("inteldcmi", Driver::InBand(InBand::IntelDcmi)),
];

impl Driver {
    /// Names for messages, without the alternative spellings.
    pub const NAMES: [&'static str; 7] = [
        "LAN_2_0",
        "LAN",
        "KCS",
        "SSIF",
        "OPENIPMI",
        "SUNBMC",
        "INTELDCMI",
    ];

    /// Reads a name in any case and any of FreeIPMI's spellings.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        DRIVERS
            .iter()
            .find(|(spelling, _)| *spelling == name)
            .map(|(_, driver)| *driver)
    }

    /// Why a scrape with this driver fails; `None` when it can work.
    #[must_use]
    pub fn unsupported(self) -> Option<&'static str> {
        match self {
            Self::Lan20 | Self::Lan15 => None,
            Self::InBand(_) => Some(
                "in-band drivers are not supported in this version; use LAN_2_0 with the address \
                 of the BMC",
            ),
        }
    }
}

/// FreeIPMI's named work-arounds. Which of them change anything here is the protocol's business;
/// the configuration only knows that they exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Workaround {
    /// `assumeio`
    AssumeIo,
    /// `spinpoll`
    SpinPoll,
    /// `authcap`
    AuthCap,
    /// `idzero`
    IdZero,
    /// `unexpectedauth`
    UnexpectedAuth,
    /// `forcepermsg`
    ForcePerMsg,
    /// `endianseq`
    EndianSeq,
    /// `noauthcodecheck`
    NoAuthCodeCheck,
    /// `nochecksumcheck`
    NoChecksumCheck,
    /// `intel20`
    Intel20,
    /// `supermicro20`
    Supermicro20,
    /// `sun20`
    Sun20,
    /// `opensesspriv`
    OpenSessPriv,
    /// `integritycheckvalue`
    IntegrityCheckValue,
    /// `assumemaxsdrrecordcount`
    AssumeMaxSdrRecordCount,
    /// `discretereading`
    DiscreteReading,
    /// `ignorescanningdisabled`
    IgnoreScanningDisabled,
    /// `assumebmcowner`
    AssumeBmcOwner,
    /// `unauthenticatedreplies`, which FreeIPMI has not got
    UnauthenticatedReplies,
    /// `ignoreauthcode`
    IgnoreAuthCode,
    /// `altbridging`
    AltBridging,
    /// `assumesystemevent`
    AssumeSystemEvent,
    /// `ignorestateflag`
    IgnoreStateFlag,
    /// `guidformat`
    GuidFormat,
    /// `skipchecks`
    SkipChecks,
    /// A flag for a tool that the exporter never ran (FRU, configuration, consoles).
    OtherTool,
}

/// Every name that FreeIPMI knows, and one of our own.
const WORKAROUNDS: [(&str, Workaround); 36] = [
    ("assumeio", Workaround::AssumeIo),
    ("spinpoll", Workaround::SpinPoll),
    ("authcap", Workaround::AuthCap),
    ("idzero", Workaround::IdZero),
    ("unexpectedauth", Workaround::UnexpectedAuth),
    ("forcepermsg", Workaround::ForcePerMsg),
    ("endianseq", Workaround::EndianSeq),
    ("noauthcodecheck", Workaround::NoAuthCodeCheck),
    ("nochecksumcheck", Workaround::NoChecksumCheck),
    ("intel20", Workaround::Intel20),
    ("supermicro20", Workaround::Supermicro20),
    ("sun20", Workaround::Sun20),
    ("opensesspriv", Workaround::OpenSessPriv),
    ("integritycheckvalue", Workaround::IntegrityCheckValue),
    (
        "assumemaxsdrrecordcount",
        Workaround::AssumeMaxSdrRecordCount,
    ),
    ("discretereading", Workaround::DiscreteReading),
    ("ignorescanningdisabled", Workaround::IgnoreScanningDisabled),
    ("assumebmcowner", Workaround::AssumeBmcOwner),
    ("unauthenticatedreplies", Workaround::UnauthenticatedReplies),
    ("ignoreauthcode", Workaround::IgnoreAuthCode),
    ("altbridging", Workaround::AltBridging),
    ("assumesystemevent", Workaround::AssumeSystemEvent),
    ("ignorestateflag", Workaround::IgnoreStateFlag),
    ("guidformat", Workaround::GuidFormat),
    ("skipchecks", Workaround::SkipChecks),
    ("slowcommit", Workaround::OtherTool),
    ("veryslowcommit", Workaround::OtherTool),
    ("malformedack", Workaround::OtherTool),
    ("ipmiping", Workaround::OtherTool),
    ("solpayloadsize", Workaround::OtherTool),
    ("solport", Workaround::OtherTool),
    ("solstatus", Workaround::OtherTool),
    ("solchannelsupport", Workaround::OtherTool),
    ("serialalertsdeferred", Workaround::OtherTool),
    ("solpacketseq", Workaround::OtherTool),
    ("solchannelassumelanchannel", Workaround::OtherTool),
];

impl Workaround {
    /// Reads a name in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        WORKAROUNDS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, workaround)| *workaround)
    }

    /// What an operator should know who names it, because it weakens a check.
    #[must_use]
    pub fn caution(self) -> Option<&'static str> {
        match self {
            Self::NoChecksumCheck => {
                Some("takes messages whose checksum is wrong, where something else protects them")
            }
            Self::UnauthenticatedReplies => Some(
                "takes replies without the agreed integrity code: whoever is on the way can \
                 replace them, though not choose what they say",
            ),
            Self::IdZero => Some("takes IPMI 1.5 replies that name no session"),
            Self::NoAuthCodeCheck => Some(
                "does not check who made IPMI 1.5 replies: anybody on the network can answer in \
                 the BMC's place",
            ),
            _ => None,
        }
    }

    /// Whether the flag is about something that an exporter never does: in-band
    /// interfaces, consoles, configuration.
    #[must_use]
    pub fn is_foreign(self) -> bool {
        matches!(
            self,
            Self::AssumeIo | Self::SpinPoll | Self::OtherTool | Self::IgnoreAuthCode
        )
    }

    /// All names, for messages.
    pub(crate) fn names() -> Vec<&'static str> {
        WORKAROUNDS.iter().map(|(name, _)| *name).collect()
    }
}

/// Names of the ways to log in to IPMI 1.5; the last spelling is FreeIPMI's.
const AUTH_TYPES: [(&str, AuthType); 5] = [
    ("md5", AuthType::Md5),
    ("md2", AuthType::Md2),
    ("password", AuthType::Password),
    ("none", AuthType::None),
    ("straight_password_key", AuthType::Password),
];

/// Names for messages.
pub(crate) const AUTH_TYPE_NAMES: [&str; 4] = ["md5", "md2", "password", "none"];

/// Reads a way to log in to IPMI 1.5, in any case.
pub(crate) fn parse_auth_type(name: &str) -> Option<AuthType> {
    let name = name.to_ascii_lowercase();
    AUTH_TYPES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, auth_type)| *auth_type)
}

/// What an operator should know who named the type; nothing for digests.
pub(crate) fn auth_type_caution(auth_type: AuthType) -> Option<&'static str> {
    match auth_type {
        AuthType::Md2 | AuthType::Md5 => None,
        AuthType::Password => {
            Some("sends the password in clear text to whoever answers, in every packet")
        }
        AuthType::None => Some(
            "asks for no proof of the password: the BMC lets anybody in, and anybody can answer \
             in its place",
        ),
    }
}

/// A cipher suite (IPMI 2.0, table 22-20), from 0 to 19.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherSuite(&'static rmcp_ipmi::crypto::CipherSuite);

impl CipherSuite {
    /// What a module without `cipher_suites` offers, strongest first.
    pub const DEFAULT: [Self; 2] = [Self(&SUITES[17]), Self(&SUITES[3])];

    /// The suite of that number, if there is one.
    #[must_use]
    pub fn from_id(id: u64) -> Option<Self> {
        let id = CipherSuiteId(u8::try_from(id).ok()?);
        rmcp_ipmi::crypto::CipherSuite::by_id(id).map(Self)
    }

    /// Its number.
    #[must_use]
    pub fn id(self) -> CipherSuiteId {
        self.0.id
    }

    /// What an operator should know who named it; nothing for 3 and 17.
    #[must_use]
    pub fn caution(self) -> Option<&'static str> {
        match self.0.weakness() {
            Some(Weakness::NoPasswordProof) => Some(
                "asks for no proof of the password: the BMC lets anybody in with any password, \
                 anybody can answer in its place, and packets are neither encrypted nor protected \
                 against forgery",
            ),
            Some(Weakness::NoIntegrity) => Some(
                "has neither integrity nor encryption: whoever is on the way can forge and read \
                 every packet",
            ),
            Some(Weakness::NoEncryption) => {
                Some("has no encryption: whoever is on the way can read every packet")
            }
            None if self.0.is_outdated() => {
                Some("is outdated: it is built on MD5 or RC4; prefer 17 or 3")
            }
            None => None,
        }
    }
}

/// What a reading beyond a non-critical threshold is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Noncritical {
    /// State 0, as FreeIPMI and so the stock exporter judge it.
    #[default]
    Nominal,
    /// State 1.
    Warning,
}

impl From<Noncritical> for rmcp_ipmi::sensor::NonCritical {
    fn from(choice: Noncritical) -> Self {
        match choice {
            Noncritical::Nominal => Self::Nominal,
            Noncritical::Warning => Self::Warning,
        }
    }
}

impl Noncritical {
    /// The two words.
    pub const NAMES: [&'static str; 2] = ["nominal", "warning"];

    /// Reads one of the two words.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "nominal" => Some(Self::Nominal),
            "warning" => Some(Self::Warning),
            _ => None,
        }
    }
}

/// Where the states of threshold sensors come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ThresholdStates {
    /// From the comparison bits that the BMC sends with a reading, as in the stock exporter.
    #[default]
    Reported,
    /// From the reading and the sensor's thresholds.
    Computed,
}

impl ThresholdStates {
    /// The two words.
    pub const NAMES: [&'static str; 2] = ["reported", "computed"];

    /// Reads one of the two words.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "reported" => Some(Self::Reported),
            "computed" => Some(Self::Computed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_freeipmi_are_known() {
        for name in ["LAN_2_0", "lan20", "lan_20", "lan2_0", "lanplus"] {
            assert_eq!(Driver::parse(name), Some(Driver::Lan20), "{name}");
        }
        for name in Driver::NAMES {
            assert!(Driver::parse(name).is_some(), "{name}");
        }
        assert_eq!(Driver::parse("LAN"), Some(Driver::Lan15));
        assert_eq!(Driver::parse("open"), Driver::parse("OpenIPMI"));
        assert_eq!(Driver::parse("lan3"), None);
        for name in Privilege::NAMES {
            assert_eq!(
                Privilege::parse(&name.to_uppercase()).unwrap().as_str(),
                name
            );
        }
        assert_eq!(
            Workaround::parse("OpenSessPriv"),
            Some(Workaround::OpenSessPriv)
        );
    }

    #[test]
    fn ways_to_log_in_to_ipmi_1_5_have_names() {
        for name in AUTH_TYPE_NAMES {
            let auth_type = parse_auth_type(&name.to_uppercase()).unwrap();
            assert_eq!(auth_type.label(), name);
            assert_eq!(
                auth_type_caution(auth_type).is_none(),
                auth_type.is_digest()
            );
        }
        let freeipmi = parse_auth_type("STRAIGHT_PASSWORD_KEY");
        assert_eq!(freeipmi, Some(AuthType::Password));
        assert_eq!(parse_auth_type("oem"), None);
    }

    #[test]
    fn every_suite_but_the_default_ones_has_a_caution() {
        let good: Vec<u8> = (0..=255)
            .filter_map(CipherSuite::from_id)
            .filter(|suite| suite.caution().is_none())
            .map(|suite| suite.id().0)
            .collect();
        assert_eq!(good, [3, 17]);
        assert_eq!(CipherSuite::DEFAULT.map(|suite| suite.id().0), [17, 3]);
        assert_eq!(CipherSuite::from_id(20), None);
        assert_eq!(CipherSuite::from_id(256 + 17), None);
    }

    #[test]
    fn both_generations_over_lan_work() {
        assert_eq!(Driver::default().unsupported(), None);
        assert_eq!(Driver::Lan15.unsupported(), None);
        assert!(Driver::InBand(InBand::Kcs).unsupported().is_some());
    }
}
