//! What the sensors say, as often as asked for, and how they are set up.

use std::collections::BTreeMap;

use bmc_recording::{Answer, Factors, SensorRow};
use rmcp_ipmi::command::{Command, GetSensorReading};
use rmcp_ipmi::sdr::{Record, SensorRecord, ThresholdAccess};
use rmcp_ipmi::sensor::Linearization;
use rmcp_ipmi::wire::{Lun, NetFn};

use super::RecordError;
use super::ask::{Asker, Request};

/// Sensor commands (IPMI 2.0 sections 35.5 and 35.9).
const GET_FACTORS: u8 = 0x23;
const GET_THRESHOLDS: u8 = 0x27;

/// LUN and number of a sensor at its controller.
type Key = (u8, u8);

/// The sensors of the controller at `address`, each with a record that describes
/// it.
pub(super) fn of_controller(records: &[Record], address: u8) -> BTreeMap<Key, &SensorRecord> {
    let mut sensors = BTreeMap::new();
    for sensor in records.iter().filter_map(Record::as_sensor) {
        if sensor.key.owner.0 != address {
            continue;
        }
        let count = sensor.sharing().map_or(1, |sharing| sharing.count);
        let first = sensor.key.number.0;
        for number in (first..=u8::MAX).take(count.into()) {
            sensors
                .entry((sensor.key.lun.value(), number))
                .or_insert(sensor);
        }
    }
    sensors
}

/// Reads all of them, `samples` times, and how they are set up.
pub(super) async fn read(
    asker: &mut Asker<'_>,
    sensors: &BTreeMap<Key, &SensorRecord>,
    samples: u32,
) -> Result<Vec<SensorRow>, RecordError> {
    let mut rows: Vec<SensorRow> = Vec::with_capacity(sensors.len());
    let total = sensors.len().saturating_mul(samples as usize);
    let mut done = 0;
    for sample in 0..samples {
        for (index, (lun, number)) in sensors.keys().copied().enumerate() {
            let data = [number];
            let request = Request::new(NetFn::SENSOR_EVENT, GetSensorReading::COMMAND, &data)
                .on(Lun::from_low_bits(lun));
            let answer = asker.ask(request).await?;
            match rows.get_mut(index) {
                Some(row) if sample > 0 => row.later.push(answer),
                _ => rows.push(SensorRow::new(lun, number, answer)),
            }
            done += 1;
            asker.progress("sensors", done, Some(total));
        }
    }
    for ((index, row), sensor) in rows.iter_mut().enumerate().zip(sensors.values()) {
        asker.progress("thresholds", index, Some(sensors.len()));
        let has_thresholds = sensor.is_threshold()
            && sensor.analog().is_some()
            && sensor.capabilities.threshold_access() != ThresholdAccess::None;
        if has_thresholds {
            let data = [row.sensor];
            let request = Request::new(NetFn::SENSOR_EVENT, GET_THRESHOLDS, &data);
            let lun = Lun::from_low_bits(row.lun);
            row.thresholds = Some(asker.ask(request.on(lun)).await?);
        }
        let is_non_linear = sensor.analog().is_some_and(|analog| {
            matches!(analog.conversion.linearization, Linearization::NonLinear(_))
        });
        if is_non_linear {
            row.factors = factors(asker, row).await?;
        }
    }
    Ok(rows)
}

/// Follows the table of a non-linear sensor from reading to reading, and asks
/// for the readings that were seen.
async fn factors(asker: &mut Asker<'_>, row: &SensorRow) -> Result<Vec<Factors>, RecordError> {
    let seen = |answer: &Answer| answer.data().and_then(<[u8]>::first).copied();
    let answers = std::iter::once(&row.reading).chain(&row.later);
    let thresholds = row.thresholds.iter().filter_map(Answer::data);
    // The first byte says which of the six are readable.
    let thresholds = thresholds.flat_map(|data| data.iter().skip(1)).copied();
    let mut wanted: Vec<u8> = answers.filter_map(seen).chain(thresholds).collect();
    wanted.push(0);
    let mut known = BTreeMap::new();
    while let Some(raw) = wanted.pop() {
        if known.contains_key(&raw) {
            continue;
        }
        let data = [row.sensor, raw];
        let request = Request::new(NetFn::SENSOR_EVENT, GET_FACTORS, &data);
        let answer = asker.ask(request.on(Lun::from_low_bits(row.lun))).await?;
        // The next reading that has factors of its own.
        wanted.extend(seen(&answer));
        known.insert(raw, answer);
    }
    Ok(known
        .into_iter()
        .map(|(raw, answer)| Factors {
            raw,
            completion_code: answer.completion_code,
            response: answer.response,
        })
        .collect())
}
