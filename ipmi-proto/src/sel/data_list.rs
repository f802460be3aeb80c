//! Lists of texts for event data 2 and 3, indexed by the value of a byte or
//! nibble. [`data_text`](super::data_text) says which list belongs where.
//!
//! The words are the ones that FreeIPMI prints.

/// System Firmware Progress, offset 0.
pub(super) const FIRMWARE_ERROR: &[&str] = &[
    "Unspecified",
    "No system memory is physically installed in the system",
    "No usable system memory, all installed memory has experienced an unrecoverable failure",
    "Unrecoverable hard-disk/ATAPI/IDE device failure",
    "Unrecoverable system-board failure",
    "Unrecoverable diskette subsystem failure",
    "Unrecoverable hard-disk controller failure",
    "Unrecoverable PS/2 or USB keyboard failure",
    "Removable boot media not found",
    "Unrecoverable video controller failure",
    "No video device detected",
    "Firmware (BIOS) ROM corruption detected",
    "CPU voltage mismatch (processors that share same supply have mismatched voltage requirements)",
    "CPU speed matching failure",
];

/// System Firmware Progress, offsets 1 and 2.
pub(super) const FIRMWARE_PROGRESS: &[&str] = &[
    "Unspecified",
    "Memory initialization",
    "Hard-disk initialization",
    "Secondary processor(s) initialization",
    "User authentication",
    "User-initiated system setup",
    "USB resource configuration",
    "PCI resource configuration",
    "Option ROM initialization",
    "Video initialization",
    "Cache initialization",
    "SM Bus initialization",
    "Keyboard controller initialization",
    "Embedded controller/management controller initialization",
    "Docking station attachment",
    "Enabling docking station",
    "Docking station ejection",
    "Disabling docking station",
    "Calling operating system wake-up vector",
    "Starting operating system boot process, e.g. calling Unsigned Int 19h",
    "Baseboard or motherboard initialization",
    "reserved",
    "Floppy initialization",
    "Keyboard test",
    "Pointing device test",
    "Primary processor initialization",
];

/// Chip Set, offset 0: power states. The last one occurs in event data 3 only.
pub(super) const POWER_STATE: &[&str] = &[
    "S0/G0 \"working\"",
    "S1 \"sleeping with system h/w & processor context maintained\"",
    "S2 \"sleeping, processor context lost\"",
    "S3 \"sleeping, processor & h/w context lost, memory retained.\"",
    "S4 \"non-volatile sleep/suspend-to disk\"",
    "S5/G2 \"soft-off\"",
    "S4/S5 soft-off, particular S4/S5 state cannot be determined",
    "G3/Mechanical Off",
    "Sleeping in an S1, S2, or S3 states (used when particular S1, S2, S3 state cannot be determined)",
    "G1 sleeping (S1-S4 state cannot be determined)",
    "S5 entered by override",
    "Legacy ON state",
    "Legacy OFF state",
    "unknown",
];

/// System Boot Initiated, offset 7: low nibble.
pub(super) const RESTART_CAUSE: &[&str] = &[
    "unknown",
    "Chassis Control command",
    "reset via pushbutton",
    "power-up via power pushbutton",
    "Watchdog expiration",
    "OEM",
    "automatic power-up on AC being applied due to 'always restore' power restore policy",
    "automatic power-up on AC being applied due to 'restore previous power state' power restore policy",
    "reset via PEF",
    "power-cycle via PEF",
    "soft reset (e.g. CTRL-ALT-DEL)",
    "power-up via RTC (system real time clock) wakeup",
];

/// Slot/Connector: low seven bits.
pub(super) const SLOT_TYPE: &[&str] = &[
    "PCI",
    "Drive Array",
    "External Peripheral Connector",
    "Docking",
    "other standard internal expansion slot",
    "slot associated with entity specified by Entity ID for sensor",
    "AdvancedTCA",
    "DIMM/memory device",
    "FAN",
    "PCI Express",
    "SCSI (parallel)",
    "SATA / SAS",
    "USB",
];

