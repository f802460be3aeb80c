//! The session header of IPMI 1.5, as far as messages before a session need it
//! (IPMI 2.0 table 13-8, "IPMI v1.5" columns).

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
    encode_rmcp(out);
    out.extend_from_slice(&[0; 9]);
    // A message outside a session is a few bytes long; saturation can't happen.
    out.push(u8::try_from(message.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(message);
}
