//! Short texts of the generic event/reading types 01h-0Ch, by event offset.
//!
//! The words are the ones that FreeIPMI prints, because alert rules and
//! regular expressions in the field match them. An empty string means that the
//! offset has no text. Offsets: IPMI 2.0 table 42-2.

/// Texts of event/reading types 01h, 02h ... 0Ch in this order.
pub(super) const GENERIC: [&[&str]; 12] = [
    // 01h threshold
    &[
        "Lower Non-critical - going low",
        "Lower Non-critical - going high",
        "Lower Critical - going low",
        "Lower Critical - going high",
        "Lower Non-recoverable - going low",
        "Lower Non-recoverable - going high",
        "Upper Non-critical - going low",
        "Upper Non-critical - going high",
        "Upper Critical - going low",
        "Upper Critical - going high",
        "Upper Non-recoverable - going low",
        "Upper Non-recoverable - going high",
    ],
    // 02h transition state
    &[
        "Transition to Idle",
        "Transition to Active",
        "Transition to Busy",
    ],
    // 03h state
    &["State Deasserted", "State Asserted"],
    // 04h predictive failure
    &[
        "Predictive Failure deasserted",
        "Predictive Failure asserted",
    ],
    // 05h limit
    &["Limit Not Exceeded", "Limit Exceeded"],
    // 06h performance
    &["Performance Met", "Performance Lags"],
    // 07h transition severity
    &[
        "transition to OK",
        "transition to Non-Critical from OK",
        "transition to Critical from less severe",
        "transition to Non-recoverable from less severe",
        "transition to Non-Critical from more severe",
        "transition to Critical from Non-recoverable",
        "transition to Non-recoverable",
        "Monitor",
        "Informational",
    ],
    // 08h device present
    &[
        "Device Removed/Device Absent",
        "Device Inserted/Device Present",
    ],
    // 09h device enabled
    &["Device Disabled", "Device Enabled"],
    // 0Ah transition availability
    &[
        "transition to Running",
        "transition to In Test",
        "transition to Power Off",
        "transition to On Line",
        "transition to Off Line",
        "transition to Off Duty",
        "transition to Degraded",
        "transition to Power Save",
        "Install Error",
    ],
    // 0Bh redundancy
    &[
        "Fully Redundant",
        "Redundancy Lost",
        "Redundancy Degraded",
        "Non-redundant:Sufficient Resources from Redundant",
        "Non-redundant:Sufficient Resources from Insufficient Resources",
        "Non-redundant:Insufficient Resources",
        "Redundancy Degraded from Fully Redundant",
        "Redundancy Degraded from Non-redundant",
    ],
    // 0Ch acpi power state
    &[
        "D0 Power State",
        "D1 Power State",
        "D2 Power State",
        "D3 Power State",
    ],
];

/// Texts of the six comparison bits of a threshold reading (bits 0-5).
pub(super) const THRESHOLD_STATUS: [&str; 6] = [
    "At or Below (<=) Lower Non-Critical Threshold",
    "At or Below (<=) Lower Critical Threshold",
    "At or Below (<=) Lower Non-Recoverable Threshold",
    "At or Above (>=) Upper Non-Critical Threshold",
    "At or Above (>=) Upper Critical Threshold",
    "At or Above (>=) Upper Non-Recoverable Threshold",
];
