//! The stock exporter's families: names, help and where their samples come from.
//! One table; the order of its rows is the order of the answer.
//!
//! Names, help texts and labels are those of the stock exporter in its FreeIPMI
//! mode, word for word: dashboards and alerts rest on them.

use super::Answer;
use crate::collect::{SensorFamily, SensorReadings, SensorSample, Watchdog};
use crate::config::Collector;
use crate::exposition::LabelText;

/// Takes the samples of one family, in the order in which they are written.
pub(super) type Out<'o> = &'o mut dyn FnMut(&LabelText, f64);

/// One family of gauges.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) samples: fn(&Answer<'_>, Out<'_>),
}

const fn family(
    name: &'static str,
    help: &'static str,
    samples: fn(&Answer<'_>, Out<'_>),
) -> Family {
    Family {
        name,
        help,
        samples,
    }
}

#[rustfmt::skip]
pub(super) const FAMILIES: &[Family] = &[
    family("ipmi_bmc_info",
        "Constant metric with value '1' providing details about the BMC.",
        |answer, out| if let Some(bmc) = &answer.results.bmc {
            let labels = LabelText::none()
                .with("bmc_url", &bmc.bmc_url)
                .with("firmware_revision", &bmc.firmware_revision)
                .with("manufacturer_id", &bmc.manufacturer_id)
                .with("system_firmware_version", &bmc.system_firmware_version);
            out(&labels, 1.0);
        }),
    family("ipmi_bmc_watchdog_current_countdown_seconds",
        // The stock exporter's help text speaks of the initial one, here too.
        "Watchdog initial countdown in seconds",
        |answer, out| watchdog(answer, out, |timer| f64::from(timer.current_seconds))),
    family("ipmi_bmc_watchdog_initial_countdown_seconds",
        "Watchdog initial countdown in seconds",
        |answer, out| watchdog(answer, out, |timer| f64::from(timer.initial_seconds))),
    family("ipmi_bmc_watchdog_logging_state",
        "Watchdog log flag (1: Enabled, 0: Disabled / note: reverse of freeipmi)",
        |answer, out| watchdog(answer, out, |timer| flag(timer.is_logging))),
    family("ipmi_bmc_watchdog_pretimeout_interrupt_state",
        "Watchdog pre-timeout interrupt (1: active, 0: inactive)",
        |answer, out| choices(answer, out, "interrupt", &Watchdog::INTERRUPTS, |timer| timer.interrupt)),
    family("ipmi_bmc_watchdog_pretimeout_interval_seconds",
        "Watchdog pre-timeout interval in seconds",
        |answer, out| watchdog(answer, out, |timer| f64::from(timer.pre_timeout_seconds))),
    family("ipmi_bmc_watchdog_timeout_action_state",
        "Watchdog timeout action (1: active, 0: inactive)",
        |answer, out| choices(answer, out, "action", &Watchdog::ACTIONS, |timer| timer.action)),
    family("ipmi_bmc_watchdog_timer_state",
        "Watchdog timer running (1: running, 0: stopped)",
        |answer, out| watchdog(answer, out, |timer| flag(timer.is_running))),
    family("ipmi_bmc_watchdog_timer_use_state",
        "Watchdog timer use (1: active, 0: inactive)",
        |answer, out| choices(answer, out, "name", &Watchdog::USES, |timer| timer.timer_use)),
    family("ipmi_chassis_cooling_fault_state",
        "Current Cooling/fan fault state (1=false, 0=true).",
        |answer, out| plain(out, answer.results.chassis.map(|chassis| flag(!chassis.has_cooling_fault())))),
    family("ipmi_chassis_drive_fault_state",
        "Current drive fault state (1=false, 0=true).",
        |answer, out| plain(out, answer.results.chassis.map(|chassis| flag(!chassis.has_drive_fault())))),
    family("ipmi_chassis_power_state",
        "Current power state (1=on, 0=off).",
        |answer, out| plain(out, answer.results.chassis.map(|chassis| flag(chassis.is_power_on())))),
    family("ipmi_config_lan_mode",
        "Returns configured LAN mode (0=dedicated, 1=shared, 2=failover).",
        |answer, out| plain(out, answer.results.lan_mode.map(|mode| f64::from(mode as u8)))),
    family("ipmi_current_amperes",
        "Current reading in Amperes.",
        |answer, out| values(answer, out, &[SensorFamily::Current])),
    family("ipmi_current_state",
        "Reported state of a current sensor (0=nominal, 1=warning, 2=critical).",
        |answer, out| states(answer, out, &[SensorFamily::Current])),
    family("ipmi_dcmi_power_consumption_watts",
        "Current power consumption in Watts.",
        |answer, out| plain(out, answer.results.power.map(|power| f64::from(power.current_watts)))),
    family("ipmi_fan_speed_ratio",
        "Fan speed as a proportion of the maximum speed.",
        |answer, out| values(answer, out, &[SensorFamily::FanRatio])),
    family("ipmi_fan_speed_rpm",
        "Fan speed in rotations per minute.",
        |answer, out| values(answer, out, &[SensorFamily::FanSpeed])),
    family("ipmi_fan_speed_state",
        "Reported state of a fan speed sensor (0=nominal, 1=warning, 2=critical).",
        |answer, out| states(answer, out, &[SensorFamily::FanSpeed, SensorFamily::FanRatio])),
    family("ipmi_power_state",
        "Reported state of a power sensor (0=nominal, 1=warning, 2=critical).",
        |answer, out| states(answer, out, &[SensorFamily::Power])),
    family("ipmi_power_watts",
        "Power reading in Watts.",
        |answer, out| values(answer, out, &[SensorFamily::Power])),
    family("ipmi_scrape_duration_seconds",
        "Returns how long the scrape took to complete in seconds.",
        |answer, out| plain(out, Some(answer.duration.as_secs_f64()))),
    family("ipmi_sel_events_count_by_name",
        "Current number of custom log entries in the SEL by name.",
        |answer, out| for (name, matches) in answer.sel_events().by_name() {
            out(&LabelText::none().with("name", name), count(matches.count));
        }),
    family("ipmi_sel_events_count_by_state",
        "Current number of log entries in the SEL by state.",
        |answer, out| for (state, entries) in answer.sel_events().by_state() {
            out(&LabelText::none().with("state", state), count(entries));
        }),
    family("ipmi_sel_events_latest_timestamp",
        "Latest timestamp of custom log entries in the SEL by name.",
        |answer, out| for (name, matches) in answer.sel_events().by_name() {
            out(&LabelText::none().with("name", name), f64::from(matches.latest));
        }),
    family("ipmi_sel_free_space_bytes",
        "Current free space remaining for new SEL entries.",
        |answer, out| plain(out, answer.results.sel.map(|sel| f64::from(sel.free_bytes)))),
    family("ipmi_sel_logs_count",
        "Current number of log entries in the SEL.",
        |answer, out| plain(out, answer.results.sel.map(|sel| f64::from(sel.entries)))),
    family("ipmi_sensor_state",
        "Indicates the severity of the state reported by an IPMI sensor (0=nominal, 1=warning, 2=critical).",
        |answer, out| states(answer, out, &[SensorFamily::Generic])),
    family("ipmi_sensor_value",
        "Generic data read from an IPMI sensor of unknown type, relying on labels for context.",
        |answer, out| values(answer, out, &[SensorFamily::Generic])),
    family("ipmi_temperature_celsius",
        "Temperature reading in degree Celsius.",
        |answer, out| values(answer, out, &[SensorFamily::Temperature])),
    family("ipmi_temperature_state",
        "Reported state of a temperature sensor (0=nominal, 1=warning, 2=critical).",
        |answer, out| states(answer, out, &[SensorFamily::Temperature])),
    family("ipmi_up",
        "'1' if a scrape of the IPMI device was successful, '0' otherwise.",
        |answer, out| {
            let mut names: Vec<Collector> = answer.module.collectors.clone();
            names.sort_by_key(|collector| collector.as_str());
            for collector in names {
                let labels = LabelText::none().with("collector", collector.as_str());
                out(&labels, flag(answer.results.is_up(collector)));
            }
        }),
    family("ipmi_voltage_state",
        "Reported state of a voltage sensor (0=nominal, 1=warning, 2=critical).",
        |answer, out| states(answer, out, &[SensorFamily::Voltage])),
    family("ipmi_voltage_volts",
        "Voltage reading in Volts.",
        |answer, out| values(answer, out, &[SensorFamily::Voltage])),
];

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}

