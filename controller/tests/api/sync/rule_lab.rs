//! A controller with rules for a real Prometheus, in a store without the default
//! rules.

use std::net::SocketAddr;
use std::sync::Arc;

use ipmi_controller::model::{Name, PageRequest, Role, RuleGroupDraft, RuleGroupFilter, Text};
use ipmi_controller::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wait_for_status;
use crate::support::prometheus::Prometheus;
use crate::support::{Client, Lab};

/// Waits until the status of the rules is as it should be, and gives it.
pub(super) async fn wait_for_rules(admin: &Client, good: impl Fn(&Value) -> bool) -> Value {
    wait_for_status(admin, ("prometheus_rules", "prometheus"), good).await
}

/// Makes the group `g` have these rules, whatever the interface would say to them,
/// and one that is always there: to take all away needs a confirmation.
pub(super) async fn put_rules(store: &Store, rules: Value) {
    let mut rules = rules.as_array().expect("a list").clone();
    rules.push(json!({"record": "stays", "expr": "vector(1)"}));
    put_group(store, json!({"name": "g", "rules": rules})).await;
}

async fn put_group(store: &Store, body: Value) {
    let name = body["name"].as_str().expect("a name").to_owned();
    let body = serde_json::from_value(body).expect("a group");
    let draft = RuleGroupDraft::parse(&body).expect("a good group");
    let mut tx = store.write().await.expect("the store");
    let filter = RuleGroupFilter::default();
    let page = PageRequest::default();
    let known = tx.rule_groups(&filter, page).await.expect("the store");
    match known.items.into_iter().find(|group| group.name == name) {
        Some(group) => {
            let changed = tx.update_rule_group(group.id, None, &draft).await;
            changed.expect("a change");
        }
        None => {
            tx.insert_rule_group(&draft).await.expect("a new group");
        }
    }
    tx.commit().await.expect("the store");
}

pub(super) fn alert(name: &str, expr: &str) -> Value {
    json!({"alert": name, "expr": expr, "labels": {"severity": "warning"},
        "annotations": {"summary": "it is"}})
}

/// Makes a store in which the default rules are disabled, and gives a user of it.
pub(super) async fn prepare(directory: &Arc<TempDir>) -> Client {
    let lab = Lab::start_in(Arc::clone(directory), &[]).await;
    let mut tx = lab.store.write().await.expect("the store");
    let page = PageRequest {
        limit: 1000,
        ..PageRequest::default()
    };
    let groups = tx.rule_groups(&RuleGroupFilter::default(), page).await;
    for group in groups.expect("the store").items {
        let draft = RuleGroupDraft {
            name: Name::parse(&group.name).expect("a name"),
            description: Text::parse(&group.description).expect("a text"),
            interval: group.interval,
            enabled: false,
            rules: group.rules,
        };
        let changed = tx.update_rule_group(group.id, None, &draft).await;
        changed.expect("a change");
    }
    tx.commit().await.expect("the store");
    let admin = lab.user("root", Role::Admin, None).await;
    lab.stop().await;
    admin
}

/// A controller with rules for the Prometheus at an address, in a store without
/// default rules.
pub(super) async fn lab_for(
    directory: &Arc<TempDir>,
    at: SocketAddr,
    promtool: Option<&str>,
) -> Lab {
    if !directory.path().join("c.db").exists() {
        prepare(directory).await;
    }
    let file = directory.path().join("rules.yml").display().to_string();
    let mut variables = vec![
        ("IPMI_CONTROLLER_PROMETHEUS__RULES_FILE", file),
        ("IPMI_CONTROLLER_PROMETHEUS__URL", format!("http://{at}")),
    ];
    if let Some(promtool) = promtool {
        variables.push(("IPMI_CONTROLLER_PROMETHEUS__PROMTOOL", promtool.to_owned()));
    }
    Lab::start_in(Arc::clone(directory), &variables).await
}

/// A Prometheus that reads the rules in a directory.
pub(super) async fn prometheus_for(directory: &TempDir, at: SocketAddr) -> Prometheus {
    Prometheus::start_with(at, &config(directory, at), &["--web.enable-lifecycle"]).await
}

pub(super) fn config(directory: &TempDir, at: SocketAddr) -> String {
    format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: ['{}']\n\
         scrape_configs: [{{job_name: self, static_configs: [{{targets: ['{at}']}}]}}]\n",
        directory.path().join("rules.yml").display()
    )
}

/// The rules of the group `g` at Prometheus.
pub(super) async fn live(prometheus: &Prometheus) -> Vec<Value> {
    let mut rules = prometheus.rules().await;
    rules.retain(|rule| rule["group"] == "g");
    rules
}
