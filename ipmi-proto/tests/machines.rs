//! Recorded machines, decoded from their raw bytes, give what an independent
//! decoder and FreeIPMI made of the same bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rmcp_ipmi::sdr::{
    Entity, EventClass, IdModifier, OwnerPolicy, Record, SensorRecord, Sharing, ThresholdAccess,
    Unreadable,
};
use rmcp_ipmi::sensor::{
    Answer, NonCritical, Reading, ReadingPolicy, Severity, Threshold, freeipmi_hundredths,
    severity, states,
};
use rstest::rstest;
use serde_json::Value;

/// How much there is to compare, so that a test cannot pass on nothing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Compared {
    records: usize,
    sensors: usize,
    values: usize,
    thresholds: usize,
    states: usize,
    /// There is a reading, but FreeIPMI knows no severity for such a sensor.
    states_unknown: usize,
    /// A set bit beyond the table makes FreeIPMI give up here. We skip such
    /// bits, as FreeIPMI does with the option that the stock exporter passes.
    states_skipped: usize,
    /// No reading: the BMC says so, or another owner has the sensor.
    absent: usize,
}

fn machine(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures/bmcs")
        .join(name)
}

fn raw_records(machine: &Path) -> Vec<Vec<u8>> {
    fs::read_to_string(machine.join("sdr.hex"))
        .unwrap()
        .lines()
        .map(|line| hex::decode(line.trim()).unwrap())
        .collect()
}

fn expected_records(machine: &Path) -> Vec<Value> {
    let text = fs::read_to_string(machine.join("expected.json")).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    match document["records"].take() {
        Value::Array(records) => records,
        other => panic!("not a list: {other}"),
    }
}

/// Checks fields given as `key: actual`.
macro_rules! check {
    ($expected:expr, $($key:literal: $actual:expr),+ $(,)?) => {{
        $(assert_eq!(
            $expected[$key],
            Value::from($actual),
            "{} of {}", $key, $expected,
        );)+
    }};
}

fn check_entity(expected: &Value, entity: Entity) {
    check!(expected, "entity_id": entity.id.0, "entity_instance": entity.instance);
    if expected.get("entity_logical").is_some() {
        check!(expected, "entity_logical": entity.logical);
    }
}

fn check_sharing(expected: &Value, sharing: &Sharing) {
    // Many records say 0, which can only mean one.
    let count = expected["share_count"].as_u64().unwrap().max(1);
    assert_eq!(u64::from(sharing.count), count);
    check!(expected,
        "id_modifier_offset": sharing.modifier_offset,
        "instance_increment": sharing.instance_increments,
        "id_modifier_type": match sharing.modifier {
            IdModifier::Numeric => 0,
            IdModifier::Alpha => 1,
            other => panic!("{other:?}"),
        },
    );
}

fn check_record(expected: &Value, record: &Record) {
    check!(expected, "record_id": record.record_id().0);
    if let Some(name) = record.name() {
        check!(expected, "name": name);
    }
    if let Some(entity) = record.entity() {
        check_entity(expected, entity);
    }
    match record {
        Record::Sensor(sensor) => {
            check!(expected,
                "owner": sensor.key.owner.0,
                "channel": sensor.key.channel,
                "lun": sensor.key.lun.value(),
                "sensor": sensor.key.number.0,
                "sensor_type": sensor.sensor_type.0,
                "event_type": sensor.event_reading_type.0,
                "base_unit": sensor.unit.base.0,
                "modifier_unit": sensor.unit.modifier_unit.0,
            );
            match (sensor.analog(), sensor.sharing()) {
                (Some(analog), None) => {
                    check!(expected, "type": 1);
                    let factors = analog.conversion.factors;
                    check!(expected["factors"],
                        "m": factors.m, "b": factors.b,
                        "r_exp": factors.r_exponent, "b_exp": factors.b_exponent,
                    );
                }
                (None, Some(sharing)) => {
                    check!(expected, "type": 2);
                    check_sharing(expected, sharing);
                }
                other => panic!("{other:?}"),
            }
        }
        Record::EventOnly(sensor) => check!(expected,
            "type": 3,
            "owner": sensor.key.owner.0,
            "sensor": sensor.key.number.0,
            "sensor_type": sensor.sensor_type.0,
            "event_type": sensor.event_reading_type.0,
        ),
        Record::Fru(fru) => check!(expected,
            "type": 0x11,
            "address": fru.address,
            "fru_or_slave": fru.device,
            "lun_bus": fru.lun_and_bus | if fru.logical { 0x80 } else { 0 },
            "channel": fru.channel,
            "device_type": fru.device_type,
            "device_type_modifier": fru.device_type_modifier,
        ),
        Record::Controller(controller) => check!(expected,
            "type": 0x12,
            "address": controller.address,
            "channel": controller.channel,
            "capabilities": controller.capabilities,
        ),
        Record::Other {
            record_type, body, ..
        } => {
            check!(expected, "type": *record_type);
            let manufacturer = u32::from_le_bytes([body[0], body[1], body[2], 0]);
            check!(expected, "manufacturer": manufacturer, "oem_data": hex::encode(&body[3..]));
        }
        other => panic!("{other:?}"),
    }
}

