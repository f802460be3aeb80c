//! Collector `dcmi-statistics`: power over a period, and the limit.

use rmcp_ipmi::command::{
    Command, GetDcmiCapabilities, GetPowerLimit, GetPowerReading, PowerLimit, PowerReading,
};

use super::metric::{
    DCMI_INFO, DCMI_LIMIT, DCMI_LIMIT_ACTIVE, DCMI_LIMIT_CORRECTION, DCMI_LIMIT_SAMPLING,
    DCMI_POWER_AVERAGE, DCMI_POWER_MAXIMUM, DCMI_POWER_MINIMUM, DCMI_POWER_PERIOD,
};
use crate::collect::CollectError;
use crate::collect::asker::{Asker, Kept};
use crate::collect::sample::Samples;

const MILLISECONDS: f64 = 1000.0;

/// What the BMC says about its abilities is told and not believed: it is wrong
/// either way on some boards.
pub(super) async fn collect(
    asker: &mut Asker<'_>,
    power_was_on: Option<bool>,
    capabilities: &mut Kept<Samples>,
) -> Result<Samples, CollectError> {
    let reading = asker.ask(&GetPowerReading).await?;
    let mut samples = reading_samples(&reading, power_was_on);
    if let Some((limit, is_active)) = limit(asker).await? {
        samples.append(limit_samples(&limit, is_active));
    }
    let capabilities = match capabilities.get() {
        Some(known) => known,
        None => capabilities.keep(ask_capabilities(asker).await?),
    };
    samples.append(capabilities);
    Ok(samples)
}

async fn ask_capabilities(asker: &mut Asker<'_>) -> Result<Samples, CollectError> {
    let mut samples = Samples::default();
    if let Some(found) = asker.ask_if_there(&GetDcmiCapabilities).await? {
        let (major, minor) = found.version;
        let power = match found.power_management {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let labels = vec![
            ("power_management", power.to_owned()),
            ("version", format!("{major}.{minor}")),
        ];
        samples.put_with(&DCMI_INFO, labels, 1.0);
    }
    Ok(samples)
}

/// The limit and whether it is in force. Many BMCs send it also when they say
/// that it is not.
async fn limit(asker: &mut Asker<'_>) -> Result<Option<(PowerLimit, bool)>, CollectError> {
    let (code, data) = match asker.ask_bytes(&GetPowerLimit).await {
        Ok(answer) => answer,
        Err(CollectError::NotSupported(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    if !code.is_ok() && code != GetPowerLimit::NOT_ACTIVE {
        return Ok(None);
    }
    let limit = GetPowerLimit.decode(&data).ok();
    Ok(limit.map(|limit| (limit, code.is_ok())))
}

fn reading_samples(reading: &PowerReading, power_was_on: Option<bool>) -> Samples {
    let mut samples = Samples::default();
    // A machine that is on and draws nothing is a meter that does not measure.
    let is_hollow = reading.current_watts == 0 && power_was_on == Some(true);
    if !reading.is_active || is_hollow {
        return samples;
    }
    for (metric, watts) in [
        (&DCMI_POWER_MINIMUM, reading.minimum_watts),
        (&DCMI_POWER_MAXIMUM, reading.maximum_watts),
        (&DCMI_POWER_AVERAGE, reading.average_watts),
    ] {
        samples.put(metric, f64::from(watts));
    }
    samples.put(
        &DCMI_POWER_PERIOD,
        f64::from(reading.period_ms) / MILLISECONDS,
    );
    samples
}

fn limit_samples(limit: &PowerLimit, is_active: bool) -> Samples {
    let mut samples = Samples::default();
    samples.put_flag(&DCMI_LIMIT_ACTIVE, Vec::new(), is_active);
    samples.put(&DCMI_LIMIT, f64::from(limit.watts));
    samples.put(
        &DCMI_LIMIT_CORRECTION,
        f64::from(limit.correction_ms) / MILLISECONDS,
    );
    samples.put(&DCMI_LIMIT_SAMPLING, f64::from(limit.sampling_seconds));
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: PowerReading = PowerReading {
        current_watts: 221,
        minimum_watts: 213,
        maximum_watts: 487,
        average_watts: 222,
        timestamp: 0,
        period_ms: 300_000,
        is_active: true,
    };

    fn values(reading: &PowerReading, power_was_on: Option<bool>) -> Vec<f64> {
        reading_samples(reading, power_was_on)
            .iter()
            .map(|sample| sample.value)
            .collect()
    }

    #[test]
    fn a_meter_that_does_not_measure_tells_nothing() {
        // As an HP ProLiant DL360 Gen9 answers.
        assert_eq!(values(&READING, None), [213.0, 487.0, 222.0, 300.0]);
        let idle = PowerReading {
            is_active: false,
            ..READING
        };
        assert!(values(&idle, None).is_empty());
        let hollow = PowerReading {
            current_watts: 0,
            ..READING
        };
        assert!(values(&hollow, Some(true)).is_empty());
        assert_eq!(values(&hollow, Some(false)).len(), 4);
    }
}
