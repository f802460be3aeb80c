//! The two commands that open an IPMI 1.5 session.

use super::Command;
use crate::PrivilegeLevel;
use crate::crypto::{AuthType, Username};
use crate::wire::{CompletionCode, DecodeError, NetFn, Reader};

/// Get Session Challenge (IPMI 2.0 section 22.16).
#[derive(Clone, Debug)]
pub struct GetSessionChallenge {
    /// How the session shall authenticate.
    pub auth_type: AuthType,
    /// Who logs in.
    pub username: Username,
}

/// What the log-in has to be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionChallenge {
    /// The session's number until it is active.
    pub temporary_id: u32,
    /// To be sent back.
    pub challenge: [u8; 16],
}

impl GetSessionChallenge {
    /// Completion code: no such user.
    pub const UNKNOWN_USER: CompletionCode = CompletionCode(0x81);
    /// Completion code: users without a name may not log in.
    pub const NULL_USER_DISABLED: CompletionCode = CompletionCode(0x82);
}

impl Command for GetSessionChallenge {
    type Response = SessionChallenge;
    const NET_FN: NetFn = NetFn::APP;
    const COMMAND: u8 = 0x39;

    fn encode(&self, data: &mut Vec<u8>) {
        data.push(self.auth_type.number());
        let name = self.username.as_bytes();
        data.extend_from_slice(name);
        let pad = crate::crypto::MAX_USERNAME_BYTES.saturating_sub(name.len());
        data.extend(std::iter::repeat_n(0, pad));
    }

    fn decode(&self, data: &[u8]) -> Result<SessionChallenge, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(SessionChallenge {
            temporary_id: reader.u32("temporary session id")?,
            challenge: reader.array("challenge")?,
        })
    }
}

/// Activate Session (IPMI 2.0 section 22.17). Sent with the temporary session id
/// and sequence number 0, and authenticated.
#[derive(Clone, Copy, Debug)]
pub struct ActivateSession {
    /// As in [`GetSessionChallenge`].
    pub auth_type: AuthType,
    /// The highest level that the session may be raised to.
    pub max_privilege: PrivilegeLevel,
    /// From [`SessionChallenge`].
    pub challenge: [u8; 16],
    /// The sequence number that the BMC shall begin with; not 0.
    pub bmc_sequence: u32,
}

/// The session that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivatedSession {
    /// How packets are authenticated from now on; need not be what was asked for.
    pub auth_type: u8,
    /// The session's number.
    pub session_id: u32,
    /// The sequence number of our next packet.
    pub console_sequence: u32,
    /// The highest level that the session may be raised to.
    pub max_privilege: u8,
}

impl ActivateSession {
    /// Completion codes: no slot, none for this user, none at this level.
    pub const NO_SLOTS: [CompletionCode; 3] = [
        CompletionCode(0x81),
        CompletionCode(0x82),
        CompletionCode(0x83),
    ];
    /// Completion code: our first sequence number is not liked.
    pub const SEQUENCE_OUT_OF_RANGE: CompletionCode = CompletionCode(0x84);
    /// Completion code: the temporary session id is not known any more.
    pub const INVALID_SESSION_ID: CompletionCode = CompletionCode(0x85);
    /// Completion code: the user or the channel does not allow the level.
    pub const PRIVILEGE_TOO_HIGH: CompletionCode = CompletionCode(0x86);
}

impl Command for ActivateSession {
    type Response = ActivatedSession;
    const NET_FN: NetFn = NetFn::APP;
    const COMMAND: u8 = 0x3a;

    fn encode(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&[self.auth_type.number(), self.max_privilege.value()]);
        data.extend_from_slice(&self.challenge);
        data.extend_from_slice(&self.bmc_sequence.to_le_bytes());
    }

    fn decode(&self, data: &[u8]) -> Result<ActivatedSession, DecodeError> {
        let mut reader = Reader::new(data);
        Ok(ActivatedSession {
            auth_type: reader.u8("authentication type")? & 0x0f,
            session_id: reader.u32("session id")?,
            console_sequence: reader.u32("initial inbound sequence number")?,
            max_privilege: reader.u8("maximum privilege level")? & 0x0f,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    /// ipmitool's log-in to a Dell iDRAC6, as the project zipmi
    /// (github.com/zenfish/zipmi, MIT licence) prints it.
    #[test]
    fn the_log_in_to_an_idrac6_is_encoded_and_decoded_as_captured() {
        let ask = GetSessionChallenge {
            auth_type: AuthType::Md5,
            username: Username::new(b"root").unwrap(),
        };
        let mut data = Vec::new();
        ask.encode(&mut data);
        assert_eq!(data, hex!("02 726f6f74000000000000000000000000"));
        let challenge = ask
            .decode(&hex!("00070002ee04ff3a75700eef7d37edf338d94cb2"))
            .unwrap();
        assert_eq!(challenge.temporary_id.to_le_bytes(), hex!("00070002"));

        let activate = ActivateSession {
            auth_type: AuthType::Md5,
            max_privilege: PrivilegeLevel::Administrator,
            challenge: challenge.challenge,
            bmc_sequence: u32::from_le_bytes(hex!("6299a415")),
        };
        data.clear();
        activate.encode(&mut data);
        assert_eq!(data, hex!("0204 ee04ff3a75700eef7d37edf338d94cb2 6299a415"));
        let session = activate.decode(&hex!("00000800020100000004")).unwrap();
        assert_eq!(
            session,
            ActivatedSession {
                // Asked for MD5, gave none: packets are not authenticated.
                auth_type: 0,
                session_id: u32::from_le_bytes(hex!("00080002")),
                console_sequence: 1,
                max_privilege: 4,
            }
        );
        assert!(activate.decode(&hex!("000008000201000000")).is_err());
    }
}
