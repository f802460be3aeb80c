//! The metric families of `/ipmi`: names, help and where their samples come
//! from. One table; the order of its rows is the order of the answer.
//!
//! Names, help texts and labels are those of the stock exporter in its FreeIPMI
//! mode, word for word: dashboards and alerts rest on them.

use std::time::Duration;

use crate::collect::{Results, SensorFamily, SensorReadings, Watchdog};
use crate::config::{Collector, Module};
use crate::exposition::{Format, LabelText, Writer};

/// What an answer is written from.
pub struct Answer<'a> {
    /// What was collected.
    pub results: &'a Results,
    /// With which collectors.
    pub module: &'a Module,
    /// How long it took.
    pub duration: Duration,
}

/// Samples of one family, in the order in which they are written.
type Samples = Vec<(LabelText, f64)>;

/// One family of gauges.
struct Family {
    name: &'static str,
    help: &'static str,
    samples: fn(&Answer<'_>) -> Samples,
}

const fn family(
    name: &'static str,
    help: &'static str,
    samples: fn(&Answer<'_>) -> Samples,
) -> Family {
    Family {
        name,
        help,
        samples,
    }
}

#[rustfmt::skip]
const FAMILIES: &[Family] = &[
    family("ipmi_bmc_info",
        "Constant metric with value '1' providing details about the BMC.",
        |answer| answer.results.bmc.iter().map(|bmc| (
            LabelText::none()
                .with("bmc_url", &bmc.bmc_url)
                .with("firmware_revision", &bmc.firmware_revision)
                .with("manufacturer_id", &bmc.manufacturer_id)
                .with("system_firmware_version", &bmc.system_firmware_version),
            1.0,
        )).collect()),
    family("ipmi_bmc_watchdog_current_countdown_seconds",
        // The stock exporter's help text speaks of the initial one, here too.
        "Watchdog initial countdown in seconds",
        |answer| watchdog(answer, |timer| f64::from(timer.current_seconds))),
    family("ipmi_bmc_watchdog_initial_countdown_seconds",
        "Watchdog initial countdown in seconds",
        |answer| watchdog(answer, |timer| f64::from(timer.initial_seconds))),
    family("ipmi_bmc_watchdog_logging_state",
        "Watchdog log flag (1: Enabled, 0: Disabled / note: reverse of freeipmi)",
        |answer| watchdog(answer, |timer| flag(timer.is_logging))),
    family("ipmi_bmc_watchdog_pretimeout_interrupt_state",
        "Watchdog pre-timeout interrupt (1: active, 0: inactive)",
        |answer| choices(answer, "interrupt", &Watchdog::INTERRUPTS, |timer| timer.interrupt)),
    family("ipmi_bmc_watchdog_pretimeout_interval_seconds",
        "Watchdog pre-timeout interval in seconds",
        |answer| watchdog(answer, |timer| f64::from(timer.pre_timeout_seconds))),
    family("ipmi_bmc_watchdog_timeout_action_state",
        "Watchdog timeout action (1: active, 0: inactive)",
        |answer| choices(answer, "action", &Watchdog::ACTIONS, |timer| timer.action)),
    family("ipmi_bmc_watchdog_timer_state",
        "Watchdog timer running (1: running, 0: stopped)",
        |answer| watchdog(answer, |timer| flag(timer.is_running))),
    family("ipmi_bmc_watchdog_timer_use_state",
        "Watchdog timer use (1: active, 0: inactive)",
        |answer| choices(answer, "name", &Watchdog::USES, |timer| timer.timer_use)),
    family("ipmi_chassis_cooling_fault_state",
        "Current Cooling/fan fault state (1=false, 0=true).",
        |answer| plain(answer.results.chassis.map(|chassis| flag(!chassis.has_cooling_fault())))),
    family("ipmi_chassis_drive_fault_state",
        "Current drive fault state (1=false, 0=true).",
        |answer| plain(answer.results.chassis.map(|chassis| flag(!chassis.has_drive_fault())))),
    family("ipmi_chassis_power_state",
        "Current power state (1=on, 0=off).",
        |answer| plain(answer.results.chassis.map(|chassis| flag(chassis.is_power_on())))),
    family("ipmi_config_lan_mode",
        "Returns configured LAN mode (0=dedicated, 1=shared, 2=failover).",
        |answer| plain(answer.results.lan_mode.map(|mode| f64::from(mode as u8)))),
    family("ipmi_current_amperes",
        "Current reading in Amperes.",
        |answer| values(answer, &[SensorFamily::Current])),
    family("ipmi_current_state",
        "Reported state of a current sensor (0=nominal, 1=warning, 2=critical).",
        |answer| states(answer, &[SensorFamily::Current])),
    family("ipmi_dcmi_power_consumption_watts",
        "Current power consumption in Watts.",
        |answer| plain(answer.results.power.map(|power| f64::from(power.current_watts)))),
    family("ipmi_fan_speed_ratio",
        "Fan speed as a proportion of the maximum speed.",
        |answer| values(answer, &[SensorFamily::FanRatio])),
    family("ipmi_fan_speed_rpm",
        "Fan speed in rotations per minute.",
        |answer| values(answer, &[SensorFamily::FanSpeed])),
    family("ipmi_fan_speed_state",
        "Reported state of a fan speed sensor (0=nominal, 1=warning, 2=critical).",
        |answer| states(answer, &[SensorFamily::FanSpeed, SensorFamily::FanRatio])),
    family("ipmi_power_state",
        "Reported state of a power sensor (0=nominal, 1=warning, 2=critical).",
        |answer| states(answer, &[SensorFamily::Power])),
    family("ipmi_power_watts",
        "Power reading in Watts.",
        |answer| values(answer, &[SensorFamily::Power])),
    family("ipmi_scrape_duration_seconds",
        "Returns how long the scrape took to complete in seconds.",
        |answer| plain(Some(answer.duration.as_secs_f64()))),
    family("ipmi_sel_events_count_by_name",
        "Current number of custom log entries in the SEL by name.",
        |answer| answer.results.sel_events.iter().flat_map(|events| events.by_name())
            .map(|(name, matches)| (LabelText::none().with("name", name), count(matches.count)))
            .collect()),
    family("ipmi_sel_events_count_by_state",
        "Current number of log entries in the SEL by state.",
        |answer| answer.results.sel_events.iter().flat_map(|events| events.by_state())
            .map(|(state, entries)| (LabelText::none().with("state", state), count(entries)))
            .collect()),
    family("ipmi_sel_events_latest_timestamp",
        "Latest timestamp of custom log entries in the SEL by name.",
        |answer| answer.results.sel_events.iter().flat_map(|events| events.by_name())
            .map(|(name, matches)| (LabelText::none().with("name", name), f64::from(matches.latest)))
            .collect()),
    family("ipmi_sel_free_space_bytes",
        "Current free space remaining for new SEL entries.",
        |answer| plain(answer.results.sel.map(|sel| f64::from(sel.free_bytes)))),
    family("ipmi_sel_logs_count",
        "Current number of log entries in the SEL.",
        |answer| plain(answer.results.sel.map(|sel| f64::from(sel.entries)))),
    family("ipmi_sensor_state",
        "Indicates the severity of the state reported by an IPMI sensor (0=nominal, 1=warning, 2=critical).",
        |answer| states(answer, &[SensorFamily::Generic])),
    family("ipmi_sensor_value",
        "Generic data read from an IPMI sensor of unknown type, relying on labels for context.",
        |answer| values(answer, &[SensorFamily::Generic])),
    family("ipmi_temperature_celsius",
        "Temperature reading in degree Celsius.",
        |answer| values(answer, &[SensorFamily::Temperature])),
    family("ipmi_temperature_state",
        "Reported state of a temperature sensor (0=nominal, 1=warning, 2=critical).",
        |answer| states(answer, &[SensorFamily::Temperature])),
    family("ipmi_up",
        "'1' if a scrape of the IPMI device was successful, '0' otherwise.",
        |answer| {
            let mut names: Vec<Collector> = answer.module.collectors.clone();
            names.sort_by_key(|collector| collector.as_str());
            names.into_iter().map(|collector| (
                LabelText::none().with("collector", collector.as_str()),
                flag(answer.results.is_up(collector)),
            )).collect()
        }),
    family("ipmi_voltage_state",
        "Reported state of a voltage sensor (0=nominal, 1=warning, 2=critical).",
        |answer| states(answer, &[SensorFamily::Voltage])),
    family("ipmi_voltage_volts",
        "Voltage reading in Volts.",
        |answer| values(answer, &[SensorFamily::Voltage])),
];

/// Writes the whole answer to one scrape.
pub fn render(answer: &Answer<'_>, format: Format) -> String {
    let writer = write(answer, format);
    writer.finish()
}

/// Writes the families without the format's last line, for an answer that goes on.
pub fn render_part(answer: &Answer<'_>, format: Format) -> String {
    write(answer, format).into_part()
}

fn write(answer: &Answer<'_>, format: Format) -> Writer {
    let sensors = answer
        .results
        .sensors
        .as_ref()
        .map_or(0, |readings| readings.samples.len());
    let mut writer = Writer::new(format, 2048 + sensors * 160);
    for family in FAMILIES {
        let samples = (family.samples)(answer);
        if samples.is_empty() {
            continue;
        }
        writer.gauge(family.name, family.help);
        for (labels, value) in samples {
            writer.sample(&labels, value);
        }
    }
    writer
}

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}

#[expect(clippy::cast_precision_loss, reason = "at most 65535 entries of a log")]
fn count(entries: usize) -> f64 {
    entries as f64
}

fn plain(value: Option<f64>) -> Samples {
    value
        .map(|value| (LabelText::none(), value))
        .into_iter()
        .collect()
}

fn watchdog(answer: &Answer<'_>, value: fn(&Watchdog) -> f64) -> Samples {
    plain(answer.results.watchdog.as_ref().map(value))
}

/// One sample for each value of an enumeration, 1 for the present one.
fn choices(
    answer: &Answer<'_>,
    label: &str,
    names: &[&str],
    present: fn(&Watchdog) -> Option<usize>,
) -> Samples {
    let Some(timer) = &answer.results.watchdog else {
        return Samples::new();
    };
    let mut samples: Samples = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            (
                LabelText::none().with(label, name),
                flag(present(timer) == Some(index)),
            )
        })
        .collect();
    samples.sort_by(|(a, _), (b, _)| a.cmp(b));
    samples
}

