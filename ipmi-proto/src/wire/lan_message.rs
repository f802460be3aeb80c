//! The IPMI message inside a packet: addresses, command, data, two checksums
//! (IPMI 2.0 section 13.8).

use super::{CompletionCode, DecodeError, Reader};

/// The BMC's address on its own bus.
pub const BMC_ADDRESS: u8 = 0x20;
/// The software id with which a remote console signs its requests.
pub const REMOTE_CONSOLE_ADDRESS: u8 = 0x81;

/// Network function: the family a command belongs to. Requests are even,
/// responses one higher (IPMI 2.0 table 5-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetFn(pub u8);

impl NetFn {
    /// Chassis commands.
    pub const CHASSIS: Self = Self(0x00);
    /// Sensor and event commands.
    pub const SENSOR_EVENT: Self = Self(0x04);
    /// Application commands: device, watchdog, messaging, sessions.
    pub const APP: Self = Self(0x06);
    /// SDR, SEL and FRU commands.
    pub const STORAGE: Self = Self(0x0a);
    /// LAN, serial and PEF configuration.
    pub const TRANSPORT: Self = Self(0x0c);
    /// Group extension: the first data byte names the defining body (DCh: DCMI).
    pub const GROUP_EXTENSION: Self = Self(0x2c);
    /// OEM group: the first three data bytes name the vendor.
    pub const OEM_GROUP: Self = Self(0x2e);

    /// The network function of the response to this request.
    #[must_use]
    pub fn response(self) -> Self {
        Self(self.0 | 1)
    }
}

/// Logical unit number, 0 to 3: a second address level inside a controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lun(u8);

impl Lun {
    /// Where nearly everything lives.
    pub const BMC: Self = Self(0);

    /// Takes the two low bits.
    pub fn from_low_bits(value: u8) -> Self {
        Self(value & 0x03)
    }

    /// 0 to 3.
    pub fn value(self) -> u8 {
        self.0
    }
}

/// The requester's sequence number, 0 to 63, that a response repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RequestSequence(u8);

impl RequestSequence {
    /// How many there are.
    pub const COUNT: u8 = 64;

    /// Takes the six low bits.
    pub fn from_low_bits(value: u8) -> Self {
        Self(value & 0x3f)
    }

    /// 0 to 63.
    pub fn value(self) -> u8 {
        self.0
    }

    /// The one after this, 0 after 63.
    #[must_use]
    pub fn next(self) -> Self {
        Self::from_low_bits(self.0.wrapping_add(1))
    }
}

/// A request message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanRequest<'a> {
    /// The responder's address, [`BMC_ADDRESS`] for the BMC itself.
    pub responder: u8,
    /// Command family.
    pub net_fn: NetFn,
    /// The responder's LUN.
    pub lun: Lun,
    /// The requester's address, [`REMOTE_CONSOLE_ADDRESS`] for a client.
    pub requester: u8,
    /// Repeated by the response.
    pub sequence: RequestSequence,
    /// Command number within the family.
    pub command: u8,
    /// The command's own fields.
    pub data: &'a [u8],
}

impl<'a> LanRequest<'a> {
    /// Appends the message with both checksums.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let head = [self.responder, (self.net_fn.0 << 2) | self.lun.0];
        out.extend_from_slice(&head);
        out.push(checksum(&head));
        let start = out.len();
        out.extend_from_slice(&[self.requester, self.sequence.0 << 2, self.command]);
        out.extend_from_slice(self.data);
        let sum = checksum(out.get(start..).unwrap_or_default());
        out.push(sum);
    }

    /// Decodes a message and checks both checksums.
    ///
    /// # Errors
    /// When it is too short, a checksum is wrong, or it is a response.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (head, body) = split_checked(bytes)?;
        let [responder, function, _] = head;
        let mut reader = Reader::new(body);
        let requester = reader.u8("requester address")?;
        let sequence = reader.u8("request sequence")?;
        let command = reader.u8("command")?;
        let net_fn = NetFn(function >> 2);
        if net_fn.0 & 1 != 0 {
            return Err(DecodeError::Invalid {
                field: "network function of a request",
                value: u32::from(net_fn.0),
            });
        }
        Ok(Self {
            responder,
            net_fn,
            lun: Lun::from_low_bits(function),
            requester,
            sequence: RequestSequence(sequence >> 2),
            command,
            data: reader.rest(),
        })
    }
}

