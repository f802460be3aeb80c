//! An exporter that follows a controller, in a home that outlives it.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::lab::{LIMIT, own_metric, own_metrics};
use crate::support::exporter::Exporter;
use crate::support::http::{self, Response};
use crate::support::wait_for;

/// Where an exporter keeps what it needs: token, sealed copy, key.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new(token: &str) -> Self {
        let home = Self(TempDir::new().expect("a directory"));
        home.set_token(token);
        home
    }

    /// Replaced as operators do: whole, by renaming.
    pub(crate) fn set_token(&self, token: &str) {
        let new = self.path("token.new");
        fs::write(&new, format!("{token}\n")).expect("a file");
        fs::rename(new, self.path("token")).expect("a file");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What makes an exporter follow a controller; with a cache if wanted.
    pub(crate) fn arguments(&self, url: &str, has_cache: bool) -> Vec<String> {
        let mut arguments = vec![
            format!("--controller.url={url}"),
            format!("--controller.token-file={}", self.path("token").display()),
            "--log.level=debug".to_owned(),
        ];
        if has_cache {
            arguments.push(format!("--cache.dir={}", self.path("cache").display()));
        }
        arguments
    }

    /// Starts an exporter with a cache.
    pub(crate) fn start(&self, url: &str) -> Exporter {
        Exporter::ours_without_file(&self.arguments(url, true))
    }
}

pub(crate) fn get(exporter: &Exporter, path: &str) -> Response {
    http::get(exporter.address, path).expect("an answer")
}

pub(crate) fn reload(exporter: &Exporter) -> Response {
    http::request(exporter.address, "POST", "/-/reload", &[]).expect("an answer")
}

/// Where the configuration in use is from, as the metrics tell it.
pub(crate) fn source(exporter: &Exporter) -> Option<String> {
    let metrics = own_metrics(exporter);
    metrics
        .series
        .keys()
        .find(|series| series.name == "ipmi_exporter_controller_config_info")
        .map(|series| series.labels["source"].clone())
}

pub(crate) fn failures(exporter: &Exporter, reason: &str) -> f64 {
    let labels = [("reason", reason)];
    own_metric(exporter, "ipmi_exporter_controller_failures_total", &labels)
}

/// Waits until a module is known.
pub(crate) fn wait_for_module(exporter: &Exporter, name: &str) {
    wait_for("a module", LIMIT, || {
        let option = format!(">{name}</option>");
        get(exporter, "/").body.contains(&option).then_some(())
    });
}
