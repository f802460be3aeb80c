//! Servers that the controller talks to, and what they must be able to do.

use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Report;
use crate::clock::{Clock, Timestamp};
use crate::config::{Config, PrometheusConfig};
use crate::dashboards::FOLDER_UID;
use crate::grafana;
use crate::monitoring::Monitoring;
use crate::oidc::Oidc;
use crate::prometheus::Client;

/// Clocks that differ more make alerts end at the wrong time.
const MAX_SKEW: Duration = Duration::from_secs(10);

/// Every Prometheus of the configuration.
pub(super) async fn prometheus(config: &Config, report: &mut Report) {
    for server in config.prometheus.iter() {
        one(config, server, report).await;
    }
}

async fn one(config: &Config, server: &PrometheusConfig, report: &mut Report) {
    let subject = key(config, server, "url");
    let client = match Client::new(server) {
        Ok(Some(client)) => client,
        Ok(None) => {
            report.warning(subject, "is not set; nobody looks whether targets arrive");
            return;
        }
        Err(error) => {
            report.error(subject, error.to_string());
            return;
        }
    };
    let version = match data(&client, "api/v1/status/buildinfo", &[]).await {
        Ok(info) => info["version"].as_str().unwrap_or("?").to_owned(),
        Err(message) => {
            report.error(
                subject,
                format!("{message}; is it running, and are address and log-in right?"),
            );
            return;
        }
    };
    report.ok(
        subject,
        format!("Prometheus {version} answers at {}", client.url()),
    );
    skew(&client, report).await;
    flags(config, server, &client, report).await;
    configuration(config, server, &client, report).await;
    alertmanagers(&client, report).await;
}

/// The name of a key of one Prometheus.
pub(super) fn key(config: &Config, server: &PrometheusConfig, key: &str) -> String {
    match config.prometheus.len() {
        1 => format!("prometheus.{key}"),
        _ => format!("prometheus.{key} of {}", server.name),
    }
}

async fn skew(client: &Client, report: &mut Report) {
    let subject = "clock";
    let Ok(answer) = data(client, "api/v1/query", &[("query", "time()")]).await else {
        report.warning(subject, "Prometheus does not tell its time");
        return;
    };
    let now = Clock::System.now();
    let theirs = answer["result"][0].as_f64().unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds fit")]
    let theirs = Timestamp((theirs * 1000.0) as i64);
    let skew = now.since(theirs).max(theirs.since(now));
    if skew > MAX_SKEW {
        report.error(
            subject,
            format!(
                "it is {} s away from that of Prometheus; use NTP on both",
                skew.as_secs()
            ),
        );
    } else {
        report.ok(subject, "agrees with that of Prometheus");
    }
}

async fn flags(config: &Config, server: &PrometheusConfig, client: &Client, report: &mut Report) {
    let flags = match data(client, "api/v1/status/flags", &[]).await {
        Ok(flags) => flags,
        Err(message) => {
            report.warning("prometheus", message);
            return;
        }
    };
    let is_on = |flag: &str| flags[flag] == "true";
    if is_on("web.enable-lifecycle") {
        report.ok("prometheus", "can be told to reload");
    } else if let Some(file) = &server.rules_file {
        report.error(
            super::named(&key(config, server, "rules_file"), file),
            "Prometheus cannot be told to read it; start it with --web.enable-lifecycle",
        );
    }
    if config.snapshot.interval().is_some() {
        if is_on("web.enable-admin-api") {
            report.ok("snapshot", "Prometheus makes snapshots");
        } else {
            report.error(
                "snapshot",
                "Prometheus makes none; start it with --web.enable-admin-api, or set snapshot.interval_hours to 0",
            );
        }
    }
}

async fn configuration(
    config: &Config,
    server: &PrometheusConfig,
    client: &Client,
    report: &mut Report,
) {
    let subject = format!("{}: {}", key(config, server, "job"), server.job);
    let found = data(client, "api/v1/status/config", &[]).await;
    let yaml = found.as_ref().ok().and_then(|found| found["yaml"].as_str());
    let Some(Ok(theirs)) = yaml.map(serde_saphyr::from_str::<Value>) else {
        report.warning(subject, "Prometheus does not show its configuration");
        return;
    };
    if let Some(file) = &server.rules_file {
        let subject = super::named(&key(config, server, "rules_file"), file);
        let patterns = texts(&theirs["rule_files"]);
        is_read(file, subject, "Prometheus", "rule_files", &patterns, report);
    }
    let jobs = theirs["scrape_configs"].as_array();
    let job = jobs
        .into_iter()
        .flatten()
        .find(|job| job["job_name"] == *server.job);
    let Some(job) = job else {
        report.error(
            subject,
            "Prometheus has no such scrape job; add it to its scrape_configs as docs/controller.md shows",
        );
        return;
    };
    report.ok(subject, "Prometheus has this scrape job");
    let Some(file) = &server.targets_file else {
        return;
    };
    let entries = job["file_sd_configs"].as_array().into_iter().flatten();
    let patterns: Vec<&str> = entries.flat_map(|entry| texts(&entry["files"])).collect();
    let subject = super::named(&key(config, server, "targets_file"), file);
    is_read(
        file,
        subject,
        "the job",
        "file_sd_configs",
        &patterns,
        report,
    );
}

