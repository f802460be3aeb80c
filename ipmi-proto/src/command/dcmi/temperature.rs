//! Temperatures, eight at a time and without sensor records.

use super::{GROUP, check_group};
use crate::command::Command;
use crate::sdr::EntityId;
use crate::wire::{DecodeError, NetFn, Reader};

/// Get Temperature Readings (DCMI 1.5 section 6.7.3), one page of all instances.
#[derive(Clone, Copy, Debug)]
pub struct GetTemperatures {
    /// Of what.
    pub entity: EntityId,
    /// The first instance that is wanted; 0 and 1 are the beginning.
    pub start: u8,
}

/// The places whose temperatures DCMI knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DcmiEntity {
    /// Where air comes in.
    Inlet,
    /// Processors.
    Cpu,
    /// The system board.
    Baseboard,
}

impl DcmiEntity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Inlet, Self::Cpu, Self::Baseboard];

    /// By which entity ids BMCs know the place: DCMI's own first, then that of
    /// IPMI (DCMI 1.5 table 6-22, IPMI 2.0 table 43-13).
    pub const fn ids(self) -> [EntityId; 2] {
        match self {
            Self::Inlet => [EntityId(0x40), EntityId(0x37)],
            Self::Cpu => [EntityId(0x41), EntityId(0x03)],
            Self::Baseboard => [EntityId(0x42), EntityId(0x07)],
        }
    }
}

/// One page of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemperaturePage {
    /// How many instances there are in all.
    pub total: u8,
    /// At most eight of them.
    pub readings: Vec<InstanceTemperature>,
}

/// The temperature of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InstanceTemperature {
    /// Which one, from 1.
    pub instance: u8,
    /// Degrees Celsius, -127 to 127.
    pub celsius: i8,
}

impl GetTemperatures {
    /// Readings in one answer.
    pub const PAGE: usize = 8;
}

impl Command for GetTemperatures {
    type Response = TemperaturePage;
    const NET_FN: NetFn = NetFn::GROUP_EXTENSION;
    const COMMAND: u8 = 0x10;

    fn encode(&self, data: &mut Vec<u8>) {
        const TEMPERATURE: u8 = 0x01;
        const ALL_INSTANCES: u8 = 0x00;
        data.extend_from_slice(&[GROUP, TEMPERATURE, self.entity.0, ALL_INSTANCES, self.start]);
    }

    /// Gives the readings that arrived, however many the BMC says it sent.
    fn decode(&self, data: &[u8]) -> Result<TemperaturePage, DecodeError> {
        let mut reader = Reader::new(data);
        check_group(&mut reader)?;
        let total = reader.u8("number of instances")?;
        let count = usize::from(reader.u8("number of readings")?).min(Self::PAGE);
        let mut readings = Vec::with_capacity(count);
        while readings.len() < count
            && let Ok([value, instance]) = reader.array("temperature")
        {
            // A sign and a magnitude.
            let magnitude = (value & 0x7f).cast_signed();
            readings.push(InstanceTemperature {
                instance,
                celsius: if value & 0x80 == 0 {
                    magnitude
                } else {
                    -magnitude
                },
            });
        }
        Ok(TemperaturePage { total, readings })
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;
    use proptest::prelude::*;

    use super::*;

    const COMMAND: GetTemperatures = GetTemperatures {
        entity: EntityId(0x41),
        start: 9,
    };

    fn pairs(page: &TemperaturePage) -> Vec<(u8, i8)> {
        page.readings
            .iter()
            .map(|reading| (reading.instance, reading.celsius))
            .collect()
    }

    #[test]
    fn the_request_names_the_first_instance() {
        let mut data = Vec::new();
        COMMAND.encode(&mut data);
        assert_eq!(data, hex!("dc 01 41 00 09"));
    }

    #[test]
    fn temperatures_have_a_sign() {
        let page = COMMAND.decode(&hex!("dc 03 03 2d01 8502 8003")).unwrap();
        assert_eq!(page.total, 3);
        assert_eq!(pairs(&page), [(1, 45), (2, -5), (3, 0)]);
    }

    #[test]
    fn counts_do_not_make_readings() {
        let page = COMMAND.decode(&hex!("dc ff ff 2d01 2e")).unwrap();
        assert_eq!(pairs(&page), [(1, 45)]);
        let page = COMMAND.decode(&hex!("dc 02 01 2d01 2e02 ffff")).unwrap();
        assert_eq!(pairs(&page), [(1, 45)]);
        assert!(COMMAND.decode(&hex!("dc 00")).is_err());
        assert!(COMMAND.decode(&hex!("00 00 00")).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_answers_give_at_most_a_page(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(page) = COMMAND.decode(&data) {
                prop_assert!(page.readings.len() <= GetTemperatures::PAGE);
            }
        }
    }
}
