//! The thresholds that sensors work with now, asked for rarely: a record has those
//! that they started with, and an operator may have changed them since.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{Command, GetSensorThresholds};
use rmcp_ipmi::sdr::SensorPlace;
use rmcp_ipmi::sensor::{RawThresholds, StateBits, Thresholds};

use super::sensor_table::{SensorEntry, SensorTable};
use super::{CollectError, Collection};
use crate::bmc::Bmc;

/// For how long live thresholds are believed while the sensor's state stays.
const FRESH: Duration = Duration::from_secs(3600);
/// Most requests in one collection: a scrape is never delayed by more.
const PER_COLLECTION: usize = 16;

/// Thresholds of one sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensorThresholds {
    /// Index into the table.
    pub index: usize,
    /// In the sensor's own unit.
    pub values: Thresholds,
    /// Whether the sensor works with them now; else it started with them, and has
    /// not been asked yet or does not tell.
    pub is_live: bool,
}

/// Raw thresholds and which of them are known, by bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) raw: RawThresholds,
    pub(super) mask: u8,
    pub(super) is_live: bool,
}

/// What was asked of one sensor.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Instant,
    /// `None`: the BMC does not tell.
    answer: Option<(u8, RawThresholds)>,
}

/// One entry for each sensor. Every reading is looked up, and there are never more
/// than the table has: a hash that resists whoever chooses the keys costs more than
/// the worst that a BMC can do with a simple one.
type ByPlace<V> = HashMap<SensorPlace, V, BuildHasherDefault<PlaceHasher>>;

/// Multiplies and turns, for keys of a few small numbers.
#[derive(Default)]
struct PlaceHasher(u64);

impl Hasher for PlaceHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_isize(&mut self, number: isize) {
        #[expect(clippy::cast_sign_loss, reason = "only its bits matter")]
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        // The table looks at the highest and at the lowest bits.
        self.0 ^ (self.0 >> 32)
    }
}

/// See the [module documentation](self).
#[derive(Default)]
pub(super) struct Cache {
    asked: ByPlace<Asked>,
    /// Comparison bits that each sensor reported last.
    states: ByPlace<u8>,
    reply: Vec<u8>,
}

impl Cache {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.asked.clear();
        self.states.clear();
    }

    /// Takes note of a reading: when its comparison bits change, thresholds may
    /// have, and are asked for again.
    pub(super) fn note_states(&mut self, entry: &SensorEntry, states: StateBits) {
        if entry.thresholds.is_none() {
            return;
        }
        let before = self.states.insert(entry.place, states.comparison());
        if before.is_some_and(|before| before != states.comparison()) {
            self.asked.remove(&entry.place);
        }
    }

    /// What is known of a sensor's thresholds: live, or else from the record.
    /// `None` for sensors whose thresholds cannot be read.
    pub(super) fn known(&self, entry: &SensorEntry) -> Option<Known> {
        let record = entry.thresholds.as_ref()?;
        let live = self.asked.get(&entry.place).and_then(|asked| asked.answer);
        Some(match live {
            Some((mask, raw)) => Known {
                raw,
                mask,
                is_live: true,
            },
            None => Known {
                raw: record.raw,
                mask: record.readable,
                is_live: false,
            },
        })
    }

    /// The thresholds of all sensors of `table` that have readable ones.
    pub(super) fn all(&self, table: &SensorTable) -> Vec<SensorThresholds> {
        let entries = table.entries().iter().enumerate();
        entries
            .filter_map(|(index, entry)| {
                let known = self.known(entry)?;
                let conversion = entry.conversion.as_ref()?;
                Some(SensorThresholds {
                    index,
                    values: known.raw.convert(conversion, known.mask),
                    is_live: known.is_live,
                })
            })
            .collect()
    }

    /// Asks for some of those that are due: never asked ones first, then the oldest.
    /// What the deadline cuts off is asked for next time.
    ///
    /// # Errors
    /// When the BMC cannot be asked at all.
    pub(super) async fn refresh(
        &mut self,
        bmc: &mut Bmc,
        job: &Collection,
        table: &SensorTable,
    ) -> Result<(), CollectError> {
        let mut due: Vec<(Option<Instant>, SensorPlace)> = table
            .entries()
            .iter()
            .filter(|entry| entry.thresholds.is_some())
            .map(|entry| {
                let asked = self.asked.get(&entry.place);
                (asked.map(|asked| asked.at), entry.place)
            })
            .filter(|(at, _)| at.is_none_or(|at| at.elapsed() >= FRESH))
            .collect();
        due.sort_unstable();
        for (_, place) in due.into_iter().take(PER_COLLECTION) {
            if Instant::now() >= job.deadline() {
                break;
            }
            let answer = match self.ask(bmc, place, job.deadline()).await {
                Ok(answer) => answer,
                Err(Error::Deadline { .. }) => break,
                Err(error) if bmc.is_open() => {
                    tracing::debug!(?place, %error, "No thresholds");
                    None
                }
                Err(error) => return Err(error.into()),
            };
            let at = Instant::now();
            self.asked.insert(place, Asked { at, answer });
        }
        Ok(())
    }

    async fn ask(
        &mut self,
        bmc: &mut Bmc,
        place: SensorPlace,
        deadline: Instant,
    ) -> Result<Option<(u8, RawThresholds)>, Error> {
        let command = GetSensorThresholds {
            lun: place.lun,
            number: place.number,
        };
        let key = (
            GetSensorThresholds::NET_FN,
            place.lun,
            GetSensorThresholds::COMMAND,
        );
        let code = bmc
            .call_bytes_at(
                place.route,
                key,
                &[place.number.0],
                deadline,
                &mut self.reply,
            )
            .await?;
        let answer = code.is_ok().then(|| command.decode(&self.reply).ok());
        Ok(answer.flatten())
    }
}
