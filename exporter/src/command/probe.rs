//! `ipmi_exporter probe TARGET --module M`: one scrape, for a person or a program.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::one_bmc;
use super::progress::ProgressLine;
use crate::cli::{ProbeArgs, ProbeFormat};
use crate::collect::{CollectOptions, Results, SensorSample};
use crate::config::{Collector, Module};
use crate::exposition::Format;
use crate::logging;
use crate::metrics::{self, Answer};
use crate::serve::open_store;

/// For a person at a terminal a first look at a slow BMC may take its time.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);
/// How often it is looked how far the scrape is.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// Closing one session takes at most a second.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Scrapes once and prints. The exit status is 0 only when all collectors are up.
pub async fn run(arguments: &ProbeArgs) -> ExitCode {
    logging::start(arguments.log);
    one_bmc::exit(probe(arguments).await)
}

async fn probe(arguments: &ProbeArgs) -> anyhow::Result<bool> {
    let app = one_bmc::start(
        &arguments.bmc,
        open_store(arguments.sensors.cache_dir().as_deref())?,
        CollectOptions {
            non_critical: arguments.sensors.noncritical.into(),
            max_sensors: arguments.sensors.limit as usize,
        },
        DEFAULT_TIMEOUT,
    )?;
    let started = Instant::now();
    let deadline = started + arguments.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let (collection, address) = app
        .start(&arguments.bmc.target, &arguments.bmc.module, deadline)
        .await?;
    let mut line = ProgressLine::new();
    let results = {
        let finished = collection.wait(deadline);
        tokio::pin!(finished);
        loop {
            tokio::select! {
                results = &mut finished => break results,
                () = tokio::time::sleep(PROGRESS_EVERY) => {
                    line.show(|| progress_text(&collection.snapshot(), started.elapsed()));
                }
            }
        }
    };
    line.clear();
    let duration = started.elapsed();
    let module = &collection.profile.module;
    let text = match arguments.format {
        ProbeFormat::Prom => metrics::render(
            &Answer {
                results: &results,
                module,
                duration,
            },
            Format::Text,
        ),
        ProbeFormat::Json => {
            let mut text = serde_json::to_string_pretty(&as_json(&results, module, duration))?;
            text.push('\n');
            text
        }
        ProbeFormat::Table => as_table(&results, module, &address.to_string(), duration),
    };
    stdout().write_all(text.as_bytes())?;
    app.shut_down(Instant::now() + CLOSE_LIMIT).await;
    Ok(module
        .collectors
        .iter()
        .all(|collector| results.is_up(*collector)))
}

/// What is being waited for.
fn progress_text(results: &Results, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let what = match (&results.loading, &results.sensors) {
        (Some((records, Some(total))), _) => {
            format!("reading sensor data records: {records} of {total}")
        }
        (Some((records, None)), _) => format!("reading sensor data records: {records}"),
        (None, Some(readings)) => format!(
            "reading sensors: {} of {}",
            readings.samples.len(),
            readings.table.entries().len()
        ),
        (None, None) => "asking the BMC".to_owned(),
    };
    format!("{what} ({seconds} s)")
}

fn state_word(state: f64) -> &'static str {
    // The three states are exact small integers.
    match state {
        0.0 => "nominal",
        1.0 => "warning",
        2.0 => "critical",
        _ => "",
    }
}

