//! Completion codes: the first byte of every response.

use std::fmt;

/// Why a BMC could not, or would not, execute a command (IPMI 2.0 table 5-2).
///
/// Codes 80h-BEh mean something else for each command; 01h-7Eh belong to vendors.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CompletionCode(pub u8);

impl CompletionCode {
    /// The command was executed.
    pub const OK: Self = Self(0x00);
    /// Node busy: the same request may work a moment later.
    pub const NODE_BUSY: Self = Self(0xc0);
    /// The command does not exist here.
    pub const INVALID_COMMAND: Self = Self(0xc1);
    /// The command does not exist on this LUN.
    pub const INVALID_FOR_LUN: Self = Self(0xc2);
    /// Something behind the BMC did not answer the BMC in time.
    pub const TIMEOUT: Self = Self(0xc3);
    /// No room for the request or its effect.
    pub const OUT_OF_SPACE: Self = Self(0xc4);
    /// The reservation was cancelled by somebody else, or by a change.
    pub const RESERVATION_CANCELED: Self = Self(0xc5);
    /// The request is cut off.
    pub const REQUEST_TRUNCATED: Self = Self(0xc6);
    /// The request has a wrong length.
    pub const INVALID_LENGTH: Self = Self(0xc7);
    /// A field of the request is too long.
    pub const FIELD_LENGTH_EXCEEDED: Self = Self(0xc8);
    /// A field of the request is out of range.
    pub const PARAMETER_OUT_OF_RANGE: Self = Self(0xc9);
    /// More bytes were asked for than can be returned.
    pub const CANNOT_RETURN_THAT_MANY_BYTES: Self = Self(0xca);
    /// The sensor, record or data is not there.
    pub const NOT_PRESENT: Self = Self(0xcb);
    /// A field of the request is invalid.
    pub const INVALID_DATA_FIELD: Self = Self(0xcc);
    /// The command does not fit this sensor or record type.
    pub const ILLEGAL_FOR_SENSOR: Self = Self(0xcd);
    /// A response could not be given.
    pub const NO_RESPONSE: Self = Self(0xce);
    /// The same request was seen before; the answer to the first copy counts.
    pub const DUPLICATE_REQUEST: Self = Self(0xcf);
    /// The SDR repository is being updated.
    pub const SDR_REPOSITORY_UPDATING: Self = Self(0xd0);
    /// The firmware is being updated.
    pub const FIRMWARE_UPDATING: Self = Self(0xd1);
    /// The BMC is still starting.
    pub const BMC_INITIALIZING: Self = Self(0xd2);
    /// The destination (a satellite controller, a session) is not available.
    pub const DESTINATION_UNAVAILABLE: Self = Self(0xd3);
    /// The session's privilege level is too low, or a firewall forbids it.
    pub const INSUFFICIENT_PRIVILEGE: Self = Self(0xd4);
    /// Not possible in the present state.
    pub const NOT_IN_PRESENT_STATE: Self = Self(0xd5);
    /// The sub-function is disabled.
    pub const SUBFUNCTION_DISABLED: Self = Self(0xd6);
    /// Unspecified error.
    pub const UNSPECIFIED: Self = Self(0xff);

    /// Whether the command was executed.
    pub fn is_ok(self) -> bool {
        self == Self::OK
    }

    /// What the specification calls this code.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(code, _)| *code == self)
            .map_or_else(|| self.class(), |(_, name)| name)
    }

    fn class(self) -> &'static str {
        match self.0 {
            0x01..=0x7e => "vendor-specific",
            0x80..=0xbe => "command-specific",
            _ => "reserved",
        }
    }
}

const NAMES: &[(CompletionCode, &str)] = &[
    (CompletionCode::OK, "completed normally"),
    (CompletionCode::NODE_BUSY, "node busy"),
    (CompletionCode::INVALID_COMMAND, "invalid command"),
    (
        CompletionCode::INVALID_FOR_LUN,
        "command invalid for the LUN",
    ),
    (CompletionCode::TIMEOUT, "time-out while processing"),
    (CompletionCode::OUT_OF_SPACE, "out of space"),
    (CompletionCode::RESERVATION_CANCELED, "reservation canceled"),
    (CompletionCode::REQUEST_TRUNCATED, "request data truncated"),
    (
        CompletionCode::INVALID_LENGTH,
        "request data length invalid",
    ),
    (
        CompletionCode::FIELD_LENGTH_EXCEEDED,
        "field length limit exceeded",
    ),
    (
        CompletionCode::PARAMETER_OUT_OF_RANGE,
        "parameter out of range",
    ),
    (
        CompletionCode::CANNOT_RETURN_THAT_MANY_BYTES,
        "cannot return that many bytes",
    ),
    (
        CompletionCode::NOT_PRESENT,
        "requested sensor, data or record not present",
    ),
    (
        CompletionCode::INVALID_DATA_FIELD,
        "invalid data field in request",
    ),
    (
        CompletionCode::ILLEGAL_FOR_SENSOR,
        "command illegal for sensor or record type",
    ),
    (
        CompletionCode::NO_RESPONSE,
        "response could not be provided",
    ),
    (CompletionCode::DUPLICATE_REQUEST, "duplicated request"),
    (
        CompletionCode::SDR_REPOSITORY_UPDATING,
        "SDR repository in update mode",
    ),
    (
        CompletionCode::FIRMWARE_UPDATING,
        "device in firmware update mode",
    ),
    (
        CompletionCode::BMC_INITIALIZING,
        "BMC initialization in progress",
    ),
    (
        CompletionCode::DESTINATION_UNAVAILABLE,
        "destination unavailable",
    ),
    (
        CompletionCode::INSUFFICIENT_PRIVILEGE,
        "insufficient privilege level",
    ),
    (
        CompletionCode::NOT_IN_PRESENT_STATE,
        "not supported in present state",
    ),
    (
        CompletionCode::SUBFUNCTION_DISABLED,
        "sub-function disabled",
    ),
    (CompletionCode::UNSPECIFIED, "unspecified error"),
];

impl fmt::Display for CompletionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}h ({})", self.0, self.name())
    }
}

impl fmt::Debug for CompletionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompletionCode({:02X}h)", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_shown_with_their_meaning() {
        assert_eq!(
            CompletionCode::INSUFFICIENT_PRIVILEGE.to_string(),
            "D4h (insufficient privilege level)"
        );
        assert_eq!(CompletionCode(0x81).to_string(), "81h (command-specific)");
        assert_eq!(CompletionCode(0x42).to_string(), "42h (vendor-specific)");
        assert_eq!(CompletionCode(0xe0).to_string(), "E0h (reserved)");
    }
}
