//! Which targets of which module each exporter carries: what its allow-list is
//! made of. The same assignment as that of the targets of Prometheus.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::assign::assign;
use super::document::Document;
use super::targets::target_text;
use crate::model::{Address, Id, Inventory};

/// By name of the exporter and of the module: servers with their targets, as a
/// scrape names them.
pub type Carried = BTreeMap<String, BTreeMap<String, Vec<(Id, Box<str>)>>>;

/// What exporters carry in the desired state.
#[must_use]
pub fn desired(inventory: &Inventory) -> Carried {
    let mut carried = Carried::new();
    let assigned = assign(&inventory.servers, &inventory.exporters);
    for (server, exporter) in inventory.servers.iter().zip(assigned) {
        let (Some(module), Ok(exporter)) = (server.module.as_deref(), exporter) else {
            continue;
        };
        add(
            &mut carried,
            &exporter.name,
            module,
            server.id,
            &target_text(server),
        );
    }
    carried
}

/// What exporters carry in a list of targets that was published.
#[must_use]
pub fn published(document: &Document) -> Carried {
    let mut carried = Carried::new();
    for entry in document.entries() {
        // A document is checked; what has no module is none of ours.
        if let Ok(Line { labels }) = serde_json::from_slice(document.text(entry)) {
            let (exporter, module) = (&labels.exporter, &labels.module);
            add(
                &mut carried,
                exporter,
                module,
                entry.server_id,
                &labels.target,
            );
        }
    }
    carried
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    labels: Labels<'a>,
}

/// The labels that matter here.
#[derive(Deserialize)]
struct Labels<'a> {
    #[serde(borrow, rename = "__meta_ipmi_exporter")]
    exporter: Cow<'a, str>,
    #[serde(borrow, rename = "__param_module")]
    module: Cow<'a, str>,
    #[serde(borrow, rename = "__param_target")]
    target: Cow<'a, str>,
}

fn add(carried: &mut Carried, exporter: &str, module: &str, server: Id, target: &str) {
    // One that an exporter does not take would make it refuse all others.
    if !is_taken(target) {
        return;
    }
    if !carried.contains_key(exporter) {
        carried.insert(exporter.to_owned(), BTreeMap::new());
    }
    let Some(modules) = carried.get_mut(exporter) else {
        return;
    };
    match modules.get_mut(module) {
        Some(targets) => targets.push((server, target.into())),
        None => {
            modules.insert(module.to_owned(), vec![(server, target.into())]);
        }
    }
}

/// Whether a target is of the form that exporters take.
fn is_taken(target: &str) -> bool {
    let host = match target
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]:"))
    {
        Some((host, _)) => host,
        None => match target.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => target,
        },
    };
    Address::parse(host).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::assign::tests::{exporter, server};
    use super::super::shard::Shard;
    use super::super::targets::targets;
    use super::*;

    #[test]
    fn what_is_published_is_what_was_desired() {
        let mut odd = server(3, "");
        odd.port = 6230;
        odd.address = "2001:db8::1".to_owned();
        let mut other = server(4, "");
        other.module = Some("other".to_owned());
        let mut blind = server(5, "");
        blind.module = None;
        let mut impossible = server(6, "");
        impossible.address = "bmc.12".to_owned();
        let mut servers: Vec<_> = (10..200).map(|id| server(id, "")).collect();
        servers.splice(0..0, [odd, other, blind, impossible]);
        let inventory = Inventory {
            revision: 1,
            servers,
            exporters: vec![exporter(1, "", 1), exporter(2, "", 2)],
        };
        let desired = desired(&inventory);
        let shard = Shard {
            name: "prometheus".to_owned(),
            sites: Vec::new(),
            weight: 100,
            max_targets: 10,
        };
        let rendered = targets(&inventory, &[shard]).unwrap();
        assert_eq!(desired, published(&rendered.shards[0].document));
        let all: Vec<&(Id, Box<str>)> = desired
            .values()
            .flat_map(|modules| modules.values().flatten())
            .collect();
        assert_eq!(all.len(), 192);
        assert!(all.contains(&&(3, "[2001:db8::1]:6230".into())));
        assert!(desired.len() == 2 && !all.iter().any(|(id, _)| matches!(id, 5 | 6)));
    }

    #[test]
    fn a_target_has_the_form_that_exporters_take() {
        for good in ["a", "10.0.0.1", "a:1", "2001:db8::1", "[2001:db8::1]:9"] {
            assert!(is_taken(good), "{good}");
        }
        for bad in ["", "a.1", "a b", "[a", "0.0.0.0", "a:1:2"] {
            assert!(!is_taken(bad), "{bad}");
        }
    }
}
