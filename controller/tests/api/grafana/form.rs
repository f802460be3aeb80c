//! The dashboards against Grafana's published schemas.

use ipmi_controller::dashboards::{self, Language, Options};
use serde_json::Value;

fn schema(file: &str) -> Value {
    let path = format!("{}/tests/data/grafana/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("a schema")
}

/// What a schema finds wrong.
fn mistakes(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::draft7::new(schema).expect("a schema of draft 7");
    let mistakes = validator.iter_errors(value);
    mistakes
        .map(|mistake| format!("{}: {mistake}", mistake.instance_path()))
        .collect()
}

#[test]
fn every_dashboard_has_the_form_that_grafana_publishes() {
    let whole = schema("dashboard.schema.json");
    let parts = schema("panels.schema.json");
    let bare = Options::default();
    let full = Options {
        language: Language::Zh,
        data_source: Some("ipmi-prometheus".to_owned()),
        page: Some("https://controller.example.org/".to_owned()),
    };
    let mut panels = 0;
    for options in [bare, full] {
        for dashboard in dashboards::all() {
            let uid = dashboard.uid;
            let written = dashboard.write(&options);
            assert_eq!(mistakes(&whole, &written), Vec::<String>::new(), "{uid}");
            for panel in written["panels"].as_array().expect("a list") {
                let kind = panel["type"].as_str().expect("a word").replace('-', "");
                if kind == "row" {
                    continue;
                }
                panels += 1;
                let place = format!("{uid}: {}", panel["title"]);
                let found = mistakes(&parts[&kind]["Options"], &panel["options"]);
                assert_eq!(found, Vec::<String>::new(), "{place}");
                let defaults = &panel["fieldConfig"]["defaults"];
                if let Some(custom) = defaults.get("custom") {
                    let found = mistakes(&parts[&kind]["FieldConfig"], custom);
                    assert_eq!(found, Vec::<String>::new(), "{place}");
                }
                assert!(
                    defaults["unit"]
                        .as_str()
                        .is_some_and(|unit| !unit.is_empty()),
                    "{place} has no unit"
                );
                assert!(
                    panel["description"]
                        .as_str()
                        .is_some_and(|text| text.len() > 10),
                    "{place} has no description"
                );
            }
        }
    }
    assert!(panels > 100, "{panels}");
}

#[test]
fn the_schema_notices_what_grafana_would_not_take() {
    let whole = schema("dashboard.schema.json");
    let mut written = dashboards::all()[0].write(&Options::default());
    written["panels"][1]["datasource"] = Value::from("Prometheus");
    assert_ne!(mistakes(&whole, &written), Vec::<String>::new());
}
