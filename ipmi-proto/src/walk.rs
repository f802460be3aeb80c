//! What the walks over a BMC's stores have in common.
//!
//! The walks over [sensor records](crate::sdr::repository), the
//! [event log](crate::sel::walk) and [FRU inventory](crate::fru::walk) do no
//! I/O: each says what to ask next, and is told what came of it in these words.

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// Completion code 00h with these data bytes.
    Data(&'a [u8]),
    /// Another completion code.
    Refused(u8),
    /// Nothing, after all retries of the caller.
    Silence,
    /// The wait is over.
    Waited,
}
