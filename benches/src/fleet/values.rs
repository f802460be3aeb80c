//! Scrapes of machines whose values move, held against the serve-log.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::Builder;

use super::client::Client;
use super::driver::{self, Truth};
use super::figures::Values;
use super::simulator::Fleet;
use super::subject::Subject;

const TIMEOUT: Duration = Duration::from_secs(30);

/// What all BMCs of a fleet of machines that stand still say, by the serve-log.
///
/// # Errors
/// When a scrape or the log fails.
pub(super) fn truth(subject: &Subject, fleet: &Fleet) -> Result<Truth> {
    let first = &fleet.addresses()[..1];
    let nothing = std::sync::Arc::new(Truth::new());
    let scrapes = driver::at_once(subject, first, 1, TIMEOUT, &nothing)?;
    anyhow::ensure!(
        scrapes.iter().all(|scrape| scrape.complete),
        "the first scrape of {} is not complete:\n{}",
        first[0],
        subject.log()
    );
    let served = fleet.served()?.into_iter();
    Ok(served
        .filter_map(|served| Some((served.name?, served.value?)))
        .collect())
}

/// Scrapes each BMC so many times, and looks every value up in the serve-log.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn compare(subject: &Subject, fleet: &Fleet, scrapes: usize) -> Result<Values> {
    let addresses = fleet.addresses();
    let bodies: Vec<(usize, String)> = Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let (server, _) = subject.request("");
            let client = Client::new(&server);
            let mut bodies = Vec::new();
            for _ in 0..scrapes {
                for (bmc, address) in addresses.iter().enumerate() {
                    let (_, path) = subject.request(&address.to_string());
                    let (status, body) = client.get(&path, TIMEOUT).await?;
                    anyhow::ensure!(status == 200, "{address}: {status}: {body}");
                    bodies.push((bmc, body));
                }
            }
            anyhow::Ok(bodies)
        })?;
    let mut served: HashMap<(usize, String), Vec<f64>> = HashMap::new();
    for line in fleet.served()? {
        if let (Some(name), Some(value)) = (line.name, line.value) {
            served.entry((line.bmc, name)).or_default().push(value);
        }
    }
    let mut values = Values {
        scrapes: bodies.len(),
        complete: 0,
        compared: 0,
        wrong: 0,
    };
    for (bmc, body) in bodies {
        values.complete += usize::from(driver::is_complete(&body));
        for (name, value) in driver::values(&body) {
            values.compared += 1;
            let said = served.get(&(bmc, name.to_owned()));
            let was_said = said.is_some_and(|said| {
                said.iter()
                    .any(|said| (said - value).abs() <= driver::ROUNDING)
            });
            values.wrong += usize::from(!was_said);
        }
    }
    Ok(values)
}
