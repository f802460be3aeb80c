//! Work-arounds for BMCs that deviate from the specification at log-in or inside
//! sessions, each to be switched on by name.
//!
//! What can be noticed and tolerated without risk needs no name and is not here.

/// The switches; all are off by default. Those that weaken a check say so.
///
/// ```
/// use rmcp_ipmi::session::Quirks;
///
/// let quirks = Quirks { intel: true, ..Quirks::default() };
/// assert!(!quirks.weakens_checks());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// Old Intel boards with IPMI 2.0: the user name is padded to 16 bytes, a
    /// password cut to 16 with HMAC-MD5, the role of RAKP message 3 has no
    /// look-up bit, and the check value of RAKP message 4 is made with the
    /// integrity algorithm.
    pub intel: bool,
    /// The code of RAKP message 2 may be one byte too long; that byte is ignored.
    pub surplus_code_byte: bool,
    /// Open Session always names the privilege level of RAKP message 1, and is
    /// never asked for "highest": some BMCs make the keys with it.
    pub open_session_privilege: bool,
    /// Wrong checksums inside packets are ignored where something better keeps
    /// packets from change, and in the first answer, which nobody believes.
    /// Weakens a check.
    pub no_checksum_check: bool,
    /// Replies may lack the integrity code although one was agreed on, if they
    /// are encrypted. Weakens a check: others can make replies of random content.
    pub unauthenticated_replies: bool,
    /// IPMI 1.5: replies may carry session id 0. Weakens a check.
    pub session_id_zero: bool,
    /// IPMI 1.5: replies with an authentication code are taken, if that is right,
    /// although it was agreed that there is none.
    pub unexpected_authentication: bool,
    /// IPMI 1.5: replies need an authentication code although the BMC says that it
    /// sends none. Our own packets always have one.
    pub force_message_authentication: bool,
    /// IPMI 1.5: the BMC's sequence numbers are the wrong way round.
    pub swapped_sequence: bool,
    /// IPMI 1.5: authentication codes of replies are not looked at. Weakens a check:
    /// anybody can answer in the BMC's place.
    pub no_auth_code_check: bool,
}

impl Quirks {
    /// Whether packets are taken that somebody else may have made or changed.
    pub fn weakens_checks(&self) -> bool {
        self.no_checksum_check
            || self.unauthenticated_replies
            || self.session_id_zero
            || self.no_auth_code_check
    }
}
