//! What is compared: machine, module, and with whom.

use crate::support::simulator::Machine;

/// With whom our answer is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reference {
    /// Debian's exporter (1.6.1), live.
    Stock,
    /// A recorded answer of the current upstream version in `ipmi_sim/expected`.
    Recorded(&'static str),
}

impl Reference {
    /// The configuration file that both understand.
    pub(crate) fn modules(self) -> &'static str {
        match self {
            Self::Stock => "modules.yml",
            Self::Recorded(_) => "modules-head.yml",
        }
    }
}

/// One promised series: name, labels, value.
type Promised = (&'static str, &'static [(&'static str, &'static str)], f64);

/// One comparison.
#[derive(Debug)]
pub(crate) struct Case {
    /// Name for reports and for the rows of `ALLOWED`.
    pub(crate) name: &'static str,
    /// What is scraped.
    pub(crate) machine: Machine,
    /// The module of the configuration file.
    pub(crate) module: &'static str,
    /// With whom.
    pub(crate) reference: Reference,
    /// What ours must show in any case: the point of cases where stock has nothing to compare.
    pub(crate) ours_has: &'static [Promised],
}

const VARIED: Machine = Machine {
    records: "varied",
    events: "varied",
    extras: None,
};
const EXTRAS: Machine = Machine {
    extras: Some("08=na 13=C0 09=CB 45=CD"),
    ..VARIED
};
const CLEAN: Machine = Machine {
    records: "clean",
    events: "clean",
    extras: Some(""),
};

const fn stock(name: &'static str, machine: Machine, module: &'static str) -> Case {
    Case {
        name,
        machine,
        module,
        reference: Reference::Stock,
        ours_has: &[],
    }
}

const fn recorded(name: &'static str, machine: Machine) -> Case {
    let reference = Reference::Recorded(name);
    Case {
        name,
        machine,
        module: "everything",
        reference,
        ours_has: &[],
    }
}

const fn named(name: &'static str, ours_has: &'static [Promised]) -> Case {
    let machine = Machine {
        records: name,
        events: "clean",
        extras: Some(""),
    };
    Case {
        name,
        machine,
        module: "sim",
        reference: Reference::Stock,
        ours_has,
    }
}

const UP: Promised = ("ipmi_up", &[("collector", "ipmi")], 1.0);
const GOOD: Promised = (
    "ipmi_temperature_celsius",
    &[("id", "1"), ("name", "Good Temp")],
    40.0,
);

/// Every comparison.
pub(crate) const CASES: &[Case] = &[
    stock("varied", VARIED, "sim"),
    stock("varied-user", VARIED, "user"),
    stock("varied-oper", VARIED, "oper"),
    stock("varied-badpass", VARIED, "badpass"),
    stock("varied-exclude-one", VARIED, "exclude_one"),
    stock("varied-exclude-mixed", VARIED, "exclude_mixed"),
    stock(
        "varied-exclude-temperatures",
        VARIED,
        "exclude_every_temperature",
    ),
    stock("extras", EXTRAS, "sim"),
    stock("extras-user", EXTRAS, "user"),
    stock("clean", CLEAN, "sim"),
    stock("clean-exclude-mixed", CLEAN, "exclude_mixed"),
    stock(
        "dcmi-idle",
        Machine {
            extras: Some("dcmi=idle"),
            ..CLEAN
        },
        "sim",
    ),
    Case {
        ours_has: &[(
            "ipmi_bmc_info",
            &[
                ("bmc_url", "https://bmc.example/"),
                ("firmware_revision", "2.37"),
                ("manufacturer_id", "Dell Inc. (674)"),
                ("system_firmware_version", "N/A"),
            ],
            1.0,
        )],
        ..stock(
            "only-url",
            Machine {
                extras: Some("sysinfo=url"),
                ..CLEAN
            },
            "sim",
        )
    },
    Case {
        ours_has: &[
            UP,
            (
                "ipmi_temperature_celsius",
                &[("id", "4"), ("name", "CPU2 Temp")],
                97.0,
            ),
            ("ipmi_voltage_volts", &[("id", "18"), ("name", "12V")], 12.0),
        ],
        ..stock(
            "odd-code",
            Machine {
                extras: Some("01=D4"),
                ..CLEAN
            },
            "sim",
        )
    },
    stock(
        "hundred",
        Machine {
            records: "hundred",
            events: "varied",
            extras: Some(""),
        },
        "sim",
    ),
    stock(
        "conversion",
        Machine {
            records: "conversion",
            events: "clean",
            extras: None,
        },
        "sim",
    ),
    named("blank-name", &[UP, GOOD]),
    named(
        "comma-name",
        &[
            UP,
            GOOD,
            (
                "ipmi_temperature_celsius",
                &[("id", "2"), ("name", "Temp, CPU")],
                40.0,
            ),
        ],
    ),
    named(
        "quote-name",
        &[
            UP,
            GOOD,
            (
                "ipmi_temperature_celsius",
                &[("id", "2"), ("name", "Fan \"A\"")],
                40.0,
            ),
        ],
    ),
    named(
        "newline-name",
        &[
            UP,
            GOOD,
            (
                "ipmi_temperature_celsius",
                &[("id", "2"), ("name", "")],
                40.0,
            ),
            (
                "ipmi_temperature_celsius",
                &[("id", "3"), ("name", "Back\\slash")],
                40.0,
            ),
            (
                "ipmi_temperature_celsius",
                &[("id", "4"), ("name", "New\nline")],
                40.0,
            ),
        ],
    ),
    named(
        "latin1-name",
        &[
            UP,
            GOOD,
            (
                "ipmi_temperature_celsius",
                &[("id", "2"), ("name", "Temp °C")],
                40.0,
            ),
        ],
    ),
    named(
        "long-name",
        &[
            UP,
            GOOD,
            (
                "ipmi_temperature_celsius",
                &[("id", "2"), ("name", "Inlet Temperature Sensor")],
                40.0,
            ),
        ],
    ),
    named(
        "packed-name",
        &[
            UP,
            GOOD,
            (
                "ipmi_temperature_celsius",
                &[("id", "2"), ("name", "PKD TEMP")],
                40.0,
            ),
        ],
    ),
    named("no-records", &[]),
    named("shared", &[UP]),
    Case {
        ours_has: &[
            UP,
            (
                "ipmi_sensor_state",
                &[("id", "2"), ("name", "Bay 0"), ("type", "Drive Slot")],
                0.0,
            ),
            (
                "ipmi_sensor_state",
                &[("id", "2"), ("name", "Bay 2"), ("type", "Drive Slot")],
                0.0,
            ),
        ],
        ..stock(
            "shared-expanded",
            Machine {
                records: "shared",
                events: "clean",
                extras: None,
            },
            "shared",
        )
    },
    recorded("head-varied", VARIED),
    recorded("head-extras", EXTRAS),
    recorded("head-clean", CLEAN),
];
