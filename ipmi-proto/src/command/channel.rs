//! What a BMC says of its LAN channel to anybody, without a session: which
//! generations of IPMI, which ways to authenticate, which cipher suites.
//!
//! None of these answers is protected, and the flags are wrong on many boards:
//! they are hints, never a reason to refuse anything.

use super::Command;
use crate::PrivilegeLevel;
use crate::crypto::{AuthType, CipherSuite, SUITES};
use crate::wire::{AlgorithmTriple, DecodeError, NetFn, Reader};

/// "The channel this arrives on".
const THIS_CHANNEL: u8 = 0x0e;

/// Get Channel Authentication Capabilities (IPMI 2.0 section 22.13).
#[derive(Clone, Copy, Debug)]
pub struct GetChannelAuthenticationCapabilities {
    /// Ask for the data of IPMI 2.0 too. Some BMCs from the days of IPMI 1.5
    /// refuse that, or do not answer it.
    pub with_v20: bool,
    /// The privilege level that the answer is about.
    pub level: PrivilegeLevel,
}

/// What a BMC says of the ways to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticationCapabilities {
    /// The channel's number.
    pub channel: u8,
    /// Bit n: authentication type n of IPMI 1.5; bit 7: `extended` counts.
    pub auth_types: u8,
    /// Bit 5: K_g is set; 4: no authentication of each message; 3: none at USER
    /// level; 2: users with names; 1: users without; 0: anonymous log-in.
    pub status: u8,
    /// Bit 1: speaks IPMI 2.0; bit 0: speaks IPMI 1.5.
    pub extended: u8,
    /// Whose OEM authentication type it is, and something about that.
    pub oem: Option<(u32, u8)>,
}

impl AuthenticationCapabilities {
    const EXTENDED: u8 = 0x80;
    const OEM: u8 = 1 << 5;

    /// Whether IPMI 1.5 sessions of this type are offered.
    pub fn offers(&self, auth_type: AuthType) -> bool {
        self.auth_types & (1 << auth_type.number()) != 0
    }

    /// Whether an authentication type of the vendor's own is offered.
    pub fn offers_oem_type(&self) -> bool {
        self.auth_types & Self::OEM != 0
    }

    /// Whether it says that it speaks IPMI 2.0.
    pub fn speaks_v20(&self) -> bool {
        self.auth_types & Self::EXTENDED != 0 && self.extended & 0x02 != 0
    }

    /// Whether it says that it speaks IPMI 1.5. Who knows nothing of the question
    /// does.
    pub fn speaks_v15(&self) -> bool {
        self.auth_types & Self::EXTENDED == 0 || self.extended & 0x01 != 0
    }

    /// Whether log-ins need K_g, the BMC's own key.
    pub fn needs_k_g(&self) -> bool {
        self.status & 0x20 != 0
    }

    /// Whether an IPMI 1.5 session authenticates each message, and not the log-in
    /// alone.
    pub fn authenticates_messages(&self) -> bool {
        self.status & 0x10 == 0
    }

    /// Whether commands of USER level need authentication in an IPMI 1.5 session.
    pub fn authenticates_users(&self) -> bool {
        self.status & 0x08 == 0
    }

    /// Whether there are users with names.
    pub fn has_named_users(&self) -> bool {
        self.status & 0x04 != 0
    }

    /// Whether there are users without a name, but with a password.
    pub fn has_null_users(&self) -> bool {
        self.status & 0x02 != 0
    }

    /// Whether anybody may log in, without name and password.
    pub fn allows_anonymous(&self) -> bool {
        self.status & 0x01 != 0
    }
}

impl Command for GetChannelAuthenticationCapabilities {
    type Response = AuthenticationCapabilities;
    const NET_FN: NetFn = NetFn::APP;
    const COMMAND: u8 = 0x38;

    fn encode(&self, data: &mut Vec<u8>) {
        let v20 = if self.with_v20 { 0x80 } else { 0 };
        data.extend_from_slice(&[v20 | THIS_CHANNEL, self.level.value()]);
    }

    fn decode(&self, data: &[u8]) -> Result<AuthenticationCapabilities, DecodeError> {
        let mut reader = Reader::new(data);
        let channel = reader.u8("channel")?;
        let auth_types = reader.u8("authentication types")?;
        let status = reader.u8("authentication status")?;
        let extended = reader.optional_u8().unwrap_or_default();
        let oem = reader.u24("OEM number").ok();
        Ok(AuthenticationCapabilities {
            channel,
            auth_types,
            status,
            extended,
            oem: oem
                .map(|number| (number, reader.optional_u8().unwrap_or_default()))
                .filter(|oem| *oem != (0, 0)),
        })
    }
}

/// Get Channel Cipher Suites, one page of the list (IPMI 2.0 section 22.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetChannelCipherSuites {
    /// Which page, from 0.
    pub page: u8,
}

impl GetChannelCipherSuites {
    /// There are no more pages than these.
    pub const MAX_PAGES: u8 = 64;
    /// A page with fewer bytes is the last one.
    const FULL_PAGE_BYTES: usize = 16;
    /// "By suite", not by algorithm.
    const LIST_BY_SUITE: u8 = 0x80;
    /// The list is asked for payloads of this type: IPMI messages.
    const PAYLOAD_TYPE: u8 = 0x00;
}

