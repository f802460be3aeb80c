//! RMCP: the four bytes in front of everything on UDP port 623 (IPMI 2.0 section 13.1).

use super::DecodeError;

/// The largest datagram that a BMC has any reason to send.
///
/// IPMI messages stay far below 300 bytes; larger datagrams are cut off by the
/// receive buffer and then fail their checks.
pub const MAX_DATAGRAM_BYTES: usize = 1024;

const VERSION: u8 = 0x06;
/// "No acknowledgement wanted", the only value allowed for class IPMI.
const SEQUENCE_NO_ACK: u8 = 0xff;
const CLASS_IPMI: u8 = 0x07;
/// Bit 7 of the class byte: an RMCP acknowledgement, never sent for class IPMI.
const CLASS_ACK: u8 = 0x80;
const AUTH_TYPE_RMCP_PLUS: u8 = 0x06;

/// Which session header follows the RMCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The header of IPMI 1.5.
    V15,
    /// The header of IPMI 2.0 (RMCP+).
    V20,
}

/// Appends the RMCP header of an IPMI message.
pub fn encode_rmcp(out: &mut Vec<u8>) {
    out.extend_from_slice(&[VERSION, 0x00, SEQUENCE_NO_ACK, CLASS_IPMI]);
}

/// Splits a datagram into the kind of its session header and all that follows
/// the RMCP header.
///
/// # Errors
/// When it is shorter than a session header's first byte, is not RMCP version
/// 1.0, is not of class IPMI, or is an acknowledgement.
pub fn decode_rmcp(datagram: &[u8]) -> Result<(Framing, &[u8]), DecodeError> {
    let [version, _reserved, _sequence, class, session @ ..] = datagram else {
        return Err(DecodeError::Truncated {
            field: "RMCP header",
            missing: 4_usize.saturating_sub(datagram.len()),
        });
    };
    if *version != VERSION {
        return Err(DecodeError::Invalid {
            field: "RMCP version",
            value: u32::from(*version),
        });
    }
    if *class & CLASS_ACK != 0 || *class != CLASS_IPMI {
        return Err(DecodeError::Invalid {
            field: "RMCP class",
            value: u32::from(*class),
        });
    }
    match session.first() {
        None => Err(DecodeError::Truncated {
            field: "authentication type",
            missing: 1,
        }),
        Some(auth_type) if auth_type & 0x0f == AUTH_TYPE_RMCP_PLUS => Ok((Framing::V20, session)),
        Some(_) => Ok((Framing::V15, session)),
    }
}
