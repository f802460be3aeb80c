//! The dashboards as files: for Grafana's provisioning, and as a bundle in the
//! shape of a mixin, with the default rules.

use serde_json::json;

use super::{FOLDER_UID, Language, Options, all};
use crate::model::{PublishedGroup, shipped_rule_groups};

/// A file: its path below the bundle's folder, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path with forward slashes.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Where Grafana finds the dashboards in the examples.
const INSTALLED: &str = "/var/lib/grafana/dashboards/ipmi";

/// All files. The language of `options` is that which the mixin has; folders are
/// there for all.
#[must_use]
pub fn files(options: &Options) -> Vec<File> {
    let mut files = Vec::new();
    for language in Language::ALL {
        let options = Options {
            language,
            ..options.clone()
        };
        for dashboard in all() {
            let path = format!("dashboards/{}/{}.json", language.as_str(), dashboard.uid);
            files.push(json_file(path, &dashboard.write(&options)));
        }
    }
    files.push(File {
        path: "provisioning/dashboards/ipmi.yml".to_owned(),
        text: provider(),
    });
    files.push(File {
        path: "provisioning/datasources/ipmi.yml".to_owned(),
        text: data_source(),
    });
    files.push(json_file(
        "mixin/rules.json".to_owned(),
        &json!({"groups": rules()}),
    ));
    files.push(File {
        path: "mixin/mixin.libsonnet".to_owned(),
        text: mixin(options.language),
    });
    files
}

fn json_file(path: String, value: &serde_json::Value) -> File {
    File {
        path,
        // A tree of texts and numbers can always be written.
        text: format!("{value:#}\n"),
    }
}

fn provider() -> String {
    format!(
        "# Grafana reads the dashboards of one language from a folder. Made by\n\
         # `ipmi_controller dashboards`; not for the Grafana that a controller keeps.\n\
         apiVersion: 1\n\
         providers:\n\
         - name: ipmi\n  \
           type: file\n  \
           folder: IPMI\n  \
           folderUid: {FOLDER_UID}\n  \
           disableDeletion: false\n  \
           allowUiUpdates: false\n  \
           options:\n    \
             path: {INSTALLED}/en\n"
    )
}

fn data_source() -> String {
    "# Made by `ipmi_controller dashboards`. The variables are Grafana's environment.\n\
     apiVersion: 1\n\
     datasources:\n\
     - name: IPMI Prometheus\n  \
       uid: ipmi-prometheus\n  \
       type: prometheus\n  \
       access: proxy\n  \
       url: $IPMI_PROMETHEUS_URL\n  \
       jsonData:\n    \
         httpMethod: POST\n    \
         timeInterval: 60s\n  \
       # With a log-in:\n  \
       # basicAuth: true\n  \
       # basicAuthUser: $IPMI_PROMETHEUS_USER\n  \
       # secureJsonData:\n  \
       #   basicAuthPassword: $IPMI_PROMETHEUS_PASSWORD\n"
        .to_owned()
}

fn rules() -> Vec<PublishedGroup> {
    let groups = shipped_rule_groups().iter().map(|group| PublishedGroup {
        name: group.name.to_string(),
        interval: group.interval.clone(),
        rules: group.rules.clone(),
    });
    groups.collect()
}

fn mixin(language: Language) -> String {
    let mut text = "// The dashboards and the default rules for tools that read mixins. Made by\n\
                    // `ipmi_controller dashboards`.\n{\n  \
                    grafanaDashboardFolder:: 'IPMI',\n  grafanaDashboards+:: {\n"
        .to_owned();
    for dashboard in all() {
        let uid = dashboard.uid;
        let language = language.as_str();
        text.push_str(&format!(
            "    '{uid}.json': import '../dashboards/{language}/{uid}.json',\n"
        ));
    }
    text.push_str("  },\n  prometheusAlerts+:: import 'rules.json',\n}\n");
    text
}
