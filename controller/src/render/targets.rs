//! Monitored servers as targets of Prometheus.
//!
//! A target is whole: address, scheme and path of its exporter, and the query
//! `target` and `module`, stand in labels that Prometheus reads
//! (`__scheme__`, `__metrics_path__`, `__param_…`). The scrape configuration
//! needs no relabelling, so no mistake there can send a BMC's scrape elsewhere.

use std::collections::BTreeMap;

use serde::Serialize;

use super::assign::{Unassigned, assign};
use super::document::{Document, DocumentError, ListWriter};
use crate::model::{Address, ExporterUrl, Id, Inventory, MonitoredServer, Port};

/// Value of the label `job` on every target.
pub const JOB: &str = "ipmi-servers";
/// Label with the number of the server.
pub(super) const SERVER_ID: &str = "server_id";
/// Label with the exporter's name. It is for relabelling and gone afterwards:
/// on the series it would end every one of them when a server moves.
pub(super) const EXPORTER: &str = "__meta_ipmi_exporter";

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
    /// The targets.
    pub document: Document,
    /// Servers that are not among them.
    pub blind_spots: Vec<BlindSpot>,
}

#[derive(Serialize)]
struct Group<'a> {
    targets: [&'a str; 1],
    labels: &'a BTreeMap<&'a str, &'a str>,
}

/// Renders all monitored servers.
///
/// # Errors
/// When what was rendered is not what Prometheus accepts: a fault of this
/// program, found before it does harm.
pub fn targets(inventory: &Inventory) -> Result<RenderedTargets, DocumentError> {
    let mut list = ListWriter::default();
    let mut blind_spots = Vec::new();
    let urls: BTreeMap<Id, ExporterUrl> = inventory
        .exporters
        .iter()
        .filter_map(|exporter| Some((exporter.id, ExporterUrl::parse(&exporter.url).ok()?)))
        .collect();
    let assigned = assign(&inventory.servers, &inventory.exporters);
    for (server, carrier) in inventory.servers.iter().zip(assigned) {
        let carrier = carrier.map_err(reason).and_then(|exporter| {
            let url = urls
                .get(&exporter.id)
                .ok_or("its exporter's URL is no URL")?;
            Ok((exporter.name.as_str(), url))
        });
        let module = server
            .module
            .as_deref()
            .ok_or("it has no credential profile; give it one");
        match (module, carrier) {
            (Ok(module), Ok((exporter, url))) => {
                write(server, module, exporter, url, list.begin());
            }
            (Err(reason), _) | (_, Err(reason)) => blind_spots.push(BlindSpot {
                server_id: server.id,
                server_name: server.name.clone(),
                reason,
            }),
        }
    }
    Ok(RenderedTargets {
        document: Document::parse(list.finish())?,
        blind_spots,
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

/// A server as the `target` of a scrape.
pub(super) fn target_text(server: &MonitoredServer) -> String {
    Address::parse(&server.address).map_or_else(
        |_| server.address.clone(),
        |address| address.target(Port(server.port)),
    )
}

fn write(
    server: &MonitoredServer,
    module: &str,
    exporter: &str,
    url: &ExporterUrl,
    into: &mut Vec<u8>,
) {
    let target = target_text(server);
    let id = server.id.to_string();
    // The operator's own come first: what the system sets wins.
    let mut labels: BTreeMap<&str, &str> = server.labels.iter().collect();
    let fixed = [
        ("__metrics_path__", url.metrics_path.as_str()),
        ("__param_module", module),
        ("__param_target", &target),
        ("__scheme__", &url.scheme),
        (EXPORTER, exporter),
        ("group", server.group.as_deref().unwrap_or_default()),
        ("instance", &target),
        ("job", JOB),
        ("manufacturer", &server.manufacturer),
        ("model", &server.model),
        ("rack", &server.rack),
        (SERVER_ID, &id),
        ("server_name", &server.name),
        ("site", &server.site),
    ];
    // To Prometheus an empty label is none.
    labels.extend(fixed.into_iter().filter(|(_, value)| !value.is_empty()));
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

    #[test]
    fn a_target_says_all_that_a_scrape_needs() {
        let rendered = targets(&inventory()).unwrap();
        let text = std::str::from_utf8(rendered.document.bytes()).unwrap();
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
        let blind: Vec<Id> = rendered.blind_spots.iter().map(|b| b.server_id).collect();
        assert_eq!(blind, [9]);
    }

    #[test]
    fn the_same_state_gives_the_same_bytes() {
        let again = targets(&inventory()).unwrap();
        assert_eq!(targets(&inventory()).unwrap(), again);
        assert_eq!(
            Document::parse(again.document.bytes().to_vec()).unwrap(),
            again.document
        );
    }

    #[test]
    fn nobody_to_carry_is_no_empty_address() {
        let mut inventory = inventory();
        inventory.exporters.clear();
        let rendered = targets(&inventory).unwrap();
        assert!(rendered.document.entries().is_empty());
        assert_eq!(rendered.blind_spots.len(), 3);
    }
}
