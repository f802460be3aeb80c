//! The machine that every simulated BMC of the benchmark is: made up, with as
//! many sensors as wanted, all of them readable, in the kinds that servers have.

use std::path::Path;

use anyhow::{Context, Result};
use bmc_recording::{
    Answer, Controller, Exchange, Machine, Provenance, Recording, Repository, SdrRecord, SensorRow,
};
use bmc_sim::{AnalogSensor, DeviceBuilder, DiscreteSensor};

/// Flags of a reading: events enabled, scanning enabled, available.
const AVAILABLE: u8 = 0xc0;
/// Status bits of a threshold sensor whose value crosses nothing.
const NOMINAL: u8 = 0xc0;
/// Sensor numbers that one LUN has room for.
const MOST_SENSORS: usize = 250;

/// One sensor: number in the machine to its record and its answer.
enum Sensor {
    Analog(AnalogSensor),
    Discrete(DiscreteSensor),
}

/// Writes the recording of a machine with so many sensors into `folder`.
///
/// # Errors
/// When there are more sensors than numbers, or the folder cannot be written.
pub(super) fn write(folder: &Path, sensors: usize) -> Result<()> {
    anyhow::ensure!(
        (1..=MOST_SENSORS).contains(&sensors),
        "a machine has 1 to {MOST_SENSORS} sensors, not {sensors}"
    );
    let mut builder = DeviceBuilder::new();
    let mut rows = Vec::new();
    for index in 0..sensors {
        let number = u8::try_from(index + 1).context("sensor number")?;
        let answer = match sensor(index) {
            Sensor::Analog(sensor) => {
                let raw = sensor.raw;
                builder = builder.analog(sensor.numbered(number));
                [raw, AVAILABLE, NOMINAL].to_vec()
            }
            Sensor::Discrete(sensor) => {
                let [low, high] = sensor.states.to_le_bytes();
                builder = builder.discrete(DiscreteSensor {
                    number: Some(number),
                    ..sensor
                });
                [0, AVAILABLE, low, high | 0x80].to_vec()
            }
        };
        rows.push(SensorRow::new(0, number, Answer::ok(answer)));
    }
    let device = builder.build();
    let records = device.sdr.records().iter();
    let recording = Recording {
        machine: Machine {
            vendor: "Benchmark".to_owned(),
            model: format!("{sensors} sensors"),
            firmware: "1.0".to_owned(),
        },
        provenance: Provenance {
            source: "made up for the benchmark".to_owned(),
            licence: "CC0-1.0".to_owned(),
            ..Provenance::default()
        },
        bmc: Controller {
            device_id: Some(device.device_id.clone()),
            repository: Some(Repository {
                records: records
                    .map(|record| SdrRecord::new(record.bytes.clone()))
                    .collect(),
                ..Repository::default()
            }),
            sensors: rows,
            answers: vec![power_reading()],
            ..Controller::default()
        },
        ..Recording::default()
    };
    let files = recording
        .to_files()
        .map_err(|error| anyhow::anyhow!("the recording is not valid: {error}"))?;
    for (name, bytes) in files.iter() {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Of ten sensors four are temperatures, two fans, one each voltages, currents,
/// powers and states.
fn sensor(index: usize) -> Sensor {
    let n = index + 1;
    // Away from all thresholds.
    let raw = u8::try_from(20 + index % 60).unwrap_or(20);
    let analog = match index % 10 {
        0 | 3 | 6 | 9 => AnalogSensor::temperature(&format!("Temp {n}"), raw),
        1 | 4 => AnalogSensor::fan(&format!("Fan {n}"), raw),
        2 => AnalogSensor::voltage(&format!("Volt {n}"), raw),
        5 => AnalogSensor::current(&format!("Curr {n}"), raw),
        7 => AnalogSensor::power(&format!("Power {n}"), raw),
        _ => return Sensor::Discrete(DiscreteSensor::power_supply(&format!("PSU {n}"), 1)),
    };
    Sensor::Analog(analog)
}

/// Get Power Reading: 250 W, the meter is on.
fn power_reading() -> Exchange {
    let watts = 250_u16.to_le_bytes();
    let mut data = vec![0xdc];
    for _ in ["now", "least", "most", "average"] {
        data.extend(watts);
    }
    data.extend(1_700_000_000_u32.to_le_bytes());
    data.extend(1000_u32.to_le_bytes());
    data.push(0x40);
    Exchange::new(0x2c, 0x02, &[0xdc, 0x01, 0x00, 0x00], Answer::ok(data))
}
