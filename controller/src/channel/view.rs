//! What one exporter is to have, without secrets. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{Id, Inventory, ModuleSource};
use crate::render::Carried;

/// The name of what the ETag is made from; changes with the document's form.
pub(super) const PURPOSE: &str = "exporter configuration 1";

/// A module with the targets that it may be used for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Module {
    /// Its profile. The name is that of the map, which may be an earlier one.
    pub(super) source: Arc<ModuleSource>,
    /// Sorted, each once.
    pub(super) targets: Vec<Box<str>>,
}

/// What one exporter is to have.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Names exactly this content, and tells nothing about it.
    pub etag: String,
    pub(super) modules: BTreeMap<String, Module>,
}

impl View {
    /// Names of its modules.
    pub fn module_names(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    /// How many targets it lists, over all modules.
    #[must_use]
    pub fn target_count(&self) -> usize {
        self.modules
            .values()
            .map(|module| module.targets.len())
            .sum()
    }
}

/// Modules and targets by number of the exporter.
pub(super) type Listed = HashMap<Id, BTreeMap<String, BTreeSet<Box<str>>>>;

/// Puts lists of carried targets together, for the exporters that there are.
pub(super) fn union(inventory: &Inventory, lists: &[&Carried]) -> Listed {
    let mut listed = Listed::new();
    for exporter in &inventory.exporters {
        let mine = listed.entry(exporter.id).or_default();
        for modules in lists.iter().filter_map(|list| list.get(&exporter.name)) {
            for (module, targets) in modules {
                let targets = targets.iter().map(|(_, target)| target.clone());
                mine.entry(module.clone()).or_default().extend(targets);
            }
        }
    }
    listed
}

/// Profiles by the names under which Prometheus asks: their own, and for a
/// profile that was renamed the one that published targets still bear.
pub(super) fn named_sources(
    inventory: &Inventory,
    sources: Vec<ModuleSource>,
    lists: &[&Carried],
) -> BTreeMap<String, Arc<ModuleSource>> {
    let mut named: BTreeMap<String, Arc<ModuleSource>> = sources
        .into_iter()
        .map(|source| (source.name.clone(), Arc::new(source)))
        .collect();
    let mut earlier: BTreeMap<&str, Id> = BTreeMap::new();
    for (module, targets) in lists.iter().flat_map(|list| list.values().flatten()) {
        if let Some((server, _)) = targets.first()
            && !named.contains_key(module)
        {
            earlier.entry(module).or_insert(*server);
        }
    }
    for (name, server) in earlier {
        // Servers are by number.
        let found = inventory.servers.binary_search_by_key(&server, |s| s.id);
        let source = found
            .ok()
            .and_then(|index| inventory.servers.get(index)?.module.as_ref())
            .and_then(|module| named.get(module))
            .cloned();
        if let Some(source) = source {
            named.insert(name.to_owned(), source);
        }
    }
    named
}

/// Makes the view of one exporter. `fingerprint` names a list of parts.
pub(super) fn view(
    listed: &BTreeMap<String, BTreeSet<Box<str>>>,
    sources: &BTreeMap<String, Arc<ModuleSource>>,
    fingerprint: impl Fn(&[&[u8]]) -> [u8; 32],
) -> View {
    let modules: BTreeMap<String, Module> = listed
        .iter()
        .filter(|(_, targets)| !targets.is_empty())
        .filter_map(|(name, targets)| {
            let module = Module {
                source: Arc::clone(sources.get(name)?),
                targets: targets.iter().cloned().collect(),
            };
            Some((name.clone(), module))
        })
        .collect();
    let heads: Vec<Vec<u8>> = modules
        .iter()
        .map(|(name, module)| head(name, module))
        .collect();
    let mut parts: Vec<&[u8]> = Vec::new();
    for (head, module) in heads.iter().zip(modules.values()) {
        parts.push(head);
        parts.extend(module.targets.iter().map(|target| target.as_bytes()));
    }
    let name = fingerprint(&parts);
    View {
        etag: format!("\"{}\"", hex::encode(name)),
        modules,
    }
}

/// Everything about a module but its targets. Secrets are named by their place,
/// which changes with them.
fn head(name: &str, module: &Module) -> Vec<u8> {
    let source = &module.source;
    let head = serde_json::json!([
        name,
        source.username,
        source.driver,
        source.privilege,
        source.settings,
        source.password,
        source.k_g,
        module.targets.len(),
    ]);
    head.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::clock::Timestamp;
    use crate::model::{Driver, Exporter, Labels, MonitoredServer};

    fn source(name: &str) -> ModuleSource {
        ModuleSource {
            name: name.to_owned(),
            username: "monitor".to_owned(),
            driver: Driver::Lan20,
            privilege: None,
            settings: serde_json::Map::new(),
            password: Some("place-1".to_owned()),
            k_g: None,
        }
    }

    fn inventory(module: &str) -> Inventory {
        Inventory {
            revision: 1,
            servers: vec![MonitoredServer {
                id: 7,
                name: "n7".to_owned(),
                address: "bmc-7".to_owned(),
                port: 623,
                module: Some(module.to_owned()),
                group: None,
                exporter_id: None,
                manufacturer: String::new(),
                model: String::new(),
                site: String::new(),
                rack: String::new(),
                labels: Labels::default(),
            }],
            exporters: vec![Exporter {
                id: 1,
                name: "exp".to_owned(),
                url: "http://exp:9290".to_owned(),
                site: String::new(),
                weight: 1,
                enabled: true,
                version: 1,
                created_at: Timestamp(0),
                updated_at: Timestamp(0),
            }],
        }
    }

    fn carried(module: &str, target: &str) -> Carried {
        let targets = BTreeMap::from([(module.to_owned(), vec![(7, target.into())])]);
        Carried::from([("exp".to_owned(), targets)])
    }

    fn plain_hash(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn make(inventory: &Inventory, sources: Vec<ModuleSource>, lists: &[&Carried]) -> View {
        let listed = union(inventory, lists);
        let sources = named_sources(inventory, sources, lists);
        view(&listed[&1], &sources, plain_hash)
    }

    #[test]
    fn an_etag_changes_with_whatever_is_handed_out() {
        let inventory = inventory("lab");
        let list = carried("lab", "bmc-7");
        let first = make(&inventory, vec![source("lab")], &[&list]).etag;
        let unused = vec![source("lab"), source("unused")];
        assert_eq!(make(&inventory, unused, &[&list]).etag, first);
        let changes: [fn(&mut ModuleSource); 5] = [
            |source| source.username.push('x'),
            |source| source.driver = Driver::Lan15,
            |source| source.privilege = Some("user".to_owned()),
            |source| source.password = Some("place-2".to_owned()),
            |source| source.k_g = Some("place-3".to_owned()),
        ];
        for change in changes {
            let mut changed = source("lab");
            change(&mut changed);
            assert_ne!(make(&inventory, vec![changed], &[&list]).etag, first);
        }
        let more = carried("lab", "bmc-8");
        let both = make(&inventory, vec![source("lab")], &[&list, &more]);
        assert_ne!(both.etag, first);
        assert_eq!((both.target_count(), both.modules.len()), (2, 1));
    }

    #[test]
    fn a_renamed_profile_has_both_names_while_both_are_asked_for() {
        let inventory = inventory("new");
        let lists = [carried("new", "bmc-7"), carried("old", "bmc-7")];
        let view = make(&inventory, vec![source("new")], &[&lists[0], &lists[1]]);
        assert!(view.module_names().eq(["new", "old"]));
        assert_eq!(view.modules["old"].source.name, "new");
    }

    #[test]
    fn a_module_that_is_gone_is_not_handed_out() {
        let mut inventory = inventory("lab");
        inventory.servers.clear();
        let view = make(&inventory, Vec::new(), &[&carried("lab", "bmc-7")]);
        assert!(view.modules.is_empty());
    }
}
