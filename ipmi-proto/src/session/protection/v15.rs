//! Packets of IPMI 1.5: an authentication code in the header, nothing encrypted
//! (IPMI 2.0 section 22.17.1, table 13-8).

use super::{Fresh, fresh};
use crate::crypto::{AuthKey, AuthType};
use crate::session::counters::RejectReason;
use crate::session::quirks::Quirks;
use crate::session::sequence::{OutboundSequence, ReplayWindow};
use crate::wire::{PacketV15, encode_packet_v15};

/// What a log-in has come to.
pub(in crate::session) struct Activated {
    pub(in crate::session) key: AuthKey,
    /// How the log-in was authenticated.
    pub(in crate::session) login_type: AuthType,
    /// How packets are from now on.
    pub(in crate::session) auth_type: AuthType,
    /// Whether the channel says that packets are authenticated at all.
    pub(in crate::session) authenticates_messages: bool,
    pub(in crate::session) session_id: u32,
    /// The number of our next packet.
    pub(in crate::session) console_sequence: u32,
    /// The number that the BMC was told to begin with.
    pub(in crate::session) bmc_sequence: u32,
}

pub(in crate::session) struct V15 {
    key: AuthKey,
    pub(super) login_type: AuthType,
    auth_type: AuthType,
    /// Replies without a code are taken, because the channel says so.
    takes_unauthenticated: bool,
    pub(super) session_id: u32,
    pub(super) sequence: OutboundSequence,
    pub(super) window: ReplayWindow,
    quirks: Quirks,
}

impl V15 {
    pub(in crate::session) fn new(activated: Activated, quirks: Quirks) -> Self {
        let takes_unauthenticated =
            !activated.authenticates_messages && !quirks.force_message_authentication;
        let is_proof =
            activated.auth_type.is_digest() && !takes_unauthenticated && !quirks.no_auth_code_check;
        Self {
            key: activated.key,
            login_type: activated.login_type,
            auth_type: activated.auth_type,
            takes_unauthenticated,
            session_id: activated.session_id,
            sequence: OutboundSequence::starting_at(activated.console_sequence),
            window: ReplayWindow::v15(activated.bmc_sequence, is_proof),
            quirks,
        }
    }

    pub(super) fn authenticates(&self) -> bool {
        self.auth_type.is_digest() && !self.takes_unauthenticated && !self.quirks.no_auth_code_check
    }

    /// Every packet is signed, also where the channel says that it need not be:
    /// a BMC takes both, and some that say so take signed packets alone.
    pub(super) fn seal(&mut self, message: &[u8], out: &mut Vec<u8>) {
        let sequence = self.sequence.take();
        let code = self
            .key
            .code(self.auth_type, self.session_id, sequence, message);
        encode_packet_v15(
            out,
            self.auth_type.number(),
            sequence,
            self.session_id,
            (self.auth_type != AuthType::None).then_some(&*code),
            message,
        );
    }

    pub(super) fn open<'c>(
        &self,
        session: &[u8],
        clear: &'c mut Vec<u8>,
    ) -> Result<(&'c [u8], Fresh), RejectReason> {
        let packet = PacketV15::decode(session).map_err(|_| RejectReason::Malformed)?;
        let is_ours = packet.session_id == self.session_id
            || (packet.session_id == 0 && self.quirks.session_id_zero);
        if !is_ours {
            return Err(RejectReason::ForeignSession);
        }
        self.authenticate(&packet)?;
        let number = if self.quirks.swapped_sequence {
            packet.sequence.swap_bytes()
        } else {
            packet.sequence
        };
        let fresh = fresh(&self.window, number)?;
        clear.clear();
        clear.extend_from_slice(packet.message);
        Ok((clear, fresh))
    }

    fn authenticate(&self, packet: &PacketV15<'_>) -> Result<(), RejectReason> {
        let auth_type = AuthType::from_number(packet.auth_type).ok_or(RejectReason::Unprotected)?;
        let agreed = auth_type == self.auth_type
            || (auth_type == AuthType::None && self.takes_unauthenticated)
            || (self.auth_type == AuthType::None
                && auth_type == self.login_type
                && self.quirks.unexpected_authentication);
        if !agreed {
            return Err(RejectReason::Unprotected);
        }
        let code = packet.auth_code.unwrap_or_default();
        let is_good = self.quirks.no_auth_code_check
            || self.key.verify(
                auth_type,
                packet.session_id,
                packet.sequence,
                packet.message,
                &code,
            );
        is_good.then_some(()).ok_or(RejectReason::BadAuthCode)
    }
}
