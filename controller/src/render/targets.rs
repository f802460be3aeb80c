//! Monitored servers as targets of Prometheus.
//!
//! A target is whole: address, scheme and path of its exporter, and the query
//! `target` and `module`, stand in labels that Prometheus reads
//! (`__scheme__`, `__metrics_path__`, `__param_…`). The scrape configuration
//! needs no relabelling, so no mistake there can send a BMC's scrape elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::assign::{Unassigned, assign};
use super::document::{Document, DocumentError, ListWriter};
use super::shard::{Shard, distribute};
use crate::model::{Address, Exporter, ExporterUrl, Id, Inventory, MonitoredServer, Port};

/// Value of the label `job` on every target.
pub const JOB: &str = "ipmi-servers";
/// Label with the number of the server.
pub(super) const SERVER_ID: &str = "server_id";
/// Label with the exporter's name. It is for relabelling and gone afterwards:
/// on the series it would end every one of them when a server moves.
pub(super) const EXPORTER: &str = "__meta_ipmi_exporter";

/// Labels that the system sets on every series of a server.
pub const TARGET_LABELS: [&str; 9] = [
    "group",
    "instance",
    "job",
    "manufacturer",
    "model",
    "rack",
    SERVER_ID,
    "server_name",
    "site",
];

/// A monitored server that nobody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindSpot {
    /// Number of the server.
    pub server_id: Id,
    /// Its name.
    pub server_name: String,
    /// Why, and what to do.
    pub reason: &'static str,
}

/// What came of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedTargets {
    /// The targets of each shard, in the order of the shards.
    pub shards: Vec<ShardTargets>,
    /// Servers that are in no shard.
    pub blind_spots: Arc<[BlindSpot]>,
}

/// What one shard scrapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardTargets {
    /// Name of the shard.
    pub shard: String,
    /// The targets.
    pub document: Arc<Document>,
    /// What is not as it should be, and what to do.
    pub warnings: Vec<String>,
}

#[derive(Serialize)]
struct Group<'a> {
    targets: [&'a str; 1],
    labels: &'a BTreeMap<&'a str, &'a str>,
}

/// Renders all monitored servers, distributed among shards.
///
/// # Errors
/// When what was rendered is not what Prometheus accepts: a fault of this
/// program, found before it does harm.
pub fn targets(inventory: &Inventory, shards: &[Shard]) -> Result<RenderedTargets, DocumentError> {
    let urls: BTreeMap<Id, ExporterUrl> = inventory
        .exporters
        .iter()
        .filter_map(|exporter| Some((exporter.id, ExporterUrl::parse(&exporter.url).ok()?)))
        .collect();
    let assigned = assign(&inventory.servers, &inventory.exporters);
    let carriers = inventory.servers.iter().zip(assigned);
    let carriers = carriers.map(|(server, carrier)| carry(server, carrier, &urls));
    let carriers: Vec<Result<Carried<'_>, &'static str>> = carriers.collect();
    // Who is asked by nobody takes no room.
    let placed = distribute(&inventory.servers, shards, |at| {
        carriers.get(at).is_some_and(Result::is_ok)
    });
    let mut lists: Vec<ListWriter> = shards.iter().map(|_| ListWriter::default()).collect();
    let mut blind_spots = Vec::new();
    for ((server, carrier), shard) in inventory.servers.iter().zip(carriers).zip(&placed) {
        let list = shard.and_then(|shard| lists.get_mut(shard));
        match (carrier, list) {
            (Ok(carried), Some(list)) => write(server, &carried, list.begin()),
            (carrier, _) => blind_spots.push(BlindSpot {
                server_id: server.id,
                server_name: server.name.clone(),
                reason: carrier.err().unwrap_or(ALL_FULL),
            }),
        }
    }
    let rendered = shards.iter().zip(lists).map(|(shard, list)| {
        let document = Document::parse(list.finish())?;
        let count = document.entries().len();
        let is_too_many = count > shard.max_targets;
        let warnings = is_too_many.then(|| {
            format!(
                "{count} targets are more than max_targets ({}), and one Prometheus gets slow with so many; add another to the list in the configuration",
                shard.max_targets
            )
        });
        Ok(ShardTargets {
            shard: shard.name.clone(),
            document: Arc::new(document),
            warnings: warnings.into_iter().collect(),
        })
    });
    Ok(RenderedTargets {
        shards: rendered.collect::<Result<_, DocumentError>>()?,
        blind_spots: blind_spots.into(),
    })
}

