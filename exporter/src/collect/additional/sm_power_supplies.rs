//! Collector `sm-power-supplies`: supplies of some Supermicro boards.
//!
//! The BMC reads them from a bus on which other things live, so this is asked
//! only where a module names the collector, the board is known, and with fixed
//! bytes.

use rmcp_ipmi::command::oem::{SupermicroSupplies, SupplyGeneration};

use super::metric::SM_SUPPLY;
use crate::collect::CollectError;
use crate::collect::asker::{Asker, Kept};
use crate::collect::sample::Samples;

/// Both are in use on the known boards.
const GENERATIONS: [SupplyGeneration; 2] = [SupplyGeneration::Controller, SupplyGeneration::PmBus];

/// As what each supply answered; `None` for one that is not there, which is left
/// alone for a while.
#[derive(Default)]
pub(super) struct Cache([Kept<Option<SupplyGeneration>>; SupermicroSupplies::NUMBERS.len()]);

pub(super) async fn collect(
    asker: &mut Asker<'_>,
    cache: &mut Cache,
) -> Result<Samples, CollectError> {
    let mut samples = Samples::default();
    let Some(supplies) = SupermicroSupplies::of(&asker.identity) else {
        return Ok(samples);
    };
    for (number, kept) in SupermicroSupplies::NUMBERS.into_iter().zip(&mut cache.0) {
        let known = kept.get();
        let mut found = None;
        for generation in GENERATIONS {
            if known.is_some_and(|known| known != Some(generation)) {
                continue;
            }
            let Some(command) = supplies.status(generation, number) else {
                continue;
            };
            if let Some(is_good) = asker.ask_if_there(&command).await? {
                let labels = vec![("supply", number.to_string())];
                samples.put_flag(&SM_SUPPLY, labels, is_good);
                found = Some(generation);
                break;
            }
        }
        // One that answered before and does not now may be back next time.
        if known.is_none() {
            kept.keep(found);
        }
    }
    Ok(samples)
}
