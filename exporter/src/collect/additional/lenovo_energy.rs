//! Collector `lenovo-energy`: energy counters of Lenovo's and IBM's BMCs.

use rmcp_ipmi::Error;
use rmcp_ipmi::command::oem::{
    EnergyMeter, FindEnergyMeter, GetEnergy, LenovoIana, Meter, manufacturer,
};

use super::metric::LENOVO_ENERGY;
use crate::collect::CollectError;
use crate::collect::asker::{Asker, Kept};
use crate::collect::sample::Samples;

/// Which module counts.
pub(super) type Cache = Kept<EnergyMeter>;

const MILLIJOULES: f64 = 1000.0;

pub(super) async fn collect(
    asker: &mut Asker<'_>,
    meter: &mut Cache,
) -> Result<Samples, CollectError> {
    let mut samples = Samples::default();
    if !matches!(
        asker.identity.manufacturer,
        manufacturer::LENOVO | manufacturer::IBM
    ) {
        return Ok(samples);
    }
    let meter = match meter.get() {
        Some(known) => known,
        None => meter.keep(find(asker).await?),
    };
    let dc = GetEnergy {
        meter,
        side: Meter::Dc,
    };
    put(&mut samples, "dc", asker.ask(&dc).await?);
    // Not all machines count what they take.
    let ac = GetEnergy {
        meter,
        side: Meter::Ac,
    };
    if let Some(energy) = asker.ask_if_there(&ac).await? {
        put(&mut samples, "ac", energy);
    }
    Ok(samples)
}

async fn find(asker: &mut Asker<'_>) -> Result<EnergyMeter, CollectError> {
    let [newer, older] = LenovoIana::ALL;
    match asker.ask(&FindEnergyMeter(newer)).await {
        Err(CollectError::NotSupported(_) | CollectError::Ipmi(Error::Completion(_))) => {
            asker.ask(&FindEnergyMeter(older)).await
        }
        result => result,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "millijoules fit exactly until 2^53, which is 100 years of 2.8 MW"
)]
fn put(samples: &mut Samples, side: &str, millijoules: u64) {
    // What counts nothing is no counter.
    if millijoules != 0 {
        let labels = vec![("side", side.to_owned())];
        samples.put_with(&LENOVO_ENERGY, labels, millijoules as f64 / MILLIJOULES);
    }
}
