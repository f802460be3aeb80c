//! Collector `self-test`: what the BMC's test of itself found.

use rmcp_ipmi::command::{GetSelfTestResults, SelfTest};

use super::metric::{SELF_TEST, SELF_TEST_FAULT};
use crate::collect::CollectError;
use crate::collect::asker::Asker;
use crate::collect::sample::Samples;

/// Values of the label `result`.
const RESULTS: [&str; 5] = [
    "passed",
    "not_implemented",
    "corrupted_or_inaccessible",
    "fatal",
    "device_specific",
];

/// Values of the label `fault`, in the order of [`SelfTest::FAULTS`].
const FAULTS: [&str; SelfTest::FAULTS.len()] = [
    "operational_firmware",
    "boot_block",
    "internal_use_area",
    "sdr_repository_empty",
    "ipmb",
    "fru_device",
    "sdr_repository",
    "sel",
];

pub(super) async fn collect(asker: &mut Asker<'_>) -> Result<Samples, CollectError> {
    Ok(samples(asker.ask(&GetSelfTestResults).await?))
}

fn samples(test: SelfTest) -> Samples {
    let result = match test {
        SelfTest::Passed => 0,
        SelfTest::NotImplemented => 1,
        SelfTest::Faults(_) => 2,
        SelfTest::Fatal(_) => 3,
        SelfTest::Specific(..) => 4,
    };
    let mut samples = Samples::default();
    samples.put_states(&SELF_TEST, "result", &RESULTS, |index| index == result);
    for (fault, name) in SelfTest::FAULTS.into_iter().zip(FAULTS) {
        if let Some(found) = test.has(fault) {
            samples.put_flag(&SELF_TEST_FAULT, vec![("fault", name.to_owned())], found);
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(test: SelfTest) -> Vec<String> {
        samples(test)
            .iter()
            .filter(|sample| sample.value > 0.0)
            .map(|sample| sample.labels[0].1.clone())
            .collect()
    }

    #[test]
    fn results_and_faults_have_words() {
        assert_eq!(set(SelfTest::Passed), ["passed"]);
        assert_eq!(samples(SelfTest::Passed).iter().count(), 13);
        assert_eq!(
            set(SelfTest::Faults(0x81)),
            ["corrupted_or_inaccessible", "operational_firmware", "sel"]
        );
        // What the detail means is the maker's secret.
        assert_eq!(set(SelfTest::Specific(0x60, 0xff)), ["device_specific"]);
        assert_eq!(samples(SelfTest::Fatal(1)).iter().count(), 5);
    }
}
