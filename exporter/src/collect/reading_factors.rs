//! Factors of sensors whose conversion differs from reading to reading: asked
//! once for each raw reading, and kept for good, since they are a table in the
//! firmware.

use std::collections::HashMap;
use std::time::Instant;

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{Command, GetSensorReadingFactors};
use rmcp_ipmi::sdr::SensorPlace;
use rmcp_ipmi::sensor::ReadingFactors;

use crate::bmc::Bmc;

/// Most factors that are kept of one BMC: all readings of sixteen sensors.
const MAX_KNOWN: usize = 4096;
/// How many times a sensor that gives no factors is left alone, before it is asked
/// again.
const RESTS: u8 = 50;

/// See the [module documentation](self).
#[derive(Default)]
pub(super) struct Factors {
    known: HashMap<(SensorPlace, u8), ReadingFactors>,
    /// Sensors that give none, and how often they are still left alone.
    refused: HashMap<SensorPlace, u8>,
    reply: Vec<u8>,
}

impl Factors {
    /// Forgets everything: the firmware may be another one.
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.refused.clear();
    }

    /// The factors for one raw reading; `None` when the sensor gives none.
    ///
    /// # Errors
    /// When the BMC cannot be asked, or not in time.
    pub(super) async fn get(
        &mut self,
        bmc: &mut Bmc,
        place: SensorPlace,
        raw: u8,
        deadline: Instant,
    ) -> Result<Option<ReadingFactors>, Error> {
        if let Some(factors) = self.known.get(&(place, raw)) {
            return Ok(Some(*factors));
        }
        if let Some(rests) = self.refused.get_mut(&place) {
            *rests = rests.saturating_sub(1);
            if *rests > 0 {
                return Ok(None);
            }
        }
        let command = GetSensorReadingFactors {
            lun: place.lun,
            number: place.number,
            raw,
        };
        let key = (
            GetSensorReadingFactors::NET_FN,
            place.lun,
            GetSensorReadingFactors::COMMAND,
        );
        let data = [place.number.0, raw];
        let asked = bmc
            .call_bytes_at(place.route, key, &data, deadline, &mut self.reply)
            .await;
        let factors = match asked {
            Ok(code) if code.is_ok() => command.decode(&self.reply).ok(),
            Ok(_) => None,
            Err(Error::Silent { .. }) if bmc.is_open() => None,
            Err(Error::Relay(_) | Error::SatelliteSilent { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        match factors {
            Some(factors) => {
                if self.known.len() >= MAX_KNOWN {
                    self.known.clear();
                }
                self.refused.remove(&place);
                self.known.insert((place, raw), factors);
            }
            None => {
                self.refused.insert(place, RESTS);
            }
        }
        Ok(factors)
    }
}
