//! Asks `amtool` whether Alertmanager would take a configuration: bounded in time
//! and output, without a shell, away from the file that Alertmanager reads. Secrets
//! go through a pipe and never to a disk.

use std::io;
use std::path::PathBuf;

use crate::promtool::{INPUT, Judgement, judge};
use crate::render::alertmanager::AlertmanagerFile;

/// The program that judges configurations of Alertmanager.
#[derive(Clone, Debug, Default)]
pub struct Amtool {
    configured: Option<PathBuf>,
}

impl Amtool {
    /// The configured program, or `amtool` of the path.
    #[must_use]
    pub fn new(configured: Option<PathBuf>) -> Self {
        Self { configured }
    }

    /// Judges a configuration with its templates. What it says has no secret in it.
    pub async fn check_config(&self, file: &AlertmanagerFile) -> Judgement {
        let templates = match Templates::write(file) {
            Ok(templates) => templates,
            Err(error) => {
                return Judgement::Failed(format!(
                    "templates cannot be laid before amtool: {error}"
                ));
            }
        };
        let directory = templates.directory.display().to_string();
        let input = file.bytes_with_templates_in(&directory);
        let arguments = ["check-config", INPUT];
        let configured = self.configured.as_deref();
        match judge("amtool", configured, &arguments, &input).await {
            Judgement::Refused(said) => {
                Judgement::Refused(verdict(&file.without_secrets(&said), &directory))
            }
            other => other,
        }
    }
}

/// What it found, without the frame around it.
fn verdict(said: &str, directory: &str) -> String {
    let said = said.replace(&format!("{directory}/"), "");
    let found = said
        .split_once("FAILED: ")
        .map_or(said.as_str(), |(_, found)| found);
    let lines = found.lines().map(str::trim);
    let lines: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !line.starts_with("amtool: error: failed to validate"))
        .collect();
    lines.join("; ")
}

/// Template files in a directory of their own, as long as this lives.
struct Templates {
    directory: PathBuf,
}

impl Templates {
    fn write(file: &AlertmanagerFile) -> io::Result<Self> {
        let name = format!("ipmi_controller-{}", uuid::Uuid::now_v7());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory)?;
        let templates = Self { directory };
        for (name, content) in file.templates() {
            std::fs::write(templates.directory.join(name), content)?;
        }
        Ok(templates)
    }
}

impl Drop for Templates {
    fn drop(&mut self) {
        // What stays holds no secret, and nobody reads it.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> AlertmanagerFile {
        AlertmanagerFile::found(text.as_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn it_says_what_is_wrong_without_a_frame() {
        let amtool = Amtool::default();
        let good = "route: {receiver: x}\nreceivers: [{name: x}]\n";
        assert_eq!(amtool.check_config(&file(good)).await, Judgement::Good);
        let bad = good.replace("receiver: x", "receiver: y");
        let Judgement::Refused(reason) = amtool.check_config(&file(&bad)).await else {
            panic!("not refused");
        };
        assert_eq!(reason, "undefined receiver \"y\" used in route");
    }

    #[tokio::test]
    async fn a_program_that_does_not_judge_is_no_verdict() {
        let amtool = Amtool::new(Some(PathBuf::from("/nonexistent/amtool")));
        let judged = amtool.check_config(&file("")).await;
        assert!(matches!(&judged, Judgement::Failed(why) if why.contains("cannot be run")));
    }
}
