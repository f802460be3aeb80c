//! Collector `intel-node-manager`: statistics of Intel's Node Manager, which
//! runs in the management engine behind the BMC.

use rmcp_ipmi::command::oem::{
    GetNodeManagerStatistics, NodeManagerAddress, NodeManagerDomain, NodeManagerMode,
    NodeManagerStatistics, manufacturer,
};
use rmcp_ipmi::wire::{Hop, Route};

use super::Known;
use super::metric::{NM_PERIOD, NM_POWER, NM_TEMPERATURE};
use crate::collect::CollectError;
use crate::collect::asker::Asker;
use crate::collect::sample::Samples;

/// Asks where the board announces an engine, and where Intel's own boards have
/// it. Other boards get not one request.
pub(super) async fn collect(
    asker: &mut Asker<'_>,
    known: &Known<'_>,
) -> Result<Samples, CollectError> {
    let mut samples = Samples::default();
    let announced = known
        .records
        .and_then(|records| NodeManagerAddress::announced_in(&records.decoded()));
    let usual =
        (known.identity.manufacturer == manufacturer::INTEL).then_some(NodeManagerAddress::USUAL);
    let Some(place) = announced.or(usual) else {
        return Ok(samples);
    };
    let route = Route::Satellite(Hop {
        channel: place.channel,
        address: place.address,
    });
    // The whole machine must have statistics; its parts need not.
    let platform = power(NodeManagerDomain::Platform);
    let statistics = asker.ask_at(route, &platform).await?;
    put_power(&mut samples, NodeManagerDomain::Platform, &statistics);
    for domain in [
        NodeManagerDomain::Cpu,
        NodeManagerDomain::Memory,
        NodeManagerDomain::Io,
    ] {
        if let Some(statistics) = asker.ask_at_if_there(route, &power(domain)).await? {
            put_power(&mut samples, domain, &statistics);
        }
    }
    let inlet = GetNodeManagerStatistics {
        mode: NodeManagerMode::InletTemperature,
        domain: NodeManagerDomain::Platform,
    };
    if let Some(statistics) = asker.ask_at_if_there(route, &inlet).await?
        && statistics.is_measuring
    {
        for (word, value) in values(&statistics) {
            let labels = vec![("statistic", word.to_owned())];
            samples.put_with(&NM_TEMPERATURE, labels, f64::from(value));
        }
    }
    Ok(samples)
}

fn power(domain: NodeManagerDomain) -> GetNodeManagerStatistics {
    GetNodeManagerStatistics {
        mode: NodeManagerMode::Power,
        domain,
    }
}

fn put_power(samples: &mut Samples, domain: NodeManagerDomain, statistics: &NodeManagerStatistics) {
    if !statistics.is_measuring {
        return;
    }
    let domain = ("domain", word(domain).to_owned());
    for (word, value) in values(statistics) {
        let labels = vec![domain.clone(), ("statistic", word.to_owned())];
        samples.put_with(&NM_POWER, labels, f64::from(value));
    }
    let period = f64::from(statistics.period_seconds);
    samples.put_with(&NM_PERIOD, vec![domain], period);
}

/// Values of the label `statistic`.
fn values(statistics: &NodeManagerStatistics) -> [(&'static str, u16); 4] {
    [
        ("current", statistics.current),
        ("minimum", statistics.minimum),
        ("maximum", statistics.maximum),
        ("average", statistics.average),
    ]
}

/// Values of the label `domain`.
fn word(domain: NodeManagerDomain) -> &'static str {
    match domain {
        NodeManagerDomain::Platform => "platform",
        NodeManagerDomain::Cpu => "cpu",
        NodeManagerDomain::Memory => "memory",
        NodeManagerDomain::Io => "io",
    }
}
