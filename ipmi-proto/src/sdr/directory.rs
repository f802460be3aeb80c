//! Finding the record and the full name of a sensor that an event speaks of.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entity, OwnerId, Record, SensorNumber};

/// Sensors of a repository by owner and number.
///
/// Built once per log that is read; look-ups allocate nothing but the name.
#[derive(Clone, Debug)]
pub struct SensorDirectory<'a> {
    sensors: BTreeMap<(OwnerId, SensorNumber), FoundSensor<'a>>,
    /// Entity ids that occur with more than one instance.
    several: BTreeSet<u8>,
}

/// A sensor's record, and which of the record's shared sensors it is.
#[derive(Clone, Copy, Debug)]
pub struct FoundSensor<'a> {
    /// A [`Record::Sensor`] or a [`Record::EventOnly`].
    pub record: &'a Record,
    /// Counted from 0; always 0 if the record is for one sensor.
    pub index: u8,
}

impl<'a> SensorDirectory<'a> {
    /// Goes through the records of a repository, in its order.
    ///
    /// The first record for an owner and number counts. LUN and channel don't:
    /// event generators leave them out too often.
    pub fn new(records: &'a [Record]) -> Self {
        let mut sensors = BTreeMap::new();
        let mut instances: BTreeMap<u8, BTreeSet<u8>> = BTreeMap::new();
        for record in records {
            let (key, sharing) = match record {
                Record::Sensor(sensor) => (Some(sensor.key), sensor.sharing()),
                Record::EventOnly(sensor) => (Some(sensor.key), Some(&sensor.sharing)),
                Record::Generic(_) | Record::Controller(_) => (None, None),
                Record::Fru(_) | Record::Other { .. } => continue,
            };
            let count = sharing.map_or(1, |sharing| sharing.count);
            if let Some(key) = key {
                for index in 0..count {
                    let Some(number) = key.number.0.checked_add(index) else {
                        break;
                    };
                    sensors
                        .entry((key.owner, SensorNumber(number)))
                        .or_insert(FoundSensor { record, index });
                }
            }
            if let Some(entity) = record.entity().filter(|entity| !entity.logical) {
                let seen = instances.entry(entity.id.0).or_default();
                let steps = match sharing {
                    Some(sharing) if sharing.instance_increments => count,
                    _ => 1,
                };
                seen.extend((0..steps).map(|step| entity.instance.saturating_add(step)));
            }
        }
        Self {
            sensors,
            several: instances
                .into_iter()
                .filter(|(_, seen)| seen.len() > 1)
                .map(|(id, _)| id)
                .collect(),
        }
    }

    /// The sensor with this number and owner.
    ///
    /// An owner of 40h is looked up as 20h too: some BMCs log their own events
    /// with the address shifted once more.
    pub fn find(&self, owner: OwnerId, number: SensorNumber) -> Option<FoundSensor<'a>> {
        let find = |owner| self.sensors.get(&(owner, number)).copied();
        find(owner).or_else(|| {
            (owner == OwnerId(0x40))
                .then(|| find(OwnerId::BMC))
                .flatten()
        })
    }

    /// The sensor's name behind the name of its entity, as in "Processor 1 CPU
    /// Temp".
    ///
    /// The entity's instance is named when the repository has several of them;
    /// shared sensors bear their number or letter then, too. An entity that
    /// says nothing is left out, and one that only repeats the sensor's name.
    pub fn entity_name(&self, found: FoundSensor<'_>) -> String {
        let FoundSensor { record, index } = found;
        let name = record.name().unwrap_or_default();
        let entity = match record.entity() {
            Some(entity) if !entity.id.is_vague() => entity,
            _ => return name.to_owned(),
        };
        let sharing = match record {
            Record::Sensor(sensor) => sensor.sharing(),
            Record::EventOnly(sensor) => Some(&sensor.sharing),
            _ => None,
        };
        let text = entity.id.text();
        let several = self.several.contains(&entity.id.0);
        let (prefix, name) = if several {
            let step = match sharing {
                Some(sharing) if sharing.instance_increments => index,
                _ => 0,
            };
            let instance = Entity::shown_instance(entity.instance.saturating_add(step));
            (
                format!("{text} {instance}"),
                sharing.map_or_else(|| name.to_owned(), |sharing| sharing.name(name, index)),
            )
        } else {
            (text.to_owned(), name.to_owned())
        };
        if name.eq_ignore_ascii_case(&prefix) || name.eq_ignore_ascii_case(text) {
            name
        } else {
            format!("{prefix} {name}")
        }
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    fn records(bytes: &[&[u8]]) -> Vec<Record> {
        bytes
            .iter()
            .map(|bytes| Record::decode(bytes).unwrap())
            .collect()
    }

    /// Four memory modules in one record, the instance counting along.
    const SHARED_DIMM: &[u8] = &hex!(
        "3600 51 02 20 20 00 50 08 01 67 40 0c 6f 0000 0000 ff7f 00 00 00 04 81 00 00 00 00 00 00 c5 44494d4d20"
    );
    /// One fan, entity instance 61h.
    const FAN: &[u8] = &hex!(
        "0700 51 02 1e 20 00 60 1d 61 67 40 04 6f 0000 0000 ff7f 00 00 00 01 00 00 00 00 00 00 00 c3 46414e"
    );

    #[test]
    fn shared_sensors_count_on() {
        let records = records(&[SHARED_DIMM, FAN]);
        let directory = SensorDirectory::new(&records);
        let name = |owner, number| {
            directory
                .find(OwnerId(owner), SensorNumber(number))
                .map(|found| directory.entity_name(found))
        };
        assert_eq!(name(0x20, 0x50).as_deref(), Some("Memory Module 1 DIMM  1"));
        assert_eq!(name(0x20, 0x53).as_deref(), Some("Memory Module 4 DIMM  4"));
        assert_eq!(name(0x20, 0x54), None);
        assert_eq!(name(0x40, 0x51).as_deref(), Some("Memory Module 2 DIMM  2"));
        assert_eq!(name(0x2c, 0x51), None);
    }

    #[test]
    fn name_that_is_the_entity_stands_alone() {
        let records = records(&[FAN]);
        let directory = SensorDirectory::new(&records);
        let found = directory.find(OwnerId::BMC, SensorNumber(0x60)).unwrap();
        assert_eq!(directory.entity_name(found), "FAN");
    }
}