/// Version Change.
pub(super) const VERSION_CHANGE: &[&str] = &[
    "unspecified",
    "management controller device ID (change in one or more fields from `Get Device ID')",
    "management controller firmware revision",
    "management controller device revision",
    "management controller manufacturer ID",
    "management controller IPMI version",
    "management controller auxiliary firmware ID",
    "management controller firmware boot block",
    "other management controller firmware",
    "system firmware (EFI/BIOS) change",
    "SMBIOS change",
    "operating system change",
    "operating system loader change",
    "service or diagnostic partition change",
    "management software agent change",
    "management software application change",
    "management software middleware change",
    "programmable hardware change (e.g. FPGA)",
    "board/FRU module change (change of a module plugged into associated entity)",
    "board/FRU component change (addition or removal of a replaceable component on the board/FRU that is not tracked as a FRU)",
    "board/FRU replaced with equivalent version",
    "board/FRU replaced with newer version",
    "board/FRU replaced with older version",
    "board/FRU hardware configuration change (e.g. strap, jumper, cable change, etc.)",
];

/// Power Supply, offset 6: low nibble.
pub(super) const POWER_SUPPLY_ERROR: &[&str] = &[
    "Vendor mismatch",
    "Revision mismatch",
    "Processor missing or unexpected/unsupported condition",
    "Power Supply rating mismatch",
    "Voltage rating mismatch",
];

/// FRU State: low nibble.
pub(super) const FRU_STATE: &[&str] = &[
    "FRU Not Installed",
    "FRU Inactive (in standby or `hot spare' state)",
    "FRU Activation Requested",
    "FRU Activation In Progress",
    "FRU Active",
    "FRU Deactivation Requested",
    "FRU Deactivation In Progress",
    "FRU Communication Lost",
];

/// FRU State: high nibble; Fh is "cause unknown".
pub(super) const FRU_STATE_CAUSE: &[&str] = &[
    "Normal State Change",
    "Change Commanded by software external to FRU",
    "State Change due to operator changing a Handle latch",
    "State Change due to operator pressing the hotswap push button",
    "State Change due to FRU programmatic action",
    "Communication Lost",
    "Communication Lost due to local failure",
    "State Change due to unexpected extraction",
    "State Change due to operator intervention/update",
    "Unable to compute IPMB address",
    "Unexpected Deactivation",
];

/// System Event, offset 3: low nibble.
pub(super) const LOG_ACTION: &[&str] = &[
    "entry added",
    "entry added because event did not be map to standard IPMI event",
    "entry added along with one or more corresponding SEL entries",
    "log cleared",
    "log disabled",
    "log enabled",
];

/// System Event, offset 3: high nibble.
pub(super) const LOG_TYPE: &[&str] = &["MCA log", "OEM1", "OEM2"];

/// System Event, offset 5: low nibble.
pub(super) const SYNC_CLOCK: &[&str] = &[
    "SEL Timestamp Clock updated (Also used when both SEL and SDR Timestamp clocks are linked together)",
    "SDR Timestamp Clock updated",
];

/// Watchdog 2: low nibble, from 1; Fh is "unspecified".
pub(super) const WATCHDOG_USE: &[&str] = &["BIOS FRB2", "BIOS/POST", "OS Load", "SMS/OS", "OEM"];

/// Watchdog 2: high nibble; Fh is "unspecified".
pub(super) const WATCHDOG_INTERRUPT: &[&str] = &["none", "SMI", "NMI", "Messaging Interrupt"];

/// Session Audit, offset 1: bits 5:4.
pub(super) const SESSION_END: &[&str] = &[
    "Session deactivatation cause unspecified. This value is also used for Session Activated events",
    "Session deactivated by Close Session command",
    "Session deactivated by timeout",
    "Session deactivated by configuration change",
];
