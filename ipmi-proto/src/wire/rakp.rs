//! RAKP messages 1 to 4: both sides prove that they know the password
//! (IPMI 2.0 sections 13.20 to 13.23).

use super::{DecodeError, Reader, RmcpStatus};

/// The privilege byte of RAKP message 1. Every code of the exchange covers it
/// **as it was sent**, look-up bit included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role(pub u8);

impl Role {
    const NAME_ONLY: u8 = 0x10;

    /// Asks for `privilege` (1 to 5); `name_only` finds the first user of that
    /// name, else name and privilege must both match.
    pub fn new(privilege: u8, name_only: bool) -> Self {
        let level = privilege & 0x0f;
        Self(if name_only {
            level | Self::NAME_ONLY
        } else {
            level
        })
    }

    /// The wanted privilege level.
    pub fn privilege(self) -> u8 {
        self.0 & 0x0f
    }

    /// Whether users are found by name alone.
    pub fn is_name_only(self) -> bool {
        self.0 & Self::NAME_ONLY != 0
    }
}

/// RAKP message 1, console to BMC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rakp1<'a> {
    /// Repeated by message 2.
    pub tag: u8,
    /// From the Open Session response.
    pub bmc_session_id: u32,
    /// The console's random number.
    pub console_random: [u8; 16],
    /// Wanted privilege and form of user look-up.
    pub role: Role,
    /// User name, at most 16 bytes, without terminator.
    pub username: &'a [u8],
}

impl<'a> Rakp1<'a> {
    /// Appends the payload, 28 bytes and the name.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.tag, 0, 0, 0]);
        out.extend_from_slice(&self.bmc_session_id.to_le_bytes());
        out.extend_from_slice(&self.console_random);
        let length = u8::try_from(self.username.len()).unwrap_or(u8::MAX);
        out.extend_from_slice(&[self.role.0, 0, 0, length]);
        out.extend_from_slice(self.username);
    }

    /// Decodes the payload.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let [tag, _, _, _] = reader.array("message tag")?;
        let bmc_session_id = reader.u32("BMC session id")?;
        let console_random = reader.array("console random number")?;
        let [role, _, _, length] = reader.array("role")?;
        Ok(Self {
            tag,
            bmc_session_id,
            console_random,
            role: Role(role),
            username: reader.take(usize::from(length), "user name")?,
        })
    }
}

/// RAKP message 2, BMC to console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rakp2<'a> {
    /// Repeated from message 1 (some OpenBMC builds send 0).
    pub tag: u8,
    /// The console's session id.
    pub console_session_id: u32,
    /// What the BMC says.
    pub outcome: Result<Rakp2Proof<'a>, RmcpStatus>,
}

/// The BMC's half of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rakp2Proof<'a> {
    /// The BMC's random number.
    pub bmc_random: [u8; 16],
    /// The BMC's GUID; only an input of the codes, may be zero.
    pub guid: [u8; 16],
    /// Proof that the BMC knows the password.
    pub auth_code: &'a [u8],
}

impl<'a> Rakp2<'a> {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_answer_head(out, self.tag, self.outcome.err(), self.console_session_id);
        if let Ok(proof) = &self.outcome {
            out.extend_from_slice(&proof.bmc_random);
            out.extend_from_slice(&proof.guid);
            out.extend_from_slice(proof.auth_code);
        }
    }

    /// Decodes the payload.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (tag, status, console_session_id) = decode_answer_head(&mut reader)?;
        let outcome = if status.is_ok() {
            Ok(Rakp2Proof {
                bmc_random: reader.array("BMC random number")?,
                guid: reader.array("BMC GUID")?,
                auth_code: reader.rest(),
            })
        } else {
            Err(status)
        };
        Ok(Self {
            tag,
            console_session_id,
            outcome,
        })
    }
}

/// RAKP message 3, console to BMC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rakp3<'a> {
    /// Repeated by message 4.
    pub tag: u8,
    /// From the Open Session response.
    pub bmc_session_id: u32,
    /// Proof that the console knows the password, or why there will be none.
    pub outcome: Result<&'a [u8], RmcpStatus>,
}

