//! The session header of IPMI 2.0 (IPMI 2.0 table 13-8, "RMCP+" columns).

use super::{DecodeError, Reader, encode_rmcp};

/// Bytes from the start of the datagram to the start of a payload that is not
/// an OEM explicit one.
pub const SESSION_HEADER_BYTES: usize = 16;

const AUTH_TYPE_RMCP_PLUS: u8 = 0x06;
const ENCRYPTED: u8 = 0x80;
const AUTHENTICATED: u8 = 0x40;

/// What an RMCP+ packet carries (IPMI 2.0 table 13-16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadType(pub u8);

impl PayloadType {
    /// An IPMI message.
    pub const IPMI: Self = Self(0x00);
    /// OEM explicit: the header names the vendor in six more bytes.
    pub const OEM_EXPLICIT: Self = Self(0x02);
    /// Open Session request.
    pub const OPEN_SESSION_REQUEST: Self = Self(0x10);
    /// Open Session response.
    pub const OPEN_SESSION_RESPONSE: Self = Self(0x11);
    /// RAKP message 1.
    pub const RAKP1: Self = Self(0x12);
    /// RAKP message 2.
    pub const RAKP2: Self = Self(0x13);
    /// RAKP message 3.
    pub const RAKP3: Self = Self(0x14);
    /// RAKP message 4.
    pub const RAKP4: Self = Self(0x15);
}

/// A packet with an IPMI 2.0 session header, its parts still as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketV20<'a> {
    /// What the payload is.
    pub payload_type: PayloadType,
    /// Whether the payload is encrypted.
    pub encrypted: bool,
    /// Whether an integrity trailer follows the payload.
    pub authenticated: bool,
    /// The receiver's session id; 0 outside a session.
    pub session_id: u32,
    /// Session sequence number; 0 outside a session.
    pub sequence: u32,
    /// The payload, encrypted or not.
    pub payload: &'a [u8],
    /// Integrity pad, pad length, next header and authentication code.
    pub trailer: &'a [u8],
}

impl<'a> PacketV20<'a> {
    /// Decodes what follows the RMCP header.
    ///
    /// # Errors
    /// When a field is cut off, the authentication type is another, or the
    /// declared payload is longer than the datagram.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let auth_type = reader.u8("authentication type")?;
        if auth_type & 0x0f != AUTH_TYPE_RMCP_PLUS {
            return Err(DecodeError::Invalid {
                field: "authentication type",
                value: u32::from(auth_type),
            });
        }
        let kind = reader.u8("payload type")?;
        let payload_type = PayloadType(kind & 0x3f);
        if payload_type == PayloadType::OEM_EXPLICIT {
            reader.take(6, "OEM payload id")?;
        }
        let session_id = reader.u32("session id")?;
        let sequence = reader.u32("session sequence number")?;
        let declared = usize::from(reader.u16("payload length")?);
        let available = reader.remaining();
        let payload = reader
            .take(declared, "payload")
            .map_err(|_| DecodeError::Length {
                field: "payload",
                declared,
                available,
            })?;
        Ok(Self {
            payload_type,
            encrypted: kind & ENCRYPTED != 0,
            authenticated: kind & AUTHENTICATED != 0,
            session_id,
            sequence,
            payload,
            trailer: reader.rest(),
        })
    }
}

/// Appends the RMCP and session headers of a packet inside a session.
pub fn encode_header_v20(
    out: &mut Vec<u8>,
    payload_type: PayloadType,
    encrypted: bool,
    authenticated: bool,
    session_id: u32,
    sequence: u32,
    payload_length: u16,
) {
    encode_rmcp(out);
    let mut kind = payload_type.0;
    if encrypted {
        kind |= ENCRYPTED;
    }
    if authenticated {
        kind |= AUTHENTICATED;
    }
    out.extend_from_slice(&[AUTH_TYPE_RMCP_PLUS, kind]);
    out.extend_from_slice(&session_id.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&payload_length.to_le_bytes());
}

/// "Next header" of an integrity trailer.
const NEXT_HEADER: u8 = 0x07;

/// Appends what stands between the payload and the authentication code of a
/// datagram: FFh up to where session header, payload and trailer so far make a
/// multiple of four, how many that were, and the next header (IPMI 2.0 table 13-8).
pub fn encode_integrity_pad(out: &mut Vec<u8>) {
    // The RMCP header, which does not count, is four bytes long itself.
    let pad = 3 - (out.len() + 1) % 4;
    out.extend(std::iter::repeat_n(0xff, pad));
    out.extend_from_slice(&[u8::try_from(pad).unwrap_or_default(), NEXT_HEADER]);
}

/// Appends a whole datagram that carries `payload` outside a session.
pub fn encode_sessionless_v20(out: &mut Vec<u8>, payload_type: PayloadType, payload: &[u8]) {
    // Only handshake messages travel here, none of which reaches 100 bytes.
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    encode_header_v20(out, payload_type, false, false, 0, 0, length);
    out.extend_from_slice(payload);
}