/// Why a server is in no shard.
const ALL_FULL: &str = "every Prometheus has as many targets as its max_targets allows; add another to the configuration";

/// How a server is asked.
struct Carried<'a> {
    module: &'a str,
    exporter: &'a str,
    url: &'a ExporterUrl,
}

fn carry<'a>(
    server: &'a MonitoredServer,
    carrier: Result<&'a Exporter, Unassigned>,
    urls: &'a BTreeMap<Id, ExporterUrl>,
) -> Result<Carried<'a>, &'static str> {
    let module = server.module.as_deref();
    let module = module.ok_or("it has no credential profile; give it one")?;
    let exporter = carrier.map_err(reason)?;
    let url = urls.get(&exporter.id);
    Ok(Carried {
        module,
        exporter: &exporter.name,
        url: url.ok_or("its exporter's URL is no URL")?,
    })
}

fn reason(unassigned: Unassigned) -> &'static str {
    match unassigned {
        Unassigned::NoExporter => "there is no enabled exporter; add one",
        Unassigned::ChosenIsDisabled => {
            "the exporter that was chosen for it is not enabled; enable it or choose another"
        }
    }
}

/// The labels that a server's series have, and its alerts.
#[must_use]
pub fn series_labels(server: &MonitoredServer) -> BTreeMap<String, String> {
    let (target, id) = (target_text(server), server.id.to_string());
    let labels = lasting(server, &target, &id).into_iter();
    labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The labels of a target that stay on its series.
fn lasting<'a>(
    server: &'a MonitoredServer,
    target: &'a str,
    id: &'a str,
) -> BTreeMap<&'a str, &'a str> {
    // The operator's own come first: what the system sets wins.
    let mut labels: BTreeMap<&str, &str> = server.labels.iter().collect();
    let values = [
        server.group.as_deref().unwrap_or_default(),
        target,
        JOB,
        &server.manufacturer,
        &server.model,
        &server.rack,
        id,
        &server.name,
        &server.site,
    ];
    // To Prometheus an empty label is none.
    let fixed = TARGET_LABELS.into_iter().zip(values);
    labels.extend(fixed.filter(|(_, value)| !value.is_empty()));
    labels
}

/// A server as the `target` of a scrape.
pub(super) fn target_text(server: &MonitoredServer) -> String {
    Address::parse(&server.address).map_or_else(
        |_| server.address.clone(),
        |address| address.target(Port(server.port)),
    )
}

fn write(server: &MonitoredServer, carried: &Carried<'_>, into: &mut Vec<u8>) {
    let Carried {
        module,
        exporter,
        url,
    } = *carried;
    let target = target_text(server);
    let id = server.id.to_string();
    let mut labels = lasting(server, &target, &id);
    let passing = [
        ("__metrics_path__", url.metrics_path.as_str()),
        ("__param_module", module),
        ("__param_target", &target),
        ("__scheme__", &url.scheme),
        (EXPORTER, exporter),
    ];
    labels.extend(passing.into_iter().filter(|(_, value)| !value.is_empty()));
    let group = Group {
        targets: [&url.authority],
        labels: &labels,
    };
    // Writing maps of text into memory cannot fail; if it did, the check of the
    // whole would see the broken line.
    let _ = serde_json::to_writer(into, &group);
}

#[cfg(test)]
mod tests {
    use super::super::assign::tests::{exporter, server};
    use super::super::shard::tests::shard;
    use super::*;
    use crate::model::Labels;

