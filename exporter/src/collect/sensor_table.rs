//! What is known of a BMC's sensors before they are read: which can be asked,
//! how a reading becomes a value, and what its series are called.

use std::collections::HashSet;

use rmcp_ipmi::sdr::{EventReadingType, OwnerPolicy, Record, SensorDirectory, SensorRecord};
use rmcp_ipmi::sensor::{
    Conversion, NonCritical, Quantity, Reading, SensorType, StateBits, severity,
};
use rmcp_ipmi::wire::Lun;

use crate::config::{Module, Workaround};
use crate::exposition::LabelText;

/// Which pair of metric families a sensor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SensorFamily {
    /// Amperes.
    Current,
    /// Percent of a fan's maximum; shares its state family with [`Self::FanSpeed`].
    FanRatio,
    /// Revolutions per minute.
    FanSpeed,
    /// Watts.
    Power,
    /// Everything else.
    Generic,
    /// Degrees Celsius.
    Temperature,
    /// Volts.
    Voltage,
}

impl SensorFamily {
    /// The unit decides, not the type of the sensor; only percent counts as a
    /// fan's speed for a fan alone.
    fn of(sensor: &SensorRecord) -> Self {
        match sensor.unit.quantity() {
            Quantity::Celsius => Self::Temperature,
            Quantity::Volts => Self::Voltage,
            Quantity::Amperes => Self::Current,
            Quantity::Watts => Self::Power,
            Quantity::Rpm => Self::FanSpeed,
            Quantity::Percent if sensor.sensor_type == SensorType::FAN => Self::FanRatio,
            _ => Self::Generic,
        }
    }

    /// What a value in the sensor's own unit is divided by: a ratio comes in
    /// percent.
    fn divisor(self) -> f64 {
        if self == Self::FanRatio { 100.0 } else { 1.0 }
    }
}

/// One sensor that can be asked.
#[derive(Debug)]
pub struct SensorEntry {
    /// Where the BMC has it.
    pub lun: Lun,
    /// Its number there.
    pub number: u8,
    /// Its series.
    pub family: SensorFamily,
    /// Labels of its two series.
    pub labels: LabelText,
    conversion: Option<Conversion>,
    event_reading_type: EventReadingType,
    sensor_type: SensorType,
    /// For people; the labels hold them too.
    identity: SensorIdentity,
}

/// What people call a sensor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SensorIdentity {
    /// SDR record id in decimal, as the label `id` has it.
    pub id: String,
    /// The name in the record.
    pub name: String,
    /// What kind of sensor it is.
    pub kind: &'static str,
    /// The unit of its value, empty for discrete sensors.
    pub unit: String,
}

impl SensorEntry {
    /// The value of a reading; NaN when the sensor has none or it makes no sense.
    pub fn value(&self, reading: &Reading) -> f64 {
        self.conversion
            .and_then(|conversion| conversion.convert(reading.raw))
            .map_or(f64::NAN, |value| value / self.family.divisor())
    }

    /// 0 nominal, 1 warning, 2 critical, NaN unknown.
    pub fn state(&self, states: StateBits, non_critical: NonCritical) -> f64 {
        severity(
            self.event_reading_type,
            self.sensor_type,
            states,
            non_critical,
        )
        .map_or(f64::NAN, |severity| f64::from(severity as u8))
    }

    /// A value in the sensor's own unit again, for people: percent, where the
    /// metric has a ratio.
    pub fn in_own_unit(&self, value: f64) -> f64 {
        value * self.family.divisor()
    }

    /// A value in the sensor's own unit in the unit of its metric.
    pub fn in_family_unit(&self, value: f64) -> f64 {
        value / self.family.divisor()
    }

    /// What people call it.
    pub fn identity(&self) -> &SensorIdentity {
        &self.identity
    }
}

/// The sensors of one BMC as one module wants to see them.
#[derive(Debug, Default)]
pub struct SensorTable {
    entries: Vec<SensorEntry>,
    duplicates: usize,
}

