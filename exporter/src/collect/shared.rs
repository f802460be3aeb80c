//! What several BMCs have alike is kept once: a fleet is thousands of machines of
//! a few models, whose records are the same to the byte.
//!
//! Nothing is kept here for its own sake: who was the last to use it takes it along.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rmcp_ipmi::sdr::RawRecord;

use super::sensor_table::{SensorTable, TableOptions};

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Shared {
    hasher: RandomState,
    records: Mutex<ByKey<Weak<[RawRecord]>>>,
    /// By the place of the records in memory, which nothing else takes while they
    /// are known here.
    tables: Mutex<ByKey<KnownTable>>,
}

#[derive(Debug)]
struct KnownTable {
    records: Weak<[RawRecord]>,
    options: TableOptions,
    table: Weak<SensorTable>,
}

/// Values that may be gone, a few under each key.
#[derive(Debug)]
struct ByKey<V> {
    values: HashMap<u64, Vec<V>>,
    /// With so many keys it is time to look for those whose values are gone.
    sweep_at: usize,
}

impl<V> Default for ByKey<V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            sweep_at: 64,
        }
    }
}

impl<V> ByKey<V> {
    fn get(&self, key: u64) -> &[V] {
        self.values.get(&key).map_or(&[], Vec::as_slice)
    }

    fn insert(&mut self, key: u64, value: V, is_alive: impl Fn(&V) -> bool) {
        if self.values.len() >= self.sweep_at {
            self.values.retain(|_, values| {
                values.retain(&is_alive);
                !values.is_empty()
            });
            self.sweep_at = (self.values.len() * 2).max(64);
        }
        let values = self.values.entry(key).or_default();
        values.retain(&is_alive);
        values.push(value);
    }
}

impl Shared {
    /// The same records, in one place for all who have them.
    pub(super) fn records(&self, records: Vec<RawRecord>) -> Arc<[RawRecord]> {
        let key = self.key_of(&records);
        let mut known = lock(&self.records);
        let same = known
            .get(key)
            .iter()
            .filter_map(Weak::upgrade)
            .find(|known| **known == *records);
        same.unwrap_or_else(|| {
            let records: Arc<[RawRecord]> = records.into();
            known.insert(key, Arc::downgrade(&records), |known| {
                known.strong_count() > 0
            });
            records
        })
    }

    /// The table that `make` makes of these records and choices, or has made before.
    pub(super) fn table(
        &self,
        records: &Arc<[RawRecord]>,
        options: &TableOptions,
        make: impl FnOnce() -> SensorTable,
    ) -> Arc<SensorTable> {
        let key = records.as_ptr() as usize as u64;
        let records = Arc::downgrade(records);
        let find = |tables: &ByKey<KnownTable>| {
            tables
                .get(key)
                .iter()
                .filter(|known| known.records.ptr_eq(&records) && known.options == *options)
                .find_map(|known| known.table.upgrade())
        };
        if let Some(table) = find(&lock(&self.tables)) {
            return table;
        }
        // Without the lock: it takes a while.
        let made = Arc::new(make());
        let mut tables = lock(&self.tables);
        find(&tables).unwrap_or_else(|| {
            let known = KnownTable {
                records: Weak::clone(&records),
                options: options.clone(),
                table: Arc::downgrade(&made),
            };
            tables.insert(key, known, |known| known.table.strong_count() > 0);
            made
        })
    }

    fn key_of(&self, records: &[RawRecord]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for record in records {
            hasher.write_u16(record.requested.0);
            hasher.write_usize(record.bytes.len());
            hasher.write(&record.bytes);
        }
        hasher.finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic leaves anything half-done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use rmcp_ipmi::sdr::RecordId;

    use super::*;
    use crate::config::Module;

    fn records(last: u8) -> Vec<RawRecord> {
        [1, 2, last]
            .map(|id| RawRecord {
                requested: RecordId(id.into()),
                bytes: vec![id, 0, 0x51, 0xc0, 0].into(),
            })
            .into()
    }

    #[test]
    fn the_same_records_are_kept_once_and_others_are_not_mixed_up() {
        let shared = Shared::default();
        let first = shared.records(records(3));
        assert!(Arc::ptr_eq(&first, &shared.records(records(3))));
        let other = shared.records(records(4));
        assert_eq!(*other, *records(4));
        drop((first, other));
        assert_eq!(*shared.records(records(3)), *records(3));
    }

    #[test]
    fn a_table_is_made_once_for_the_same_records_and_choices() {
        let shared = Shared::default();
        let kept = shared.records(records(3));
        let options = TableOptions::of(&Module::builtin(), 100);
        let table = shared.table(&kept, &options, SensorTable::default);
        let again = shared.table(&kept, &options, || panic!("it is there"));
        assert!(Arc::ptr_eq(&table, &again));
        let others = TableOptions::of(&Module::builtin(), 99);
        let other = shared.table(&kept, &others, SensorTable::default);
        assert!(!Arc::ptr_eq(&table, &other));
        let elsewhere = shared.records(records(4));
        let other = shared.table(&elsewhere, &options, SensorTable::default);
        assert!(!Arc::ptr_eq(&table, &other));
    }

    #[test]
    fn nothing_is_kept_that_nobody_uses() {
        let shared = Shared::default();
        for id in 0..=255 {
            drop(shared.records(records(id)));
        }
        assert!(lock(&shared.records).values.len() <= 64);
    }
}
