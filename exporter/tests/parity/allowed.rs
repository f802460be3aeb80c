//! The differences from the stock exporter that are intended.
//!
//! Each row is also a row of the README's table "Differences from the stock
//! exporter". The test fails for a difference without a row and for a row
//! without a difference.

use crate::cases::{Case, Reference};
use crate::compare::{Difference, Kind};

/// With which reference a row has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// Only Debian's 1.6.1 differs; the current upstream version agrees with ours.
    Old,
    /// Ours differs from every version.
    Ours,
}

/// One intended difference. Patterns may contain `*` for any text.
#[derive(Debug)]
pub(crate) struct Allowed {
    /// In which cases.
    pub(crate) case: &'static str,
    /// In which metrics.
    pub(crate) metric: &'static str,
    /// In which series, written out with labels.
    pub(crate) series: &'static str,
    /// What kind of difference.
    pub(crate) kind: Kind,
    /// Against which reference.
    pub(crate) since: Since,
    /// Why it is right.
    pub(crate) reason: &'static str,
}

impl Allowed {
    /// Whether this row explains `difference` in `case`.
    pub(crate) fn explains(&self, difference: &Difference, case: &Case) -> bool {
        self.kind == difference.kind
            && (self.since == Since::Ours || case.reference == Reference::Stock)
            && fits(self.case, case.name)
            && fits(self.metric, &difference.metric)
            && fits(self.series, &difference.series)
    }
}

/// Whether `text` fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| fits(rest, &text[at..]))
        }),
    }
}

const fn row(
    since: Since,
    kind: Kind,
    case: &'static str,
    metric: &'static str,
    reason: &'static str,
) -> Allowed {
    Allowed {
        case,
        metric,
        series: "*",
        kind,
        since,
        reason,
    }
}

const COMMA: &str = "a comma in a name breaks the CSV that stock parses";
const QUOTE: &str = "a quotation mark in a name breaks the CSV that stock parses";
const NEWLINE: &str = "a line feed in a name breaks the CSV that stock parses";
const LONG_NAME: &str = "FreeIPMI cuts names after 16 bytes, whatever the record says";
const ODD_CODE: &str = "one sensor with an unusual completion code costs stock the whole collector";
const COULOMB: &str =
    "FreeIPMI abbreviates coulombs like degrees Celsius, stock takes them for those";
const WATCHDOG: &str = "FreeIPMI reads the watchdog in-band only; over LAN stock is always down";

/// Every intended difference.
pub(crate) const ALLOWED: &[Allowed] = &[
    // What upstream added after 1.6.1.
    Allowed {
        series: "*bmc_url=*",
        ..row(
            Since::Old,
            Kind::MoreLabels,
            "*",
            "ipmi_bmc_info",
            "label since 1.10.0",
        )
    },
    row(
        Since::Old,
        Kind::OnlyOurs,
        "*",
        "ipmi_chassis_drive_fault_state",
        "metric since 1.7.0",
    ),
    row(
        Since::Old,
        Kind::OnlyOurs,
        "*",
        "ipmi_chassis_cooling_fault_state",
        "metric since 1.7.0",
    ),
    row(
        Since::Old,
        Kind::OnlyStock,
        "dcmi-idle",
        "ipmi_dcmi_power_consumption_watts",
        "since 1.7.0 absent while the BMC says that it is not measuring; 1.6.1 shows 0",
    ),
    // Ours.
    row(
        Since::Ours,
        Kind::Precision,
        "*",
        "*",
        "stock parses text with two decimals; ours is exact",
    ),
    row(Since::Ours, Kind::Value, "comma-name", "ipmi_up", COMMA),
    row(
        Since::Ours,
        Kind::OnlyOurs,
        "comma-name",
        "ipmi_temperature_*",
        COMMA,
    ),
    row(Since::Ours, Kind::Value, "quote-name", "ipmi_up", QUOTE),
    row(
        Since::Ours,
        Kind::OnlyOurs,
        "quote-name",
        "ipmi_temperature_*",
        QUOTE,
    ),
    row(Since::Ours, Kind::Value, "newline-name", "ipmi_up", NEWLINE),
    row(
        Since::Ours,
        Kind::OnlyOurs,
        "newline-name",
        "ipmi_temperature_*",
        NEWLINE,
    ),
    row(
        Since::Ours,
        Kind::NoAnswer,
        "latin1-name",
        "",
        "stock dies of a name that is not UTF-8",
    ),
    row(
        Since::Ours,
        Kind::OnlyStock,
        "long-name",
        "ipmi_temperature_*",
        LONG_NAME,
    ),
    row(
        Since::Ours,
        Kind::OnlyOurs,
        "long-name",
        "ipmi_temperature_*",
        LONG_NAME,
    ),
    row(
        Since::Ours,
        Kind::NoAnswer,
        "packed-name",
        "",
        "FreeIPMI does not unpack 6-bit names; stock dies",
    ),
    row(
        Since::Ours,
        Kind::NoAnswer,
        "shared-expanded",
        "",
        "FreeIPMI letters every shared sensor A; stock answers 500 for the duplicates",
    ),
    Allowed {
        series: "ipmi_up{collector=\"ipmi\"}",
        ..row(Since::Ours, Kind::Value, "odd-code", "ipmi_up", ODD_CODE)
    },
    row(Since::Ours, Kind::OnlyOurs, "odd-code", "ipmi_*", ODD_CODE),
    Allowed {
        series: "*name=\"Charge\"*",
        ..row(
            Since::Ours,
            Kind::OnlyStock,
            "conversion",
            "ipmi_temperature_*",
            COULOMB,
        )
    },
    Allowed {
        series: "*name=\"Charge\"*",
        ..row(
            Since::Ours,
            Kind::OnlyOurs,
            "conversion",
            "ipmi_sensor_*",
            COULOMB,
        )
    },
    Allowed {
        series: "*name=\"CubeRoot\"*",
        ..row(
            Since::Ours,
            Kind::Value,
            "conversion",
            "ipmi_temperature_celsius",
            "FreeIPMI before 1.6.12 has no cube root on some systems, Debian 12 among them",
        )
    },
    Allowed {
        series: "ipmi_up{collector=\"bmc-watchdog\"}",
        ..row(Since::Ours, Kind::Value, "head-*", "ipmi_up", WATCHDOG)
    },
    row(
        Since::Ours,
        Kind::OnlyOurs,
        "head-*",
        "ipmi_bmc_watchdog_*",
        WATCHDOG,
    ),
];

#[test]
fn patterns_match_whole_texts() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("a*c", "abbc", true),
        ("a*c", "abbcd", false),
        ("*b*", "abc", true),
        ("abc", "abcd", false),
        ("a*b*c", "axbybzc", true),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}
