//! The key `log`.

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// Words for what is written.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// How log lines look, and which are written.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// How a line looks.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`; more after a comma for single
    /// parts, such as `info,access=off`.
    pub level: String,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `key=value`.
    #[default]
    Logfmt,
    /// One JSON object.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            level: "info".to_owned(),
        }
    }
}

impl LogConfig {
    /// Which lines are written.
    ///
    /// # Errors
    /// A sentence that names the key.
    pub fn filter(&self) -> Result<EnvFilter, String> {
        EnvFilter::builder().parse(&self.level).map_err(|error| {
            format!(
                "log.level: \"{}\" is no level, such as info or info,access=off: {error}",
                self.level
            )
        })
    }

    pub(super) fn check(&self) -> Result<(), String> {
        // A word that is no level would be taken for the name of a part.
        let is_level = |word: &str| LEVELS.contains(&word.to_ascii_lowercase().as_str());
        for part in self.level.split(',').map(str::trim) {
            let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
            if !is_level(level) {
                return Err(format!(
                    "log.level: \"{level}\" is no level; there are {}",
                    LEVELS.join(", ")
                ));
            }
        }
        self.filter().map(|_| ())
    }
}