/// A response message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanResponse<'a> {
    /// The requester's address, repeated from the request.
    pub requester: u8,
    /// The request's network function plus one.
    pub net_fn: NetFn,
    /// The requester's LUN.
    pub requester_lun: Lun,
    /// The responder's address.
    pub responder: u8,
    /// Repeated from the request.
    pub sequence: RequestSequence,
    /// The responder's LUN.
    pub responder_lun: Lun,
    /// Repeated from the request.
    pub command: u8,
    /// Whether it worked.
    pub completion: CompletionCode,
    /// The response's own fields; with an error code often cut short.
    pub data: &'a [u8],
}

impl<'a> LanResponse<'a> {
    /// Appends the message with both checksums.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let head = [self.requester, (self.net_fn.0 << 2) | self.requester_lun.0];
        out.extend_from_slice(&head);
        out.push(checksum(&head));
        let start = out.len();
        out.extend_from_slice(&[
            self.responder,
            (self.sequence.0 << 2) | self.responder_lun.0,
            self.command,
            self.completion.0,
        ]);
        out.extend_from_slice(self.data);
        let sum = checksum(out.get(start..).unwrap_or_default());
        out.push(sum);
    }

    /// Decodes a message and checks both checksums.
    ///
    /// # Errors
    /// When it is too short, a checksum is wrong, or it is a request.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (head, body) = split_checked(bytes)?;
        Self::from_parts(head, body)
    }

    /// Decodes a message without a look at its checksums: for BMCs that are known
    /// to send wrong ones, in packets that something better protects.
    ///
    /// # Errors
    /// When it is too short, or a request.
    pub fn decode_unchecked(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (head, tail) = split(bytes)?;
        Self::from_parts(head, tail.split_last().map_or(&[], |(_, body)| body))
    }

    fn from_parts(head: [u8; 3], body: &'a [u8]) -> Result<Self, DecodeError> {
        let [requester, function, _] = head;
        let mut reader = Reader::new(body);
        let responder = reader.u8("responder address")?;
        let sequence = reader.u8("request sequence")?;
        let command = reader.u8("command")?;
        let completion = CompletionCode(reader.u8("completion code")?);
        let net_fn = NetFn(function >> 2);
        if net_fn.0 & 1 == 0 {
            return Err(DecodeError::Invalid {
                field: "network function of a response",
                value: u32::from(net_fn.0),
            });
        }
        Ok(Self {
            requester,
            net_fn,
            requester_lun: Lun::from_low_bits(function),
            responder,
            sequence: RequestSequence(sequence >> 2),
            responder_lun: Lun::from_low_bits(sequence),
            command,
            completion,
            data: reader.rest(),
        })
    }
}

/// The byte that makes the sum of `bytes` and itself 0 modulo 256.
fn checksum(bytes: &[u8]) -> u8 {
    bytes
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
        .wrapping_neg()
}

/// Checks both checksums; gives the three header bytes and what lies between
/// the header and the final checksum.
fn split_checked(bytes: &[u8]) -> Result<([u8; 3], &[u8]), DecodeError> {
    let (head, tail) = split(bytes)?;
    if checksum(&head) != 0 {
        return Err(DecodeError::Checksum {
            field: "message header",
        });
    }
    if checksum(tail) != 0 {
        return Err(DecodeError::Checksum {
            field: "message body",
        });
    }
    Ok((head, tail.split_last().map_or(&[], |(_, body)| body)))
}