fn assert_close(actual: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (actual - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        "{what}: {actual} is not {expected}"
    );
}

fn check_thresholds(expected: &Value, sensor: &SensorRecord) -> usize {
    let thresholds = sensor.thresholds();
    let actual: BTreeMap<&str, f64> = Threshold::ALL
        .into_iter()
        .zip(["lnc", "lc", "lnr", "unc", "uc", "unr"])
        .filter_map(|(threshold, key)| Some((key, thresholds.get(threshold)?)))
        .collect();
    let wanted: BTreeMap<&str, &Value> = expected
        .get("thresholds")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    assert!(
        actual.keys().eq(wanted.keys()),
        "{}: {actual:?} is not {wanted:?}",
        sensor.name
    );
    for (key, value) in &actual {
        assert_close(*value, wanted[key], key);
    }
    if expected
        .get("thresholds_in_record_without_access")
        .is_some()
    {
        assert_eq!(
            sensor.capabilities.threshold_access(),
            ThresholdAccess::None
        );
    }
    actual.len()
}

/// FreeIPMI's event column: the set states in quotes, vendors' states as a
/// whole.
fn events_column(sensor: &SensorRecord, reading: &Reading) -> String {
    let vendors_state = sensor.event_reading_type.class() == EventClass::SensorSpecific
        && sensor.sensor_type.is_oem()
        && reading.states.get() != 0;
    if vendors_state || sensor.event_reading_type.class() == EventClass::Oem {
        return format!("'OEM Event = {:04X}h'", reading.states.get());
    }
    let mut texts: Vec<String> = states(
        sensor.event_reading_type,
        sensor.sensor_type,
        reading.states,
    )
    .map(|(offset, text)| match text {
        Some(text) => format!("'{text}'"),
        None => format!("'Unrecognized Event = {:04X}h'", 1_u16 << offset),
    })
    .collect();
    // Of a threshold sensor FreeIPMI names the highest bit only.
    if sensor.is_threshold() {
        texts.drain(..texts.len().saturating_sub(1));
    }
    if texts.is_empty() {
        "'OK'".to_owned()
    } else {
        texts.join(" ")
    }
}

fn check_sensor(expected: &Value, sensor: &SensorRecord, compared: &mut Compared) {
    compared.sensors += 1;
    compared.thresholds += check_thresholds(expected, sensor);
    let freeipmi = &expected["freeipmi"];
    if sensor.is_threshold() && sensor.analog().is_some() {
        check!(freeipmi, "units": &*sensor.unit.text());
    } else {
        check!(freeipmi, "units": "N/A");
    }
    let read_at = sensor.read_at(OwnerPolicy::Record);
    if expected["owner"] != 0x20 {
        assert!(matches!(
            read_at,
            Err(Unreadable::SoftwareOwner(_) | Unreadable::OtherController { .. })
        ));
        check!(freeipmi, "state": "N/A", "reading": "N/A", "events": "N/A");
        compared.absent += 1;
        return;
    }
    assert_eq!(read_at, Ok((sensor.key.lun, sensor.key.number)));
    let response = hex::decode(expected["response"].as_str().unwrap()).unwrap();
    let code = u8::try_from(expected["completion_code"].as_u64().unwrap()).unwrap();
    let reading = match Answer::judge(code, &response, ReadingPolicy::Standard) {
        Answer::Reading(reading) => reading,
        Answer::Absent(_) => {
            check!(freeipmi, "state": "N/A", "reading": "N/A", "events": "N/A");
            assert!(expected.get("value").is_none());
            compared.absent += 1;
            return;
        }
        other => panic!("{other:?}"),
    };
    check!(expected, "unavailable": false);
    if sensor.is_threshold() {
        check!(expected, "state_bits": reading.states.comparison());
    } else {
        check!(expected, "state_bits": reading.states.get());
    }

    match sensor.value(reading.raw) {
        Some(value) => {
            assert_close(value, &expected["value"], &sensor.name);
            check!(freeipmi, "reading": format!("{:.2}", freeipmi_hundredths(value)));
            compared.values += 1;
        }
        None => {
            assert!(expected.get("value").is_none(), "{}", sensor.name);
            check!(freeipmi, "reading": "N/A");
        }
    }

    let severity = severity(
        sensor.event_reading_type,
        sensor.sensor_type,
        reading.states,
        NonCritical::Nominal,
    );
    let events = events_column(sensor, &reading);
    check!(freeipmi, "events": events.as_str());
    if severity.is_some() && events.contains("Unrecognized") {
        check!(freeipmi, "state": "N/A");
        compared.states_skipped += 1;
        return;
    }
    check!(freeipmi, "state": severity.map_or("N/A", Severity::text));
    match severity {
        Some(_) => compared.states += 1,
        None => compared.states_unknown += 1,
    }
}