fn as_table(results: &Results, module: &Module, address: &str, duration: Duration) -> String {
    let mut out = format!(
        "{address}, module {:?}, {:.3} s\n",
        module.name,
        duration.as_secs_f64()
    );
    for (name, value) in facts(results) {
        out.push_str(&format!("{name:<24} {value}\n"));
    }
    if let Some(readings) = &results.sensors {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_header(["ID", "NAME", "TYPE", "VALUE", "UNIT", "STATE"]);
        let mut samples: Vec<&SensorSample> = readings.samples.iter().collect();
        let entries = readings.table.entries();
        samples.sort_by_key(|sample| {
            let id = entries.get(sample.index).map(|entry| &entry.identity().id);
            (id.map_or(0, String::len), id)
        });
        for sample in samples {
            let Some(entry) = entries.get(sample.index) else {
                continue;
            };
            let identity = entry.identity();
            let value = if sample.value.is_nan() {
                String::new()
            } else {
                format!("{}", entry.in_own_unit(sample.value))
            };
            table.add_row([
                identity.id.as_str(),
                &identity.name.escape_debug().to_string(),
                identity.kind,
                &value,
                &identity.unit,
                state_word(sample.state),
            ]);
        }
        for column in [0, 3] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        out.push('\n');
        for line in table.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out.push_str(&additional_table(results));
    let down: Vec<&str> = down(results, module).collect();
    if !down.is_empty() {
        out.push_str(&format!("\nNot collected: {}", down.join(", ")));
        if let Some(failure) = &results.failure {
            out.push_str(&format!(" ({failure})"));
        }
        out.push('\n');
    }
    out
}

/// What the additional collectors tell: name, labels, value.
fn additional_table(results: &Results) -> String {
    let mut out = String::new();
    for (collector, samples) in &results.additional {
        if samples.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{collector}\n"));
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for sample in samples.iter() {
            let labels: Vec<String> = sample
                .labels
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("{name}={:?}", value))
                .collect();
            table.add_row([
                sample.metric.name.to_owned(),
                labels.join(" "),
                format!("{}", sample.value),
            ]);
        }
        for line in table.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

fn down<'a>(results: &'a Results, module: &'a Module) -> impl Iterator<Item = &'static str> + 'a {
    module
        .collectors
        .iter()
        .filter(|collector| !results.is_up(**collector))
        .map(|collector| collector.as_str())
}

/// All that is not a sensor, as name and value.
fn facts(results: &Results) -> Vec<(&'static str, String)> {
    let on_off = |on: bool| if on { "on" } else { "off" }.to_owned();
    let fault = |fault: bool| if fault { "FAULT" } else { "ok" }.to_owned();
    let mut facts = Vec::new();
    if let Some(bmc) = &results.bmc {
        facts.push(("BMC manufacturer", bmc.manufacturer_id.clone()));
        facts.push(("BMC firmware", bmc.firmware_revision.clone()));
        facts.push(("System firmware", bmc.system_firmware_version.clone()));
        facts.push(("BMC URL", bmc.bmc_url.clone()));
    }
    if let Some(chassis) = results.chassis {
        facts.push(("Power", on_off(chassis.is_power_on())));
        facts.push(("Drives", fault(chassis.has_drive_fault())));
        facts.push(("Cooling", fault(chassis.has_cooling_fault())));
    }
    if let Some(power) = results.power {
        facts.push(("Power consumption", format!("{} W", power.current_watts)));
    }
    if let Some(watchdog) = results.watchdog {
        let running = if watchdog.is_running {
            format!("running, {} s left", watchdog.current_seconds)
        } else {
            "stopped".to_owned()
        };
        facts.push(("Watchdog", running));
    }
    if let Some(mode) = results.lan_mode {
        facts.push(("LAN mode", format!("{mode:?}").to_lowercase()));
    }
    if let Some(sel) = results.sel {
        facts.push((
            "Event log",
            format!("{} entries, {} bytes free", sel.entries, sel.free_bytes),
        ));
    }
    for (state, count) in results
        .sel_events
        .iter()
        .flat_map(|events| events.by_state())
    {
        facts.push(("Events by state", format!("{state}: {count}")));
    }
    facts
}

fn as_json(results: &Results, module: &Module, duration: Duration) -> Value {
    let collectors: serde_json::Map<String, Value> = module
        .collectors
        .iter()
        .map(|collector: &Collector| {
            (
                collector.as_str().to_owned(),
                results.is_up(*collector).into(),
            )
        })
        .collect();
    let sensors: Vec<Value> = results
        .sensors
        .iter()
        .flat_map(|readings| {
            readings.samples.iter().filter_map(|sample| {
                let entry = readings.table.entries().get(sample.index)?;
                let identity = entry.identity();
                // NaN becomes null.
                Some(json!({
                    "id": identity.id,
                    "name": identity.name,
                    "type": identity.kind,
                    "unit": identity.unit,
                    "value": entry.in_own_unit(sample.value),
                    "state": Some(state_word(sample.state)).filter(|word| !word.is_empty()),
                }))
            })
        })
        .collect();
    json!({
        "duration_seconds": duration.as_secs_f64(),
        "up": collectors,
        "failure": results.failure,
        "bmc": results.bmc.as_ref().map(|bmc| json!({
            "bmc_url": bmc.bmc_url,
            "firmware_revision": bmc.firmware_revision,
            "manufacturer_id": bmc.manufacturer_id,
            "system_firmware_version": bmc.system_firmware_version,
        })),
        "chassis": results.chassis.map(|chassis| json!({
            "power_on": chassis.is_power_on(),
            "drive_fault": chassis.has_drive_fault(),
            "cooling_fault": chassis.has_cooling_fault(),
        })),
        "power_watts": results.power.map(|power| power.current_watts),
        "watchdog": results.watchdog.map(|timer| json!({
            "running": timer.is_running,
            "logging": timer.is_logging,
            "initial_seconds": timer.initial_seconds,
            "current_seconds": timer.current_seconds,
        })),
        "lan_mode": results.lan_mode.map(|mode| format!("{mode:?}").to_lowercase()),
        "sel": results.sel.map(|sel| json!({
            "entries": sel.entries,
            "free_bytes": sel.free_bytes,
        })),
        "sel_events_by_state": results.sel_events.as_ref().map(|events| {
            events
                .by_state()
                .map(|(state, count)| (state.to_owned(), count.into()))
                .collect::<serde_json::Map<String, Value>>()
        }),
        "sensors": sensors,
        "additional": additional_json(results),
    })
}

/// Samples by collector; counters and gauges alike.
fn additional_json(results: &Results) -> Value {
    let collectors = results.additional.iter().map(|(collector, samples)| {
        let samples: Vec<Value> = samples
            .iter()
            .map(|sample| {
                let labels: serde_json::Map<String, Value> = sample
                    .labels
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
                    .collect();
                json!({
                    "metric": sample.metric.name,
                    "labels": labels,
                    "value": sample.value,
                })
            })
            .collect();
        (collector.as_str().to_owned(), samples.into())
    });
    collectors
        .collect::<serde_json::Map<String, Value>>()
        .into()
}
