//! The rules that come with the program.

use std::collections::BTreeSet;

use ipmi_controller::model::shipped_rule_groups;
use reqwest::StatusCode;
use serde_json::json;

use super::fleet::{Fleet, rules};
use crate::support::Lab;

#[tokio::test]
async fn default_rules_are_there_at_the_first_start_and_stay_as_people_want_them() {
    let lab = Lab::start().await;
    let admin = lab
        .user("root", ipmi_controller::model::Role::Admin, None)
        .await;
    let found = admin
        .get("/api/v1/rules?origin=default&search=ipmi-voltage")
        .await;
    let group = found.body["items"][0].clone();
    assert_eq!(group["name"], "ipmi-voltage", "{found:?}");
    assert_eq!(
        (&group["is_changed"], &group["update_available"]),
        (&json!(false), &json!(false))
    );
    let path = format!("/api/v1/rules/{}", group["id"]);
    assert_eq!(admin.delete(&path).await.status, StatusCode::CONFLICT);
    let mut changed = json!({"name": group["name"], "description": group["description"],
        "rules": group["rules"]});
    changed["rules"][1]["enabled"] = json!(false);
    let put = admin.put(&path, &changed).await;
    assert_eq!(
        put.body["is_changed"], false,
        "to disable is no change: {put:?}"
    );
    changed["rules"][0]["for"] = json!("1h");
    let put = admin.put(&path, &changed).await;
    assert_eq!(put.body["is_changed"], true, "{put:?}");
    let directory = lab.directory();
    lab.stop().await;

    let lab = Lab::start_in(directory, &[]).await;
    let admin = lab
        .user("second", ipmi_controller::model::Role::Admin, None)
        .await;
    let all = admin.get("/api/v1/rules?origin=default&limit=1000").await;
    assert_eq!(all.body["total"], shipped_rule_groups().len(), "none twice");
    let kept = admin.get(&path).await;
    assert_eq!(kept.body["rules"][0]["for"], "1h", "{kept:?}");
    let reset = admin.post(&format!("{path}/reset"), &json!({})).await;
    assert_eq!(reset.status, StatusCode::OK, "{reset:?}");
    assert_eq!(reset.body["rules"][0]["for"], group["rules"][0]["for"]);
    assert_eq!(reset.body["is_changed"], false);
    assert_eq!(reset.body["rules"][1]["enabled"], false, "stays disabled");
    let own = json!({"name": "own", "rules": [{"alert": "A", "expr": "up == 0"}]});
    let own = admin.post("/api/v1/rules", &own).await;
    let refused = admin
        .post(
            &format!("/api/v1/rules/{}/reset", own.body["id"]),
            &json!({}),
        )
        .await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    let trail = admin.get("/api/v1/audit?limit=1000").await;
    assert!(trail.text.contains("rule_group.reset") && trail.text.contains("ipmi_controller 0."));
    lab.stop().await;
}

#[tokio::test]
async fn prometheus_evaluates_the_default_rules_over_recorded_machines() {
    let fleet = Fleet::new().await;
    let prometheus = fleet.prometheus().await;
    let rules = rules(&prometheus).await;
    let shipped: usize = shipped_rule_groups()
        .iter()
        .map(|group| group.rules.len())
        .sum();
    assert_eq!(rules.len(), shipped);
    for rule in &rules {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    let answer = prometheus.get("/api/v1/alerts").await;
    let mut active = BTreeSet::new();
    for alert in answer["data"]["alerts"].as_array().unwrap() {
        let annotations = alert["annotations"].as_object().unwrap();
        assert_eq!(annotations.len(), 6, "{alert}");
        for text in annotations.values() {
            let text = text.as_str().unwrap();
            assert!(
                !text.contains("<error") && !text.contains("no value"),
                "{alert}"
            );
        }
        let label = |name: &str| {
            alert["labels"][name]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        active.insert(format!(
            "{} {} {}",
            label("alertname"),
            label("server_name"),
            label("name")
        ));
    }
    // What is wrong with these machines: one has lost a supply; one has a single
    // processor and supply and lacks fans, and its BMC complains of all that. The
    // third has fans at 0 under their thresholds, of which its BMC does not complain.
    assert_eq!(
        active.iter().map(String::as_str).collect::<Vec<_>>(),
        [
            "IpmiFanFailed quanta-d51 Fan_SSD0",
            "IpmiFanFailed quanta-d51 Fan_SSD1",
            "IpmiPowerCritical quanta-d51 PSU2 Input",
            "IpmiPowerSupplyFailed dell-poweredge-r740xd PS Redundancy",
            "IpmiPowerSupplyFailed dell-poweredge-r740xd Status",
            "IpmiPowerSupplyFailed quanta-d51 PSU Redundancy",
            "IpmiPowerSupplyFailed quanta-d51 PSU2 Status",
            "IpmiVoltageCritical quanta-d51 Volt_VR_CPU1",
            "IpmiVoltageCritical quanta-d51 Volt_VR_DIMM_EF",
            "IpmiVoltageCritical quanta-d51 Volt_VR_DIMM_GH",
        ]
    );
    fleet.lab.stop().await;
}