impl Command for GetChannelCipherSuites {
    /// At most 16 bytes of records; records may go on in the next page.
    type Response = Vec<u8>;
    const NET_FN: NetFn = NetFn::APP;
    const COMMAND: u8 = 0x54;

    fn encode(&self, data: &mut Vec<u8>) {
        let page = self.page & (Self::MAX_PAGES - 1);
        data.extend_from_slice(&[THIS_CHANNEL, Self::PAYLOAD_TYPE, Self::LIST_BY_SUITE | page]);
    }

    fn decode(&self, data: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let mut reader = Reader::new(data);
        reader.u8("channel")?;
        let rest = reader.rest();
        Ok(rest.get(..Self::FULL_PAGE_BYTES).unwrap_or(rest).to_vec())
    }
}

/// A cipher suite as a BMC lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfferedSuite {
    /// The number that the BMC gives it; one board is known to count from 1.
    pub id: u8,
    /// The vendor who defined it, for numbers of 80h and above.
    pub oem: Option<u32>,
    /// What it consists of.
    pub algorithms: AlgorithmTriple,
}

impl OfferedSuite {
    /// The specification's suite with these algorithms, whatever the BMC calls it.
    pub fn standard(&self) -> Option<&'static CipherSuite> {
        SUITES
            .iter()
            .find(|suite| self.oem.is_none() && suite.algorithms() == self.algorithms)
    }
}

/// Collects the pages of [`GetChannelCipherSuites`] until there are no more.
///
/// ```
/// use rmcp_ipmi::command::CipherSuiteList;
///
/// let mut list = CipherSuiteList::default();
/// let page = [0xc0, 3, 0x01, 0x41, 0x81];
/// assert_eq!(list.push(&page), None); // a short page is the last one
/// assert_eq!(list.suites()[0].standard().unwrap().id.0, 3);
/// ```
#[derive(Clone, Debug, Default)]
pub struct CipherSuiteList {
    bytes: Vec<u8>,
    pages: u8,
}

impl CipherSuiteList {
    /// More suites than these are not told: the rest of such a list is nonsense.
    pub const MAX_SUITES: usize = 256;

    /// Takes the next page; gives the request for the one after it, unless this
    /// was the last one. A page that came before, in full, ends the list too:
    /// some BMCs ignore the page's number.
    pub fn push(&mut self, page: &[u8]) -> Option<GetChannelCipherSuites> {
        let full = GetChannelCipherSuites::FULL_PAGE_BYTES;
        let is_known = page.len() == full && self.bytes.chunks(full).any(|known| known == page);
        if !is_known {
            self.bytes.extend(page.iter().take(full));
        }
        self.pages = self.pages.saturating_add(1);
        let goes_on =
            page.len() >= full && !is_known && self.pages < GetChannelCipherSuites::MAX_PAGES;
        goes_on.then_some(GetChannelCipherSuites { page: self.pages })
    }

    /// The suites in the BMC's order, each once. A record with several algorithms
    /// of a kind stands for all their combinations; bytes that make no sense are
    /// skipped.
    pub fn suites(&self) -> Vec<OfferedSuite> {
        let mut suites = Vec::new();
        let mut rest = self.bytes.as_slice();
        while let Some((&first, tail)) = rest.split_first() {
            rest = tail;
            if !is_start(first) {
                continue;
            }
            // The number and an OEM's three bytes may look like a start.
            let fixed = if first == RECORD_START_OEM { 4 } else { 1 };
            let end = tail
                .iter()
                .skip(fixed)
                .position(|byte| is_start(*byte))
                .map_or(tail.len(), |at| at + fixed);
            let (record, behind) = tail.split_at_checked(end).unwrap_or((tail, &[]));
            if let Ok(record) = Record::decode(first, record) {
                record.expand(&mut suites);
                rest = behind;
            }
        }
        suites
    }
}

const RECORD_START: u8 = 0xc0;
const RECORD_START_OEM: u8 = 0xc1;

fn is_start(byte: u8) -> bool {
    matches!(byte, RECORD_START | RECORD_START_OEM)
}

/// One record (IPMI 2.0 table 22-18): a number, then algorithms whose two high
/// bits say what they are for.
struct Record {
    id: u8,
    oem: Option<u32>,
    authentication: Vec<u8>,
    integrity: Vec<u8>,
    confidentiality: Vec<u8>,
}

impl Record {
    fn decode(start: u8, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let id = reader.u8("cipher suite number")?;
        let oem = match start {
            RECORD_START_OEM => Some(reader.u24("cipher suite OEM number")?),
            _ => None,
        };
        let algorithms = reader.rest();
        let of = |tag: u8| -> Vec<u8> {
            algorithms
                .iter()
                .filter(|byte| *byte >> 6 == tag)
                .map(|byte| byte & 0x3f)
                .collect()
        };
        Ok(Self {
            id,
            oem,
            authentication: of(0),
            integrity: of(1),
            confidentiality: of(2),
        })
    }

    fn expand(&self, suites: &mut Vec<OfferedSuite>) {
        for &authentication in &self.authentication {
            for &integrity in &self.integrity {
                for &confidentiality in &self.confidentiality {
                    let suite = OfferedSuite {
                        id: self.id,
                        oem: self.oem,
                        algorithms: AlgorithmTriple {
                            authentication,
                            integrity,
                            confidentiality,
                        },
                    };
                    if suites.len() >= CipherSuiteList::MAX_SUITES {
                        return;
                    }
                    if !suites.contains(&suite) {
                        suites.push(suite);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
