//! Collector `dell-power`: what Dell's BMCs measure beside DCMI.

use rmcp_ipmi::command::oem::{
    DellEnergy, GetDellEnergy, GetDellHeadroom, GetDellPower, manufacturer,
};
use rmcp_ipmi::sel::Timestamp;

use super::metric::{
    DELL_CURRENT, DELL_ENERGY, DELL_ENERGY_SINCE, DELL_HEADROOM, DELL_PEAK_CURRENT,
    DELL_PEAK_CURRENT_AT, DELL_PEAK_POWER, DELL_PEAK_POWER_AT, DELL_POWER,
};
use crate::collect::CollectError;
use crate::collect::asker::Asker;
use crate::collect::sample::{Metric, Samples};

const JOULES_PER_WATT_HOUR: f64 = 3600.0;
/// Currents come in tenths of amperes.
const TENTHS: f64 = 10.0;

pub(super) async fn collect(asker: &mut Asker<'_>) -> Result<Samples, CollectError> {
    let mut samples = Samples::default();
    if asker.identity.manufacturer != manufacturer::DELL {
        return Ok(samples);
    }
    let power = asker.ask(&GetDellPower).await?;
    samples.put(&DELL_POWER, f64::from(power.watts));
    samples.put(&DELL_CURRENT, f64::from(power.deciamperes) / TENTHS);
    if let Some(energy) = asker.ask_if_there(&GetDellEnergy).await? {
        samples.append(energy_samples(&energy));
    }
    if let Some(room) = asker.ask_if_there(&GetDellHeadroom).await? {
        for (against, watts) in [
            ("instantaneous", room.instantaneous_watts),
            ("peak", room.peak_watts),
        ] {
            let labels = vec![("against", against.to_owned())];
            samples.put_with(&DELL_HEADROOM, labels, f64::from(watts));
        }
    }
    Ok(samples)
}

fn energy_samples(energy: &DellEnergy) -> Samples {
    let mut samples = Samples::default();
    let mut put_time = |metric: &'static Metric, time: u32| {
        if let Some(seconds) = Timestamp(time).unix_seconds() {
            samples.put(metric, f64::from(seconds));
        }
    };
    put_time(&DELL_ENERGY_SINCE, energy.since);
    put_time(&DELL_PEAK_CURRENT_AT, energy.current.at);
    put_time(&DELL_PEAK_POWER_AT, energy.power.at);
    samples.put(
        &DELL_ENERGY,
        f64::from(energy.watt_hours) * JOULES_PER_WATT_HOUR,
    );
    samples.put(&DELL_PEAK_CURRENT, f64::from(energy.current.value) / TENTHS);
    samples.put(&DELL_PEAK_POWER, f64::from(energy.power.value));
    samples
}