impl<'a> Rakp3<'a> {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_answer_head(out, self.tag, self.outcome.err(), self.bmc_session_id);
        if let Ok(auth_code) = self.outcome {
            out.extend_from_slice(auth_code);
        }
    }

    /// Decodes the payload.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (tag, status, bmc_session_id) = decode_answer_head(&mut reader)?;
        Ok(Self {
            tag,
            bmc_session_id,
            outcome: if status.is_ok() {
                Ok(reader.rest())
            } else {
                Err(status)
            },
        })
    }
}

/// RAKP message 4, BMC to console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rakp4<'a> {
    /// Repeated from message 3 (some OpenBMC builds send 0).
    pub tag: u8,
    /// The console's session id.
    pub console_session_id: u32,
    /// Proof that the BMC has derived the same keys, or its refusal.
    pub outcome: Result<&'a [u8], RmcpStatus>,
}

impl<'a> Rakp4<'a> {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_answer_head(out, self.tag, self.outcome.err(), self.console_session_id);
        if let Ok(check) = self.outcome {
            out.extend_from_slice(check);
        }
    }

    /// Decodes the payload.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (tag, status, console_session_id) = decode_answer_head(&mut reader)?;
        Ok(Self {
            tag,
            console_session_id,
            outcome: if status.is_ok() {
                Ok(reader.rest())
            } else {
                Err(status)
            },
        })
    }
}

/// Messages 2 to 4 begin alike.
fn encode_answer_head(out: &mut Vec<u8>, tag: u8, error: Option<RmcpStatus>, session_id: u32) {
    out.extend_from_slice(&[tag, error.unwrap_or(RmcpStatus::OK).0, 0, 0]);
    out.extend_from_slice(&session_id.to_le_bytes());
}

fn decode_answer_head(reader: &mut Reader<'_>) -> Result<(u8, RmcpStatus, u32), DecodeError> {
    let [tag, status, _, _] = reader.array("message tag")?;
    Ok((tag, RmcpStatus(status), reader.u32("session id")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn status() -> impl Strategy<Value = RmcpStatus> {
        (1_u8..=255).prop_map(RmcpStatus)
    }

    proptest! {
        #[test]
        fn message_1_survives_encoding(
            tag: u8, bmc_session_id: u32, console_random: [u8; 16], role: u8,
            username in proptest::collection::vec(any::<u8>(), 0..=16),
        ) {
            let message = Rakp1 {
                tag, bmc_session_id, console_random, role: Role(role), username: &username,
            };
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), 28 + username.len());
            prop_assert_eq!(Rakp1::decode(&bytes), Ok(message));
        }

        #[test]
        fn message_2_survives_encoding(
            tag: u8, console_session_id: u32, bmc_random: [u8; 16], guid: [u8; 16],
            code in proptest::collection::vec(any::<u8>(), 0..=32),
            refusal in proptest::option::of(status()),
        ) {
            let proof = Rakp2Proof { bmc_random, guid, auth_code: &code };
            let message = Rakp2 { tag, console_session_id, outcome: refusal.map_or(Ok(proof), Err) };
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            prop_assert_eq!(Rakp2::decode(&bytes), Ok(message));
        }

        #[test]
        fn messages_3_and_4_survive_encoding(
            tag: u8, session_id: u32,
            code in proptest::collection::vec(any::<u8>(), 0..=32),
            refusal in proptest::option::of(status()),
        ) {
            let outcome = refusal.map_or(Ok(code.as_slice()), Err);
            let mut bytes = Vec::new();
            let message = Rakp3 { tag, bmc_session_id: session_id, outcome };
            message.encode(&mut bytes);
            prop_assert_eq!(Rakp3::decode(&bytes), Ok(message));
            bytes.clear();
            let message = Rakp4 { tag, console_session_id: session_id, outcome };
            message.encode(&mut bytes);
            prop_assert_eq!(Rakp4::decode(&bytes), Ok(message));
        }
    }
}
