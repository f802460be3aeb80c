//! Collector `lenovo-fpc-power`: power of a NeXtScale enclosure, as its fan and
//! power controller measures it.

use rmcp_ipmi::command::DeviceId;
use rmcp_ipmi::command::oem::{GetFpcPower, manufacturer};

use super::metric::LENOVO_FPC_POWER;
use crate::collect::CollectError;
use crate::collect::asker::Asker;
use crate::collect::sample::Samples;

const CENTIWATTS: f64 = 100.0;

/// Controllers that are one, by manufacturer, device id and product.
const CONTROLLERS: [(u32, u8, u16); 2] = [
    (manufacturer::LENOVO, 32, 1063),
    (manufacturer::IBM, 32, 462),
];

pub(super) async fn collect(asker: &mut Asker<'_>) -> Result<Samples, CollectError> {
    let mut samples = Samples::default();
    if !is_controller(&asker.identity) {
        return Ok(samples);
    }
    for what in GetFpcPower::ALL {
        let power = asker.ask(&what).await?;
        let labels = vec![("part", word(what).to_owned())];
        samples.put_with(
            &LENOVO_FPC_POWER,
            labels,
            f64::from(power.centiwatts) / CENTIWATTS,
        );
    }
    Ok(samples)
}

fn is_controller(identity: &DeviceId) -> bool {
    CONTROLLERS.contains(&(identity.manufacturer, identity.device_id, identity.product))
}

/// Values of the label `part`.
fn word(what: GetFpcPower) -> &'static str {
    match what {
        GetFpcPower::AcInput => "ac_input",
        GetFpcPower::DcOutput => "dc_output",
        GetFpcPower::Fans => "fans",
    }
}
