//! What is known of a BMC's sensors before they are read: which can be asked,
//! how a reading becomes a value, and what its series are called.

use std::collections::HashSet;

use rmcp_ipmi::sdr::{
    Entity, EventReadingType, Hysteresis, OwnerPolicy, Record, SensorDirectory, SensorNumber,
    SensorPlace, SensorRecord, ThresholdAccess,
};
use rmcp_ipmi::sensor::{
    Conversion, Linearization, NonCritical, Quantity, RawThresholds, Reading, ReadingFactors,
    SensorType, StateBits, severity,
};
use rmcp_ipmi::wire::{Hop, Route};

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
    /// Where it is asked.
    pub place: SensorPlace,
    /// What it belongs to.
    pub entity: Entity,
    /// Its record says that it means nothing while its entity is absent.
    pub ignore_if_absent: bool,
    /// Its series.
    pub family: SensorFamily,
    /// Labels of its two series.
    pub labels: LabelText,
    /// How a raw reading becomes a value; none for sensors without one.
    pub conversion: Option<Conversion>,
    /// Thresholds of its record, where Get Sensor Thresholds can be asked for them.
    pub thresholds: Option<RecordThresholds>,
    event_reading_type: EventReadingType,
    sensor_type: SensorType,
    /// For people; the labels hold them too.
    identity: SensorIdentity,
}

/// What a record says of thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordThresholds {
    /// Those that the sensor starts with.
    pub raw: RawThresholds,
    /// Which of them can be read, by [bit](rmcp_ipmi::sensor::Threshold::bit).
    pub readable: u8,
    /// Which comparison bits come with a reading.
    pub compared: u8,
    /// Whether an operator can change them.
    pub settable: bool,
    /// Raw hysteresis.
    pub hysteresis: Hysteresis,
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

    /// Whether a value needs factors that hold for one raw reading only.
    pub fn is_non_linear(&self) -> bool {
        self.conversion.is_some_and(|conversion| {
            matches!(conversion.linearization, Linearization::NonLinear(_))
        })
    }

    /// The value of a reading of a non-linear sensor.
    pub fn value_with(&self, reading: &Reading, factors: &ReadingFactors) -> f64 {
        self.conversion
            .and_then(|conversion| factors.convert(conversion.format, reading.raw))
            .map_or(f64::NAN, |value| value / self.family.divisor())
    }

    /// Whether its states say if its entity is there.
    pub fn tells_presence(&self) -> bool {
        self.sensor_type == SensorType::ENTITY_PRESENCE
            && self.event_reading_type == EventReadingType::SENSOR_SPECIFIC
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
    over_limit: usize,
}

/// Which choices of a module change the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableOptions {
    excluded: std::collections::BTreeSet<u16>,
    shared_sensors: bool,
    entity_names: bool,
    discrete_readings: bool,
    policy: OwnerPolicy,
    limit: usize,
}

impl TableOptions {
    /// What `module` wants, `limit` sensors at most.
    pub(super) fn of(module: &Module, limit: usize) -> Self {
        let assume_bmc = module.workarounds.contains(&Workaround::AssumeBmcOwner);
        Self {
            excluded: module.exclude_sensor_ids.clone(),
            shared_sensors: module.shared_sensors,
            entity_names: module.entity_sensor_names,
            discrete_readings: module.workarounds.contains(&Workaround::DiscreteReading),
            policy: if assume_bmc {
                OwnerPolicy::AssumeBmc
            } else if module.bridge_sensors {
                OwnerPolicy::Bridge
            } else {
                OwnerPolicy::Record
            },
            limit,
        }
    }
}

impl SensorTable {
    /// Goes through the records of a repository, each with the way to who keeps it.
    pub(super) fn new(keepers: &[Route], records: &[Record], options: &TableOptions) -> Self {
        let directory = options.entity_names.then(|| SensorDirectory::new(records));
        let mut entries = Vec::new();
        for (keeper, record) in keepers.iter().zip(records) {
            if keeper.is_bridged() && options.policy != OwnerPolicy::Bridge {
                continue;
            }
            let Some(sensor) = record.as_sensor() else {
                continue;
            };
            // The excluded ids are those of the BMC's records.
            if !keeper.is_bridged() && options.excluded.contains(&sensor.record_id.0) {
                continue;
            }
            let Ok(place) = sensor.place(options.policy, *keeper) else {
                continue;
            };
            let id = match keeper {
                Route::Bmc => sensor.record_id.to_string(),
                Route::Satellite(hop) | Route::Behind { target: hop, .. } => {
                    foreign_id(sensor, *hop)
                }
            };
            let count = match sensor.sharing() {
                Some(sharing) if options.shared_sensors => sharing.count,
                _ => 1,
            };
            for index in 0..count {
                let Some(number) = place.number.0.checked_add(index).map(SensorNumber) else {
                    break;
                };
                let name = match &directory {
                    Some(directory) => directory
                        .find(sensor.key.owner, number)
                        .map(|found| directory.entity_name(found)),
                    None => sensor
                        .sharing()
                        .filter(|_| options.shared_sensors)
                        .map(|sharing| sharing.name(&sensor.name, index)),
                };
                entries.push(entry(
                    sensor,
                    SensorPlace { number, ..place },
                    id.clone(),
                    name.unwrap_or_else(|| sensor.name.to_string()),
                    options,
                ));
            }
        }
        Self::without_duplicates(entries, options.limit)
    }

    /// Two series of the same name and labels would spoil the whole answer: the
    /// first one counts.
    fn without_duplicates(mut entries: Vec<SensorEntry>, limit: usize) -> Self {
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
        let duplicates = before - entries.len();
        let over_limit = entries.len().saturating_sub(limit);
        // In the order of the records: the same ones stay every time.
        entries.truncate(limit);
        entries.sort_by(|a, b| a.identity.cmp(&b.identity));
        Self {
            entries,
            duplicates,
            over_limit,
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

    /// How many sensors were left out because there are too many.
    pub fn over_limit(&self) -> usize {
        self.over_limit
    }
}

/// The label `id` of a record that is not in the BMC's repository, whose own records
/// have the same numbers: with the address, and the channel if that is not the first.
fn foreign_id(sensor: &SensorRecord, Hop { channel, address }: Hop) -> String {
    let id = sensor.record_id;
    if channel == 0 {
        format!("{id}@{address:02x}")
    } else {
        format!("{id}@{channel}.{address:02x}")
    }
}

/// The record's thresholds, where the sensor can be asked for the live ones.
fn thresholds(sensor: &SensorRecord) -> Option<RecordThresholds> {
    let access = sensor.capabilities.threshold_access();
    let is_readable = matches!(
        access,
        ThresholdAccess::Readable | ThresholdAccess::Settable
    );
    let analog = sensor
        .analog()
        .filter(|_| sensor.is_threshold() && is_readable)?;
    Some(RecordThresholds {
        raw: analog.thresholds,
        readable: sensor.masks.readable_thresholds(),
        compared: sensor.masks.comparison_bits(),
        settable: access == ThresholdAccess::Settable,
        hysteresis: sensor.hysteresis,
    })
}

fn entry(
    sensor: &SensorRecord,
    place: SensorPlace,
    id: String,
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
    let kind = sensor.sensor_type.text();
    let mut labels = LabelText::none().with("id", &id).with("name", &name);
    if family == SensorFamily::Generic {
        labels = labels.with("type", kind);
    }
    SensorEntry {
        place,
        entity: sensor.entity,
        ignore_if_absent: sensor.capabilities.ignore_if_absent(),
        family,
        labels,
        conversion,
        thresholds: thresholds(sensor),
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