#[expect(clippy::cast_precision_loss, reason = "at most 65535 entries of a log")]
fn count(entries: usize) -> f64 {
    entries as f64
}

fn plain(out: Out<'_>, value: Option<f64>) {
    if let Some(value) = value {
        out(&LabelText::none(), value);
    }
}

fn watchdog(answer: &Answer<'_>, out: Out<'_>, value: fn(&Watchdog) -> f64) {
    plain(out, answer.results.watchdog.as_ref().map(value));
}

/// One sample for each value of an enumeration, 1 for the present one.
fn choices(
    answer: &Answer<'_>,
    out: Out<'_>,
    label: &str,
    names: &[&str],
    present: fn(&Watchdog) -> Option<usize>,
) {
    let Some(timer) = &answer.results.watchdog else {
        return;
    };
    let mut sorted: Vec<(usize, &&str)> = names.iter().enumerate().collect();
    sorted.sort_by_key(|(_, name)| **name);
    for (index, name) in sorted {
        let labels = LabelText::none().with(label, name);
        out(&labels, flag(present(timer) == Some(index)));
    }
}

fn values(answer: &Answer<'_>, out: Out<'_>, families: &[SensorFamily]) {
    sensors(answer, out, families, |sample| sample.value);
}

fn states(answer: &Answer<'_>, out: Out<'_>, families: &[SensorFamily]) {
    sensors(answer, out, families, |sample| sample.state);
}

fn sensors(
    answer: &Answer<'_>,
    out: Out<'_>,
    families: &[SensorFamily],
    value: fn(&SensorSample) -> f64,
) {
    let Some(SensorReadings { table, samples }) = &answer.results.sensors else {
        return;
    };
    for sample in samples {
        if let Some(entry) = table.entries().get(sample.index)
            && families.contains(&entry.family)
        {
            out(&entry.labels, value(sample));
        }
    }
}
