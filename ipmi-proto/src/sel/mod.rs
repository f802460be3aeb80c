//! System event log: entries, what they mean, and reading them.
//!
//! [`Entry::decode`] turns 16 bytes into an event or a vendor's record,
//! [`Interpreter`] into names, words and a severity, and [`walk`] reads a log
//! piece by piece without doing I/O. Severities and words are those that
//! FreeIPMI's `ipmi-sel` prints with OEM interpretation, because existing
//! alerts and regular expressions match them.
//!
//! Texts may contain commas and semicolons. Formats: IPMI 2.0 section 32.

mod data_list;
mod data_text;
mod dell;
mod entry;
mod info;
mod interpreter;
mod severity;
mod severity_table;
mod timestamp;
mod vendor;
mod vendor_text;
pub mod walk;

pub use entry::{Direction, Entry, EntryId, EntryKind, SystemEvent};
pub use info::{LogInfo, LogOperations};
pub use interpreter::Interpreter;
pub use timestamp::Timestamp;
pub use vendor::Board;