/// Which choices of a module change the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableOptions {
    excluded: std::collections::BTreeSet<u16>,
    shared_sensors: bool,
    entity_names: bool,
    discrete_readings: bool,
    policy: OwnerPolicy,
}

impl TableOptions {
    pub(super) fn of(module: &Module) -> Self {
        let assume_bmc = module.workarounds.contains(&Workaround::AssumeBmcOwner);
        Self {
            excluded: module.exclude_sensor_ids.clone(),
            shared_sensors: module.shared_sensors,
            entity_names: module.entity_sensor_names,
            discrete_readings: module.workarounds.contains(&Workaround::DiscreteReading),
            policy: if assume_bmc {
                OwnerPolicy::AssumeBmc
            } else {
                OwnerPolicy::Record
            },
        }
    }
}

impl SensorTable {
    /// Goes through the records of a repository.
    pub(super) fn new(records: &[Record], options: &TableOptions) -> Self {
        let directory = options.entity_names.then(|| SensorDirectory::new(records));
        let mut entries = Vec::new();
        for record in records {
            let Some(sensor) = record.as_sensor() else {
                continue;
            };
            if options.excluded.contains(&sensor.record_id.0) {
                continue;
            }
            let Ok((lun, number)) = record.read_at(options.policy) else {
                continue;
            };
            let count = match sensor.sharing() {
                Some(sharing) if options.shared_sensors => sharing.count,
                _ => 1,
            };
            for index in 0..count {
                let Some(number) = number.0.checked_add(index) else {
                    break;
                };
                let name = match &directory {
                    Some(directory) => directory
                        .find(sensor.key.owner, rmcp_ipmi::sdr::SensorNumber(number))
                        .map(|found| directory.entity_name(found)),
                    None => sensor
                        .sharing()
                        .filter(|_| options.shared_sensors)
                        .map(|sharing| sharing.name(&sensor.name, index)),
                };
                entries.push(entry(
                    sensor,
                    lun,
                    number,
                    name.unwrap_or_else(|| sensor.name.to_string()),
                    options,
                ));
            }
        }
        Self::without_duplicates(entries)
    }

    /// Two series of the same name and labels would spoil the whole answer: the
    /// first one counts.
    fn without_duplicates(mut entries: Vec<SensorEntry>) -> Self {
        let before = entries.len();
        let mut seen = HashSet::new();
        entries.retain(|entry| {
            // Ratio and speed of a fan share their state family.
            let state_family = match entry.family {
                SensorFamily::FanRatio => SensorFamily::FanSpeed,
                family => family,
            };
            seen.insert((state_family, entry.labels.clone()))
        });
        entries.sort_by(|a, b| a.identity.cmp(&b.identity));
        Self {
            duplicates: before - entries.len(),
            entries,
        }
    }

    /// The sensors, in the order in which their series are written.
    pub fn entries(&self) -> &[SensorEntry] {
        &self.entries
    }

    /// How many sensors were left out because their labels are taken.
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }
}

fn entry(
    sensor: &SensorRecord,
    lun: Lun,
    number: u8,
    name: String,
    options: &TableOptions,
) -> SensorEntry {
    // A compact record has a unit only by accident, a discrete sensor a value
    // only on some HP boards.
    let has_value = sensor.is_threshold() || (options.discrete_readings && sensor.unit.is_given());
    let conversion = sensor
        .analog()
        .filter(|_| has_value)
        .map(|analog| analog.conversion);
    let family = match conversion {
        Some(_) => SensorFamily::of(sensor),
        None => SensorFamily::Generic,
    };
    let id = sensor.record_id.to_string();
    let kind = sensor.sensor_type.text();
    let mut labels = LabelText::none().with("id", &id).with("name", &name);
    if family == SensorFamily::Generic {
        labels = labels.with("type", kind);
    }
    SensorEntry {
        lun,
        number,
        family,
        labels,
        conversion,
        event_reading_type: sensor.event_reading_type,
        sensor_type: sensor.sensor_type,
        identity: SensorIdentity {
            id,
            name,
            kind,
            unit: if conversion.is_some() {
                sensor.unit.text().into_owned()
            } else {
                String::new()
            },
        },
    }
}
