//! One record: decoding, names, thresholds, and every value that it can give.
//!
//! Must hold: no value that leaves is infinite or not a number; texts are short.

use rmcp_ipmi::sdr::repository::RepositoryInfo;
use rmcp_ipmi::sdr::{OwnerPolicy, Record, RecordHeader, SensorDirectory, SensorRecord};
use rmcp_ipmi::sensor::{
    AnalogFormat, Answer, NonCritical, RawThresholds, ReadingFactors, ReadingPolicy, StateBits,
    Thresholds, freeipmi_hundredths, severity, states,
};

use super::input::Input;

/// 31 bytes of Latin-1 take 62 in UTF-8.
const MAX_NAME_BYTES: usize = 62;

pub fn run(data: &[u8]) {
    readings(data);
    let _ = RecordHeader::decode(data);
    let Ok(record) = Record::decode(data) else {
        return;
    };
    assert!(record.name().unwrap_or_default().len() <= MAX_NAME_BYTES);
    for policy in [OwnerPolicy::Record, OwnerPolicy::AssumeBmc] {
        let _ = record.read_at(policy);
    }
    if let Some(sensor) = record.as_sensor() {
        self::sensor(sensor);
    }
    let records = [record];
    let directory = SensorDirectory::new(&records);
    for number in 0..=u8::MAX {
        let found = directory.find(
            rmcp_ipmi::sdr::OwnerId::BMC,
            rmcp_ipmi::sdr::SensorNumber(number),
        );
        if let Some(found) = found {
            assert!(directory.entity_name(found).len() <= 128);
        }
    }
}

fn sensor(sensor: &SensorRecord) {
    let _ = sensor.read_at(OwnerPolicy::Record);
    for raw in 0..=u8::MAX {
        for value in [sensor.value(raw), sensor.value_even_if_discrete(raw)] {
            finite(value);
            if let Some(value) = value {
                finite(Some(freeipmi_hundredths(value)));
            }
        }
        let bits = StateBits::new(u16::from(raw) << 4);
        for policy in [NonCritical::Nominal, NonCritical::Warning] {
            let _ = severity(sensor.event_reading_type, sensor.sensor_type, bits, policy);
        }
        assert!(states(sensor.event_reading_type, sensor.sensor_type, bits).count() <= 16);
    }
    thresholds(&sensor.thresholds());
    assert!(sensor.unit.text().len() <= 128);
    let _ = (sensor.unit.quantity(), sensor.unit.is_given());
    if let Some(sharing) = sensor.sharing() {
        for index in 0..sharing.count {
            assert!(sharing.name("Fan", index).len() <= 16);
        }
    }
}

/// The same bytes as answers about a sensor.
fn readings(data: &[u8]) {
    let mut input = Input::new(data);
    let code = input.byte();
    for policy in [
        ReadingPolicy::Standard,
        ReadingPolicy::IgnoreScanningDisabled,
    ] {
        let _ = Answer::judge(code, data, policy);
    }
    let _ = RawThresholds::decode_response(data);
    if let Ok(factors) = ReadingFactors::decode(data) {
        for raw in 0..=u8::MAX {
            for format in [
                AnalogFormat::Unsigned,
                AnalogFormat::OnesComplement,
                AnalogFormat::TwosComplement,
                AnalogFormat::None,
            ] {
                finite(factors.convert(format, raw));
            }
        }
    }
    if let Ok(info) = RepositoryInfo::decode(data) {
        assert!(info.still_valid(&info));
        assert_eq!(RepositoryInfo::decode(&info.encode()), Ok(info));
    }
}

fn thresholds(thresholds: &Thresholds) {
    for value in [
        thresholds.lower_non_critical,
        thresholds.lower_critical,
        thresholds.lower_non_recoverable,
        thresholds.upper_non_critical,
        thresholds.upper_critical,
        thresholds.upper_non_recoverable,
    ] {
        finite(value);
    }
}

fn finite(value: Option<f64>) {
    assert!(value.is_none_or(f64::is_finite), "{value:?}");
}
