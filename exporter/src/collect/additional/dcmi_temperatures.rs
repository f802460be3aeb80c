//! Collector `dcmi-temperatures`: the temperatures that matter most, eight for
//! a request and without sensor records.

use rmcp_ipmi::Error;
use rmcp_ipmi::command::{DcmiEntity, GetTemperatures, InstanceTemperature};
use rmcp_ipmi::sdr::EntityId;

use super::metric::DCMI_TEMPERATURE;
use crate::collect::CollectError;
use crate::collect::asker::Asker;
use crate::collect::sample::Samples;

/// Instances have numbers of one byte.
const MAX_PAGES: usize = 256 / GetTemperatures::PAGE;

/// By which id each place answered; the other one is then not tried.
#[derive(Default)]
pub(super) struct Cache([Option<EntityId>; DcmiEntity::ALL.len()]);

pub(super) async fn collect(
    asker: &mut Asker<'_>,
    cache: &mut Cache,
) -> Result<Samples, CollectError> {
    let mut samples = Samples::default();
    let mut refusal = None;
    let mut answered = false;
    for (place, working) in DcmiEntity::ALL.into_iter().zip(&mut cache.0) {
        let ids = place.ids();
        let known = working.as_slice();
        let candidates = if known.is_empty() { &ids[..] } else { known };
        let mut found = None;
        for id in candidates {
            match read(asker, *id).await {
                Ok(readings) => {
                    answered = true;
                    if !readings.is_empty() {
                        found = Some((*id, readings));
                        break;
                    }
                }
                Err(error @ CollectError::NotSupported(_)) => refusal = Some(error),
                Err(CollectError::Ipmi(error @ (Error::Completion(_) | Error::Malformed(_)))) => {
                    refusal = Some(error.into());
                }
                Err(error) => return Err(error),
            }
        }
        *working = found.as_ref().map(|(id, _)| *id);
        for reading in found.into_iter().flat_map(|(_, readings)| readings) {
            let labels = vec![
                ("entity", word(place).to_owned()),
                ("instance", reading.instance.to_string()),
            ];
            samples.put_with(&DCMI_TEMPERATURE, labels, f64::from(reading.celsius));
        }
    }
    match refusal {
        Some(error) if !answered => Err(error),
        _ => Ok(samples),
    }
}

/// Values of the label `entity`.
fn word(place: DcmiEntity) -> &'static str {
    match place {
        DcmiEntity::Inlet => "inlet",
        DcmiEntity::Cpu => "cpu",
        DcmiEntity::Baseboard => "baseboard",
    }
}

/// All instances. Ends where the BMC gives the same page again, as some do for
/// every start.
async fn read(
    asker: &mut Asker<'_>,
    entity: EntityId,
) -> Result<Vec<InstanceTemperature>, CollectError> {
    let mut readings: Vec<InstanceTemperature> = Vec::new();
    let mut start = 0;
    for _ in 0..MAX_PAGES {
        let page = match asker.ask(&GetTemperatures { entity, start }).await {
            Ok(page) => page,
            // What was read before is no less true.
            Err(CollectError::NotSupported(_) | CollectError::Ipmi(Error::Completion(_)))
                if !readings.is_empty() =>
            {
                break;
            }
            Err(error) => return Err(error),
        };
        let before = readings.len();
        for reading in page.readings {
            if readings
                .iter()
                .all(|known| known.instance != reading.instance)
            {
                readings.push(reading);
            }
        }
        let is_new = readings.len() > before;
        let last = readings.iter().map(|reading| reading.instance).max();
        match last.and_then(|last| last.checked_add(1)) {
            Some(next) if is_new && readings.len() < usize::from(page.total) => start = next,
            _ => break,
        }
    }
    Ok(readings)
}
