//! A real Prometheus on loopback, and `promtool`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::exposition::{Series, number};
use super::http::{self, query_value};
use super::process::{Process, program};
use super::{ANY_PORT, wait_for};

/// File discovery alone may take five seconds in Prometheus.
const SCRAPE_LIMIT: Duration = Duration::from_secs(20);

/// A running Prometheus.
pub(crate) struct Prometheus {
    address: SocketAddr,
    process: Process,
    home: TempDir,
}

impl Prometheus {
    /// Starts it with the given files (name, content) in its directory, of
    /// which `prometheus.yml` is its configuration; waits until it is ready.
    pub(crate) fn start(files: &[(&str, &str)]) -> Self {
        Self::start_with(files, &[])
    }

    /// The same with more flags.
    pub(crate) fn start_with(files: &[(&str, &str)], flags: &[&str]) -> Self {
        let prometheus = program("prometheus", "prometheus");
        let home = TempDir::new().expect("temporary directory");
        for (name, content) in files {
            std::fs::write(home.path().join(name), content).expect("file for Prometheus");
        }
        let mut process = Process::start(&prometheus, |command| {
            command
                .current_dir(home.path())
                .arg("--config.file=prometheus.yml")
                .arg("--storage.tsdb.path=data")
                .arg(ANY_PORT)
                .args(flags);
        });
        let address = process.listening();
        wait_for("Prometheus to be ready", SCRAPE_LIMIT, || {
            let ready = http::get(address, "/-/ready");
            ready.is_ok_and(|answer| answer.status == 200).then_some(())
        });
        Self {
            address,
            process,
            home,
        }
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A file in its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Gives it another configuration.
    pub(crate) fn configure(&self, configuration: &str) {
        std::fs::write(self.path("prometheus.yml"), configuration).expect("file for Prometheus");
        let answer = http::request(self.address, "POST", "/-/reload", &[]);
        let answer = answer.expect("Prometheus answers");
        assert_eq!(answer.status, 200, "{}", self.log());
    }

    /// An instant query for series.
    pub(crate) fn query(&self, expression: &str) -> Vec<(Series, f64)> {
        let path = format!("/api/v1/query?query={}", query_value(expression));
        let answer = http::get(self.address, &path).expect("Prometheus answers");
        assert_eq!(answer.status, 200, "{expression}: {}", answer.body);
        let answer: Value = serde_json::from_str(&answer.body).expect("the API answers JSON");
        let result = answer["data"]["result"].as_array().expect("a vector");
        result.iter().map(sample).collect()
    }

    /// Waits until an instant query has a result.
    pub(crate) fn wait_for(&self, expression: &str) -> Vec<(Series, f64)> {
        wait_for(expression, SCRAPE_LIMIT, || {
            let result = self.query(expression);
            (!result.is_empty()).then_some(result)
        })
    }

    /// What went wrong with the scrapes, for failure messages.
    pub(crate) fn targets(&self) -> String {
        http::get(self.address, "/api/v1/targets")
            .map_or_else(|error| error.to_string(), |answer| answer.body)
    }

    /// Its log.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}

fn sample(result: &Value) -> (Series, f64) {
    let mut labels = Vec::new();
    let mut name = "";
    for (label, value) in result["metric"].as_object().expect("labels") {
        let value = value.as_str().expect("label values are strings");
        if label == "__name__" {
            name = value;
        } else {
            labels.push((label.as_str(), value));
        }
    }
    let value = result["value"][1]
        .as_str()
        .and_then(number)
        .expect("a number");
    (Series::new(name, &labels), value)
}

/// The complaints of `promtool check metrics` about an exposition, one a line.
pub(crate) fn promtool_complaints(exposition: &str) -> Vec<String> {
    let mut promtool = Command::new(program("promtool", "prometheus"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool can be started");
    let mut stdin = promtool.stdin.take().expect("its input is a pipe");
    stdin
        .write_all(exposition.as_bytes())
        .expect("promtool reads its input");
    drop(stdin);
    let output = promtool.wait_with_output().expect("promtool ends");
    let complaints = [output.stdout, output.stderr].concat();
    let complaints: Vec<String> = String::from_utf8_lossy(&complaints)
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(
        output.status.success(),
        complaints.is_empty(),
        "{complaints:?}"
    );
    complaints
}
