//! From the labels of a record to those that Prometheus tells others.

use regex::Regex;

use super::answer::{Alerting, Configuration, LabelMap, RelabelConfig};

/// Largest expression, compiled, in bytes.
const MAX_REGEX_BYTES: usize = 1024 * 1024;

/// What Prometheus does to the labels of an alert before it sends it.
#[derive(Debug)]
pub(super) struct Relabelling {
    external: LabelMap,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Drop(Regex),
    Keep(Regex),
}

impl Relabelling {
    /// What a configuration says.
    ///
    /// # Errors
    /// A sentence, when it does more to labels than can be followed here.
    pub(super) fn of(configuration: &Configuration) -> Result<Self, String> {
        let Alerting {
            alert_relabel_configs,
            alertmanagers,
        } = &configuration.alerting;
        if alertmanagers
            .iter()
            .any(|target| !target.alert_relabel_configs.is_empty())
        {
            return Err(
                "alert_relabel_configs of a single Alertmanager cannot be followed".to_owned(),
            );
        }
        let steps = alert_relabel_configs.iter().map(step);
        Ok(Self {
            external: configuration.global.external_labels.clone(),
            steps: steps.collect::<Result<_, _>>()?,
        })
    }

    /// The labels that Prometheus tells others of an alert with these.
    pub(super) fn apply(&self, mut labels: LabelMap) -> LabelMap {
        for (name, value) in &self.external {
            // Labels of the alert win.
            labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        for step in &self.steps {
            labels.retain(|name, _| match step {
                Step::Drop(regex) => !regex.is_match(name),
                Step::Keep(regex) => regex.is_match(name),
            });
        }
        labels
    }
}

fn step(config: &RelabelConfig) -> Result<Step, String> {
    let action = config.action.as_deref().unwrap_or("replace");
    let text = config.regex.as_deref().unwrap_or("(.*)");
    let regex = || {
        regex::RegexBuilder::new(&format!("^(?:{text})$"))
            .size_limit(MAX_REGEX_BYTES)
            .build()
            .map_err(|_| {
                "alert_relabel_configs has an expression that cannot be followed".to_owned()
            })
    };
    // Prometheus takes actions in any case.
    match action.to_lowercase().as_str() {
        "labeldrop" => regex().map(Step::Drop),
        "labelkeep" => regex().map(Step::Keep),
        _ => Err(format!(
            "alert_relabel_configs with the action \"{}\" cannot be followed; labeldrop and labelkeep can",
            action.chars().take(40).collect::<String>()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(relabel: &[(&str, &str)]) -> Configuration {
        let configs: Vec<serde_json::Value> = relabel
            .iter()
            .map(|(action, regex)| serde_json::json!({"action": action, "regex": regex}))
            .collect();
        serde_json::from_value(serde_json::json!({
            "global": {"external_labels": {"cluster": "lab", "replica": "a", "site": "x"}},
            "alerting": {"alert_relabel_configs": configs},
        }))
        .unwrap()
    }

    fn applied(relabel: &[(&str, &str)]) -> Vec<String> {
        let relabelling = Relabelling::of(&configuration(relabel)).unwrap();
        let labels = [("alertname", "A"), ("site", "own")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        relabelling
            .apply(labels.into())
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn labels_are_those_that_prometheus_sends() {
        assert_eq!(
            applied(&[]),
            ["alertname=A", "cluster=lab", "replica=a", "site=own"]
        );
        assert_eq!(
            applied(&[("labeldrop", "repl")]),
            ["alertname=A", "cluster=lab", "replica=a", "site=own"],
            "the whole name has to match"
        );
        assert_eq!(
            applied(&[("labeldrop", "replica|cluster")]),
            ["alertname=A", "site=own"]
        );
        assert_eq!(
            applied(&[("LabelKeep", "alert.*|cluster"), ("labeldrop", "cl.*")]),
            ["alertname=A"]
        );
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        for (action, regex) in [("replace", "x"), ("drop", "x"), ("labeldrop", "(")] {
            let error = Relabelling::of(&configuration(&[(action, regex)])).unwrap_err();
            assert!(error.contains("alert_relabel_configs"), "{error}");
        }
    }
}
