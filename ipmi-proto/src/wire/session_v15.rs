//! The session header of IPMI 1.5 (IPMI 2.0 table 13-8, "IPMI v1.5" columns): of
//! every message before a session, and of packets inside IPMI 1.5 sessions.

use super::{DecodeError, Reader, encode_rmcp};

/// A packet with an IPMI 1.5 session header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketV15<'a> {
    /// 0 none, 1 MD2, 2 MD5, 4 straight password, 5 OEM.
    pub auth_type: u8,
    /// Session sequence number; 0 outside a session.
    pub sequence: u32,
    /// Session id; 0 outside a session.
    pub session_id: u32,
    /// Present when `auth_type` is not 0.
    pub auth_code: Option<[u8; 16]>,
    /// The IPMI message.
    pub message: &'a [u8],
}

impl<'a> PacketV15<'a> {
    /// Decodes what follows the RMCP header.
    ///
    /// One surplus byte is accepted: the specification has senders add a pad
    /// byte at certain frame sizes, and never says so in the length.
    ///
    /// # Errors
    /// When a field or the declared message is cut off.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let auth_type = reader.u8("authentication type")?;
        let sequence = reader.u32("session sequence number")?;
        let session_id = reader.u32("session id")?;
        let auth_code = match auth_type {
            0 => None,
            _ => Some(reader.array("authentication code")?),
        };
        let declared = usize::from(reader.u8("message length")?);
        let available = reader.remaining();
        let message = reader
            .take(declared, "message")
            .map_err(|_| DecodeError::Length {
                field: "message",
                declared,
                available,
            })?;
        Ok(Self {
            auth_type,
            sequence,
            session_id,
            auth_code,
            message,
        })
    }
}

/// Appends a whole datagram that carries `message` outside a session, without
/// authentication.
pub fn encode_sessionless_v15(out: &mut Vec<u8>, message: &[u8]) {
    encode_packet_v15(out, 0, 0, 0, None, message);
}

/// Appends a whole datagram. `auth_code` is to be there unless `auth_type` is 0.
pub fn encode_packet_v15(
    out: &mut Vec<u8>,
    auth_type: u8,
    sequence: u32,
    session_id: u32,
    auth_code: Option<&[u8; 16]>,
    message: &[u8],
) {
    encode_rmcp(out);
    out.push(auth_type);
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&session_id.to_le_bytes());
    if let Some(code) = auth_code {
        out.extend_from_slice(code);
    }
    // Requests are at most some tens of bytes long; saturation can't happen.
    out.push(u8::try_from(message.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Framing, LanResponse, decode_rmcp};
    use hex_literal::hex;

    /// An OpenBMC's answer with the pad byte behind its message (public text of
    /// phosphor-net-ipmid issue 25).
    #[test]
    fn one_surplus_byte_is_not_part_of_the_message() {
        let datagram = hex!("0600ff0700000000000000000010811c632004380009041c03000000007800");
        let (framing, session) = decode_rmcp(&datagram).unwrap();
        assert_eq!(framing, Framing::V15);
        let packet = PacketV15::decode(session).unwrap();
        assert_eq!(packet.message.len(), 16);
        assert!(LanResponse::decode(packet.message).is_ok());
    }

    #[test]
    fn a_packet_with_a_code_survives_encoding() {
        let code = [0xc0; 16];
        let mut datagram = Vec::new();
        encode_packet_v15(
            &mut datagram,
            2,
            0x0102_0304,
            0x0506_0708,
            Some(&code),
            b"message",
        );
        let (_, session) = decode_rmcp(&datagram).unwrap();
        let packet = PacketV15::decode(session).unwrap();
        assert_eq!(
            packet,
            PacketV15 {
                auth_type: 2,
                sequence: 0x0102_0304,
                session_id: 0x0506_0708,
                auth_code: Some(code),
                message: b"message",
            }
        );
        for length in 0..session.len() {
            assert!(PacketV15::decode(&session[..length]).is_err(), "{length}");
        }
    }
}