fn compare(name: &str) -> Compared {
    let machine = machine(name);
    let raw = raw_records(&machine);
    let expected = expected_records(&machine);
    assert_eq!(raw.len(), expected.len());
    let mut compared = Compared::default();
    for (bytes, expected) in raw.iter().zip(&expected) {
        let record = Record::decode(bytes).unwrap();
        check_record(expected, &record);
        compared.records += 1;
        if let Record::Sensor(sensor) = &record {
            check_sensor(expected, sensor, &mut compared);
        }
    }
    compared
}

#[rstest]
#[case::c6320("dell-poweredge-c6320", Compared { records: 167, sensors: 150, values: 14, thresholds: 44, states: 56, states_unknown: 1, states_skipped: 0, absent: 93 })]
#[case::r630("dell-poweredge-r630", Compared { records: 186, sensors: 171, values: 25, thresholds: 42, states: 102, states_unknown: 2, states_skipped: 0, absent: 67 })]
#[case::r640("dell-poweredge-r640", Compared { records: 214, sensors: 199, values: 29, thresholds: 46, states: 103, states_unknown: 19, states_skipped: 0, absent: 77 })]
#[case::r730("dell-poweredge-r730", Compared { records: 187, sensors: 169, values: 19, thresholds: 26, states: 84, states_unknown: 2, states_skipped: 0, absent: 83 })]
#[case::r730xd("dell-poweredge-r730xd", Compared { records: 189, sensors: 173, values: 19, thresholds: 26, states: 95, states_unknown: 2, states_skipped: 0, absent: 76 })]
#[case::r740xd("dell-poweredge-r740xd", Compared { records: 213, sensors: 195, values: 19, thresholds: 26, states: 96, states_unknown: 9, states_skipped: 0, absent: 90 })]
#[case::d51("quanta-d51", Compared { records: 112, sensors: 90, values: 48, thresholds: 89, states: 62, states_unknown: 4, states_skipped: 24, absent: 0 })]
#[case::t41("quanta-t41", Compared { records: 119, sensors: 97, values: 48, thresholds: 79, states: 68, states_unknown: 9, states_skipped: 18, absent: 2 })]
fn machine_decodes_to_what_others_made_of_it(#[case] name: &str, #[case] amount: Compared) {
    assert_eq!(compare(name), amount);
}

/// Only names and types are known of this one: nobody recorded its readings.
#[test]
fn machine_without_readings_decodes_to_the_same_records() {
    let machine = machine("unnamed-ast2500-node");
    let raw = raw_records(&machine);
    let expected = expected_records(&machine);
    assert_eq!((raw.len(), expected.len()), (97, 97));
    for (bytes, expected) in raw.iter().zip(&expected) {
        check_record(expected, &Record::decode(bytes).unwrap());
    }
}

/// Two records of another R630, with the values that another project expects.
#[test]
fn second_r630_decodes_to_its_recorded_values() {
    let text = fs::read_to_string(machine("dell-poweredge-r630").join("second-unit.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let items = document["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    for item in items {
        let answer = hex::decode(item["get_sdr"].as_str().unwrap()).unwrap();
        let record = Record::decode(&answer[2..]).unwrap();
        let sensor = record.as_sensor().unwrap();
        let reading = hex::decode(item["reading"].as_str().unwrap()).unwrap();
        let reading = Reading::decode(&reading).unwrap();
        assert_eq!(item["name"], *sensor.name);
        assert_eq!(sensor.value(reading.raw), item["value"].as_f64());
    }
}
