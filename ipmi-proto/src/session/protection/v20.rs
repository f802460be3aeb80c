//! Packets of IPMI 2.0: an integrity trailer, an encrypted payload
//! (IPMI 2.0 sections 13.28 and 13.29).

use rand::RngExt;
use rand::rngs::StdRng;

use super::{Fresh, fresh};
use crate::crypto::{CipherSuiteId, KeyStream, KeyedHash, SessionKeys};
use crate::session::counters::RejectReason;
use crate::session::handshake::Established;
use crate::session::quirks::Quirks;
use crate::session::sequence::{OutboundSequence, ReplayWindow};
use crate::wire::{PacketV20, PayloadType, encode_header_v20, encode_integrity_pad};

/// RMCP header; the authentication code does not cover it.
const RMCP_BYTES: usize = 4;
/// Pad length and next header, in front of the authentication code.
const TRAILER_FIELDS: usize = 2;

pub(in crate::session) struct V20 {
    keys: SessionKeys,
    /// The BMC's key stream, for ciphers that have one.
    stream: KeyStream,
    pub(super) suite: CipherSuiteId,
    console_session_id: u32,
    pub(super) bmc_session_id: u32,
    sequence: OutboundSequence,
    pub(super) window: ReplayWindow,
    /// Replies without the trailer that was agreed on are taken.
    takes_unauthenticated: bool,
}

impl V20 {
    pub(in crate::session) fn new(established: Established, quirks: &Quirks) -> Self {
        let takes_unauthenticated =
            quirks.unauthenticated_replies && established.keys.cipher.encrypts();
        let window = if authenticates(&established.keys.integrity) && !takes_unauthenticated {
            ReplayWindow::default()
        } else {
            ReplayWindow::strict()
        };
        Self {
            keys: established.keys,
            stream: KeyStream::default(),
            suite: established.variant.suite.id,
            console_session_id: established.console_session_id,
            bmc_session_id: established.bmc_session_id,
            sequence: OutboundSequence::default(),
            window,
            takes_unauthenticated,
        }
    }

    pub(super) fn authenticates(&self) -> bool {
        authenticates(&self.keys.integrity) && !self.takes_unauthenticated
    }

    pub(super) fn seal(&mut self, message: &[u8], rng: &mut StdRng, out: &mut Vec<u8>) {
        let authenticated = authenticates(&self.keys.integrity);
        let payload_bytes = self.keys.cipher.encrypted_bytes(message.len());
        encode_header_v20(
            out,
            PayloadType::IPMI,
            self.keys.cipher.encrypts(),
            authenticated,
            self.bmc_session_id,
            self.sequence.take(),
            // Requests are at most some tens of bytes long.
            u16::try_from(payload_bytes).unwrap_or(u16::MAX),
        );
        self.keys.cipher.encrypt(rng.random(), message, out);
        if authenticated {
            append_code(&self.keys.integrity, out);
        }
    }

    pub(super) fn open<'c>(
        &mut self,
        session: &[u8],
        clear: &'c mut Vec<u8>,
    ) -> Result<(&'c [u8], Fresh), RejectReason> {
        let packet = PacketV20::decode(session).map_err(|_| RejectReason::Malformed)?;
        if packet.session_id != self.console_session_id {
            return Err(RejectReason::ForeignSession);
        }
        let authenticated = authenticates(&self.keys.integrity);
        let agreed = packet.encrypted == self.keys.cipher.encrypts()
            && (packet.authenticated == authenticated
                || (self.takes_unauthenticated && !packet.authenticated));
        if !agreed {
            return Err(RejectReason::Unprotected);
        }
        if packet.payload_type != PayloadType::IPMI {
            return Err(RejectReason::UnexpectedPayload);
        }
        self.authenticate(session, &packet)?;
        let fresh = fresh(&self.window, packet.sequence)?;
        clear.clear();
        clear.extend_from_slice(packet.payload);
        let message = self
            .keys
            .cipher
            .decrypt(clear, &mut self.stream)
            .map_err(|_| RejectReason::BadPadding)?;
        Ok((message, fresh))
    }

    fn authenticate(&self, session: &[u8], packet: &PacketV20<'_>) -> Result<(), RejectReason> {
        if !packet.authenticated {
            // Nothing stands behind the payload of such packets.
            return if packet.trailer.is_empty() {
                Ok(())
            } else {
                Err(RejectReason::Malformed)
            };
        }
        let code_bytes = self.keys.integrity.code_bytes();
        let covered_bytes = session
            .len()
            .checked_sub(code_bytes)
            .ok_or(RejectReason::BadAuthCode)?;
        if packet.trailer.len() < code_bytes + TRAILER_FIELDS {
            return Err(RejectReason::BadAuthCode);
        }
        let (covered, code) = session
            .split_at_checked(covered_bytes)
            .ok_or(RejectReason::BadAuthCode)?;
        if self.keys.integrity.verify(&[covered], code) {
            Ok(())
        } else {
            Err(RejectReason::BadAuthCode)
        }
    }
}

/// Whether packets carry a trailer, and their flag says so.
fn authenticates(integrity: &KeyedHash) -> bool {
    integrity.code_bytes() > 0
}

/// Appends the integrity trailer to a datagram.
fn append_code(integrity: &KeyedHash, out: &mut Vec<u8>) {
    encode_integrity_pad(out);
    let covered = out.get(RMCP_BYTES..).unwrap_or_default();
    let (code, length) = integrity.code(&[covered], |code| {
        let mut copy = [0; 16];
        if let Some(place) = copy.get_mut(..code.len()) {
            place.copy_from_slice(code);
        }
        (copy, code.len().min(copy.len()))
    });
    out.extend_from_slice(code.get(..length).unwrap_or(&code));
}
