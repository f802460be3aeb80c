//! Collector `thresholds`: beyond which values the sensors complain.

use rmcp_ipmi::sensor::Threshold;

use super::metric::{THRESHOLD, THRESHOLDS_LIVE};
use crate::collect::sample::Samples;
use crate::collect::{SensorTable, SensorThresholds};

/// What is told of the thresholds of the sensors in `table`.
pub(in crate::collect) fn samples(table: &SensorTable, found: &[SensorThresholds]) -> Samples {
    let mut samples = Samples::default();
    for thresholds in found {
        let Some(entry) = table.entries().get(thresholds.index) else {
            continue;
        };
        let identity = entry.identity();
        let labels = || {
            vec![
                ("id", identity.id.clone()),
                ("name", identity.name.clone()),
                ("type", identity.kind.to_owned()),
            ]
        };
        let mut has_any = false;
        for threshold in Threshold::ALL {
            let Some(value) = thresholds.values.get(threshold) else {
                continue;
            };
            let mut labels = labels();
            labels.push(("threshold", word(threshold).to_owned()));
            samples.put_with(&THRESHOLD, labels, entry.in_family_unit(value));
            has_any = true;
        }
        if has_any {
            samples.put_flag(&THRESHOLDS_LIVE, labels(), thresholds.is_live);
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
