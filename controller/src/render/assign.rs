//! Which exporter carries which server: weighted rendezvous hashing.
//!
//! Every pair of a server and an exporter has a fixed number, and the exporter
//! with the best number carries the server. So one more exporter takes only its
//! share from the others, one less gives its share to the others, and nothing
//! else moves, whatever the order and however often it is computed.

use crate::model::{Exporter, Id, MonitoredServer};

/// Why a server is carried by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unassigned {
    /// There is no enabled exporter.
    NoExporter,
    /// The exporter that was chosen by hand is not enabled. Another one is not
    /// taken in its place: a choice by hand mostly says who can reach the BMC.
    ChosenIsDisabled,
}

/// The exporters of servers, in the order of the servers.
pub type Assignment<'a> = Vec<Result<&'a Exporter, Unassigned>>;

/// Assigns each server to an exporter: the one chosen by hand; else one of the
/// server's site; else one of no site; else any.
#[must_use]
pub fn assign<'a>(servers: &[MonitoredServer], exporters: &'a [Exporter]) -> Assignment<'a> {
    let enabled: Vec<&Exporter> = exporters.iter().filter(|e| e.enabled).collect();
    let anywhere: Vec<&Exporter> = at_site(&enabled, "");
    servers
        .iter()
        .map(|server| {
            if let Some(chosen) = server.exporter_id {
                let found = enabled.iter().find(|exporter| exporter.id == chosen);
                return found.copied().ok_or(Unassigned::ChosenIsDisabled);
            }
            let near = if server.site.is_empty() {
                Vec::new()
            } else {
                at_site(&enabled, &server.site)
            };
            let candidates = [near.as_slice(), &anywhere, &enabled]
                .into_iter()
                .find(|candidates| !candidates.is_empty())
                .ok_or(Unassigned::NoExporter)?;
            best(server.id, candidates).ok_or(Unassigned::NoExporter)
        })
        .collect()
}

fn at_site<'a>(exporters: &[&'a Exporter], site: &str) -> Vec<&'a Exporter> {
    let at_site = exporters.iter().filter(|exporter| exporter.site == site);
    at_site.copied().collect()
}

fn best<'a>(server: Id, candidates: &[&'a Exporter]) -> Option<&'a Exporter> {
    let scored = candidates.iter().map(|exporter| {
        let number = exporter.id.cast_unsigned();
        (score(server, number, exporter.weight as f64), *exporter)
    });
    // Equal numbers are as good as impossible; the lower id decides then.
    scored
        .max_by(|(a, x), (b, y)| a.total_cmp(b).then(y.id.cmp(&x.id)))
        .map(|(_, exporter)| exporter)
}

/// `-weight / ln(u)` for a `u` between 0 and 1 that belongs to the pair of a
/// server and whoever may carry it: the chance to be the greatest is in
/// proportion to the weight.
pub(super) fn score(server: Id, carrier: u64, weight: f64) -> f64 {
    let hash = mix(mix(server.cast_unsigned()) ^ carrier);
    // 53 bits are what a double holds exactly; never 0 and never 1.
    let u = ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -weight.max(1.0) / u.ln()
}

/// The finaliser of SplitMix64: every bit of the input moves half of the output.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Timestamp;
    use crate::model::Labels;

    pub(crate) fn exporter(id: Id, site: &str, weight: i64) -> Exporter {
        Exporter {
            id,
            name: format!("exp-{id}"),
            url: format!("http://192.0.2.{id}:9290"),
            site: site.to_owned(),
            weight,
            enabled: true,
            version: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }

    pub(crate) fn server(id: Id, site: &str) -> MonitoredServer {
        MonitoredServer {
            id,
            name: format!("node-{id}"),
            address: format!("bmc-{id}.example.org"),
            port: 623,
            module: Some("default".to_owned()),
            group: None,
            exporter_id: None,
            manufacturer: String::new(),
            model: String::new(),
            site: site.to_owned(),
            rack: String::new(),
            labels: Labels::default(),
        }
    }

    fn carriers(servers: &[MonitoredServer], exporters: &[Exporter]) -> Vec<Option<Id>> {
        let assigned = assign(servers, exporters);
        assigned
            .into_iter()
            .map(|carrier| carrier.ok().map(|exporter| exporter.id))
            .collect()
    }

    #[test]
    fn shares_follow_the_weights() {
        let servers: Vec<_> = (1..=30_000).map(|id| server(id, "")).collect();
        let exporters = [exporter(1, "", 100), exporter(2, "", 200)];
        let carried = carriers(&servers, &exporters);
        let second = carried.iter().filter(|id| **id == Some(2)).count();
        assert!((19_500..20_500).contains(&second), "{second} of 20000");
    }

    #[test]
    fn the_site_comes_first_and_the_hand_before_it() {
        let mut exporters = [
            exporter(1, "", 1),
            exporter(2, "east", 1),
            exporter(3, "west", 1000),
        ];
        let mut chosen = server(3, "east");
        chosen.exporter_id = Some(3);
        let servers = [server(1, "east"), server(2, "north"), chosen];
        assert_eq!(
            carriers(&servers, &exporters),
            [Some(2), Some(1), Some(3)],
            "of the site; of no site; by hand"
        );
        exporters[2].enabled = false;
        let assigned = assign(&servers, &exporters);
        assert_eq!(assigned[2], Err(Unassigned::ChosenIsDisabled));
        assert_eq!(assign(&servers[..1], &[])[0], Err(Unassigned::NoExporter));
    }

    proptest! {
        #[test]
        fn a_new_exporter_moves_only_what_it_takes(
            sites in vec(0..3_usize, 1..6),
            weights in vec(1..1000_i64, 6),
            new_site in 0..3_usize,
            server_sites in vec(0..4_usize, 1..300),
        ) {
            const SITES: [&str; 4] = ["", "east", "west", "north"];
            let mut exporters: Vec<_> = (1_i64..)
                .zip(&sites)
                .zip(&weights)
                .map(|((id, site), weight)| exporter(id, SITES[*site], *weight))
                .collect();
            let servers: Vec<_> = (1_i64..)
                .zip(&server_sites)
                .map(|(id, site)| server(id, SITES[*site]))
                .collect();
            let before = carriers(&servers, &exporters);
            exporters.push(exporter(77, SITES[new_site], weights[5]));
            let after = carriers(&servers, &exporters);
            for (old, new) in before.iter().zip(&after) {
                prop_assert!(old == new || *new == Some(77));
            }
            exporters.reverse();
            prop_assert_eq!(&carriers(&servers, &exporters), &after, "the order is no matter");
            exporters.retain(|exporter| exporter.id != 77);
            prop_assert_eq!(carriers(&servers, &exporters), before);
        }

        #[test]
        fn a_new_exporter_takes_about_its_share(count in 1..8_i64) {
            let servers: Vec<_> = (1..=8_000).map(|id| server(id, "")).collect();
            let exporters: Vec<_> = (1..=count + 1).map(|id| exporter(id, "", 100)).collect();
            let taken = carriers(&servers, &exporters)
                .into_iter()
                .filter(|id| *id == Some(count + 1))
                .count();
            let share = 8_000 / usize::try_from(count + 1).unwrap();
            prop_assert!(taken.abs_diff(share) < share / 5 + 60, "{} of {}", taken, share);
        }
    }
}
