//! Collector `thresholds`: beyond which values the sensors complain, as their
//! records say.

use std::collections::HashMap;

use rmcp_ipmi::sdr::Record;
use rmcp_ipmi::sensor::{Threshold, Thresholds};

use super::Known;
use super::metric::THRESHOLD;
use crate::collect::sample::Samples;

/// Costs no request but those for the records.
pub(super) fn collect(known: &Known<'_>) -> Samples {
    let mut samples = Samples::default();
    let (Some(table), Some(records)) = (&known.table, known.records) else {
        return samples;
    };
    let mut thresholds: HashMap<String, Thresholds> = HashMap::new();
    for record in records.decoded() {
        if let Record::Sensor(sensor) = record
            && sensor.is_threshold()
        {
            // As in the table, the first of a number counts.
            thresholds
                .entry(sensor.record_id.to_string())
                .or_insert_with(|| sensor.thresholds());
        }
    }
    for entry in table.entries() {
        let identity = entry.identity();
        let Some(found) = thresholds.get(&identity.id) else {
            continue;
        };
        for threshold in Threshold::ALL {
            let Some(value) = found.get(threshold) else {
                continue;
            };
            let labels = vec![
                ("id", identity.id.clone()),
                ("name", identity.name.clone()),
                ("threshold", word(threshold).to_owned()),
                ("type", identity.kind.to_owned()),
            ];
            samples.put_with(&THRESHOLD, labels, entry.in_family_unit(value));
        }
    }
    samples
}

/// Values of the label `threshold`.
fn word(threshold: Threshold) -> &'static str {
    match threshold {
        Threshold::LowerNonCritical => "lower_non_critical",
        Threshold::LowerCritical => "lower_critical",
        Threshold::LowerNonRecoverable => "lower_non_recoverable",
        Threshold::UpperNonCritical => "upper_non_critical",
        Threshold::UpperCritical => "upper_critical",
        Threshold::UpperNonRecoverable => "upper_non_recoverable",
    }
}