fn values(answer: &Answer<'_>, families: &[SensorFamily]) -> Samples {
    sensors(answer, families, |sample| sample.value)
}

fn states(answer: &Answer<'_>, families: &[SensorFamily]) -> Samples {
    sensors(answer, families, |sample| sample.state)
}

fn sensors(
    answer: &Answer<'_>,
    families: &[SensorFamily],
    value: fn(&crate::collect::SensorSample) -> f64,
) -> Samples {
    let Some(SensorReadings { table, samples }) = &answer.results.sensors else {
        return Samples::new();
    };
    samples
        .iter()
        .filter_map(|sample| {
            let entry = table.entries().get(sample.index)?;
            families
                .contains(&entry.family)
                .then(|| (entry.labels.clone(), value(sample)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_in_alphabetical_order_and_unique() {
        assert!(FAMILIES.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn without_results_only_up_and_duration_are_left() {
        let module = Module::builtin();
        let text = render(
            &Answer {
                results: &Results::default(),
                module: &module,
                duration: Duration::from_millis(1500),
            },
            Format::Text,
        );
        assert_eq!(
            text,
            "# HELP ipmi_scrape_duration_seconds Returns how long the scrape took to complete in seconds.\n\
             # TYPE ipmi_scrape_duration_seconds gauge\n\
             ipmi_scrape_duration_seconds 1.5\n\
             # HELP ipmi_up '1' if a scrape of the IPMI device was successful, '0' otherwise.\n\
             # TYPE ipmi_up gauge\n\
             ipmi_up{collector=\"bmc\"} 0\n\
             ipmi_up{collector=\"chassis\"} 0\n\
             ipmi_up{collector=\"dcmi\"} 0\n\
             ipmi_up{collector=\"ipmi\"} 0\n"
        );
    }
}