/// The three header bytes, and all the rest, of which there is some.
fn split(bytes: &[u8]) -> Result<([u8; 3], &[u8]), DecodeError> {
    match bytes.split_first_chunk::<3>() {
        None => Err(DecodeError::Truncated {
            field: "message header",
            missing: 3_usize.saturating_sub(bytes.len()),
        }),
        Some((_, [])) => Err(DecodeError::Truncated {
            field: "message body",
            missing: 1,
        }),
        Some((head, tail)) => Ok((*head, tail)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Framing, PacketV15, decode_rmcp, encode_sessionless_v15};
    use hex_literal::hex;
    use proptest::prelude::*;

    // Get Channel Authentication Capabilities as a Supermicro X10 was asked and
    // answered it (public capture in ipmitool issue 154).
    const REQUEST: [u8; 23] = hex!("0600ff07 00 00000000 00000000 09 2018c8 810038 8e04 b5");
    const RESPONSE: [u8; 30] =
        hex!("0600ff07 00 00000000 00000000 10 811c63 20003800 0196040345530000 72");

    #[test]
    fn request_is_encoded_as_captured() {
        let mut message = Vec::new();
        LanRequest {
            responder: BMC_ADDRESS,
            net_fn: NetFn::APP,
            lun: Lun::BMC,
            requester: REMOTE_CONSOLE_ADDRESS,
            sequence: RequestSequence::default(),
            command: 0x38,
            data: &[0x8e, 0x04],
        }
        .encode(&mut message);
        let mut datagram = Vec::new();
        encode_sessionless_v15(&mut datagram, &message);
        assert_eq!(datagram, REQUEST);
    }

    #[test]
    fn response_is_decoded_as_captured() {
        let (framing, session) = decode_rmcp(&RESPONSE).unwrap();
        assert_eq!(framing, Framing::V15);
        let packet = PacketV15::decode(session).unwrap();
        let response = LanResponse::decode(packet.message).unwrap();
        assert_eq!(response.net_fn, NetFn::APP.response());
        assert_eq!(response.command, 0x38);
        assert!(response.completion.is_ok());
        assert_eq!(response.data, hex!("0196040345530000"));
    }

    #[test]
    fn checksums_can_be_ignored() {
        let message = hex!("811c63 20003800 0196040345530000 72");
        let good = LanResponse::decode(&message);
        let mut broken = message;
        broken[2] ^= 0x55;
        broken[15] ^= 0x55;
        assert!(LanResponse::decode(&broken).is_err());
        assert_eq!(LanResponse::decode_unchecked(&broken), good);
        for length in 0..8 {
            assert!(LanResponse::decode_unchecked(&message[..length]).is_err());
        }
    }

    #[test]
    fn one_flipped_bit_is_a_wrong_checksum() {
        let message = hex!("811c63 20003800 0196040345530000 72");
        for index in 0..message.len() {
            let mut broken = message;
            broken[index] ^= 0x10;
            assert!(
                matches!(
                    LanResponse::decode(&broken),
                    Err(DecodeError::Checksum { .. })
                ),
                "byte {index}"
            );
        }
    }

    proptest! {
        #[test]
        fn request_survives_encoding(
            net_fn in (0_u8..32).prop_map(|n| NetFn(n * 2)),
            lun in 0_u8..4,
            sequence in 0_u8..64,
            command: u8,
            data in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let request = LanRequest {
                responder: BMC_ADDRESS,
                net_fn,
                lun: Lun::from_low_bits(lun),
                requester: REMOTE_CONSOLE_ADDRESS,
                sequence: RequestSequence::from_low_bits(sequence),
                command,
                data: &data,
            };
            let mut bytes = Vec::new();
            request.encode(&mut bytes);
            prop_assert_eq!(LanRequest::decode(&bytes), Ok(request));
        }

        #[test]
        fn response_survives_encoding(
            net_fn in (0_u8..32).prop_map(|n| NetFn(n * 2 + 1)),
            sequence in 0_u8..64,
            command: u8,
            completion: u8,
            data in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let response = LanResponse {
                requester: REMOTE_CONSOLE_ADDRESS,
                net_fn,
                requester_lun: Lun::BMC,
                responder: BMC_ADDRESS,
                sequence: RequestSequence::from_low_bits(sequence),
                responder_lun: Lun::from_low_bits(3),
                command,
                completion: CompletionCode(completion),
                data: &data,
            };
            let mut bytes = Vec::new();
            response.encode(&mut bytes);
            prop_assert_eq!(LanResponse::decode(&bytes), Ok(response));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode_rmcp(&bytes);
            let _ = PacketV15::decode(&bytes);
            let _ = crate::wire::PacketV20::decode(&bytes);
            let _ = LanRequest::decode(&bytes);
            let _ = LanResponse::decode(&bytes);
            let _ = LanResponse::decode_unchecked(&bytes);
        }
    }
}