fn texts(list: &Value) -> Vec<&str> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

/// Whether patterns of Prometheus' configuration name a file of ours.
fn is_read(
    file: &Path,
    subject: String,
    who: &str,
    section: &str,
    patterns: &[&str],
    report: &mut Report,
) {
    if patterns.iter().any(|pattern| may_mean(pattern, file)) {
        report.ok(subject, format!("{who} reads it"));
        return;
    }
    let read = match patterns {
        [] => "no files".to_owned(),
        patterns => patterns.join(", "),
    };
    report.error(
        subject,
        format!("{who} reads {read}; name this file in its {section}"),
    );
}

/// Whether a pattern of Prometheus may stand for a file. Where it runs in a
/// container the directory has another name there, so only file names are
/// compared.
fn may_mean(pattern: &str, file: &Path) -> bool {
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let pattern = pattern.rsplit('/').next().unwrap_or_default();
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

async fn alertmanagers(client: &Client, report: &mut Report) {
    let subject = "alertmanager";
    match data(client, "api/v1/alertmanagers", &[]).await {
        Err(message) => report.warning(subject, message),
        Ok(found) => match found["activeAlertmanagers"].as_array() {
            Some(active) if !active.is_empty() => {
                report.ok(subject, format!("Prometheus sends alerts to {}", active.len()));
            }
            _ => report.warning(
                subject,
                "Prometheus sends alerts to nobody; name Alertmanager and this controller in its alerting section as docs/controller.md shows",
            ),
        },
    }
}

/// What answers queries, where that is not Prometheus; Alertmanager and Grafana.
pub(super) async fn others(config: &Config, report: &mut Report) {
    let monitoring = match Monitoring::new(config) {
        Ok(monitoring) => monitoring,
        Err(error) => return report.error("query, alertmanager, grafana", error.to_string()),
    };
    for component in monitoring.health(&[]).await.components {
        let (key, url) = match component.name.as_str() {
            "alertmanager" => ("alertmanager.url", &config.alertmanager.first().url),
            "grafana" => ("grafana.url", &config.grafana.url),
            _ => ("query.url", &config.query.url),
        };
        let Some(url) = url else { continue };
        let result = match component.message {
            None => Ok(format!("answers at {url}")),
            Some(message) => Err(format!(
                "{url}: {message}; is it running, and are address and log-in right?"
            )),
        };
        report.result(key, result);
    }
}

/// The OpenID Connect provider.
pub(super) async fn oidc(config: &Config, report: &mut Report) {
    let subject = "oidc.issuer";
    match Oidc::new(&config.oidc) {
        Ok(None) => {}
        Err(error) => report.error(subject, error.to_string()),
        Ok(Some(oidc)) => match oidc.discover().await {
            Ok(()) => report.ok(subject, "the provider answers"),
            Err(error) => report.error(subject, error.to_string()),
        },
    }
}

/// The part `data` of an answer.
/// Whether Grafana knows the token with which dashboards are kept there.
pub(super) async fn grafana(config: &Config, report: &mut Report) {
    if config.grafana.token_file.is_none() {
        return;
    }
    let subject = "grafana.token_file";
    match grafana::Client::new(&config.grafana) {
        Ok(None) => {}
        Err(error) => report.error(subject, error.to_string()),
        Ok(Some(client)) => match client.folder(FOLDER_UID).await {
            Ok(_) => report.ok(subject, "Grafana accepts the token"),
            // The service works without it.
            Err(error) => report.warning(subject, error.to_string()),
        },
    }
}

async fn data(client: &Client, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
    let body = client
        .get(path, query)
        .await
        .map_err(|error| error.to_string())?;
    let mut answer: Value = parse(&body)?;
    Ok(answer["data"].take())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body)
        .map_err(|_| "it answers with something else than JSON; is it a Prometheus?".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_compared_by_the_name_of_the_file() {
        let file = Path::new("/var/lib/x/targets.json");
        for (pattern, may) in [
            ("/var/lib/x/targets.json", true),
            ("/in/a/container/targets.json", true),
            ("/sd/*.json", true),
            ("/sd/targets*.json", true),
            ("/sd/other.json", false),
            ("/sd/*.yml", false),
        ] {
            assert_eq!(may_mean(pattern, file), may, "{pattern}");
        }
    }
}
