//! Collector `power-on-hours`: for how long the machine has been on in all.

use rmcp_ipmi::command::GetPowerOnHours;

use super::metric::POWER_ON_SECONDS;
use crate::collect::CollectError;
use crate::collect::asker::Asker;
use crate::collect::sample::Samples;

#[expect(
    clippy::cast_precision_loss,
    reason = "46 bits at most, and floats are exact up to 53"
)]
pub(super) async fn collect(asker: &mut Asker<'_>) -> Result<Samples, CollectError> {
    let time = asker.ask(&GetPowerOnHours).await?;
    let mut samples = Samples::default();
    samples.put(&POWER_ON_SECONDS, time.seconds() as f64);
    Ok(samples)
}