    fn inventory() -> Inventory {
        let mut first = server(7, "east");
        first.port = 6230;
        first.group = Some("db".to_owned());
        first.manufacturer = "ACME \"X\"".to_owned();
        first.model = "R2".to_owned();
        first.labels = Labels::parse(&BTreeMap::from([
            ("owner".to_owned(), "团队".to_owned()),
            ("site".to_owned(), "elsewhere".to_owned()),
            ("rack".to_owned(), "r9".to_owned()),
        ]))
        .unwrap();
        let mut blind = server(9, "");
        blind.module = None;
        Inventory {
            revision: 1,
            servers: vec![first, server(8, ""), blind],
            exporters: vec![exporter(1, "", 1)],
        }
    }

    fn whole(inventory: &Inventory) -> (Arc<Document>, Vec<Id>) {
        let rendered = targets(inventory, &[shard("all", "", 1, 100)]).unwrap();
        let blind = rendered.blind_spots.iter().map(|b| b.server_id);
        (Arc::clone(&rendered.shards[0].document), blind.collect())
    }

    #[test]
    fn a_target_says_all_that_a_scrape_needs() {
        let (document, blind) = whole(&inventory());
        let text = std::str::from_utf8(document.bytes()).unwrap();
        assert_eq!(
            text,
            concat!(
                "[\n",
                r#"{"targets":["192.0.2.1:9290"],"labels":{"__meta_ipmi_exporter":"exp-1","#,
                r#""__metrics_path__":"/ipmi","__param_module":"default","#,
                r#""__param_target":"bmc-7.example.org:6230","__scheme__":"http","group":"db","#,
                r#""instance":"bmc-7.example.org:6230","job":"ipmi-servers","#,
                r#""manufacturer":"ACME \"X\"","model":"R2","owner":"团队","rack":"r9","server_id":"7","#,
                r#""server_name":"node-7","site":"east"}},"#,
                "\n",
                r#"{"targets":["192.0.2.1:9290"],"labels":{"__meta_ipmi_exporter":"exp-1","#,
                r#""__metrics_path__":"/ipmi","__param_module":"default","#,
                r#""__param_target":"bmc-8.example.org","__scheme__":"http","#,
                r#""instance":"bmc-8.example.org","job":"ipmi-servers","server_id":"8","#,
                r#""server_name":"node-8"}}"#,
                "\n]\n"
            )
        );
        assert_eq!(blind, [9]);
    }

    #[test]
    fn the_same_state_gives_the_same_bytes() {
        let again = whole(&inventory());
        assert_eq!(whole(&inventory()), again);
        assert_eq!(Document::parse(again.0.bytes().to_vec()).unwrap(), *again.0);
    }

    #[test]
    fn nobody_to_carry_is_no_empty_address() {
        let mut inventory = inventory();
        inventory.exporters.clear();
        let (document, blind) = whole(&inventory);
        assert!(document.entries().is_empty());
        assert_eq!(blind.len(), 3);
    }

    #[test]
    fn what_is_too_much_for_all_shards_is_told_and_for_one_is_published() {
        let mut inventory = inventory();
        inventory.servers.push(server(10, ""));
        let two = [shard("a", "", 1, 1), shard("b", "", 1, 1)];
        let rendered = targets(&inventory, &two).unwrap();
        for shard in &rendered.shards {
            assert_eq!(
                shard.document.entries().len(),
                1,
                "without a carrier no room"
            );
            assert_eq!(shard.warnings, Vec::<String>::new());
        }
        let last = rendered.blind_spots.last().unwrap();
        assert_eq!((last.server_id, last.reason), (10, ALL_FULL));
        let one = targets(&inventory, &two[..1]).unwrap();
        assert_eq!(one.shards[0].document.entries().len(), 3);
        assert!(one.shards[0].warnings[0].contains("max_targets"));
    }
}
