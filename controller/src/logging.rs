//! Where log lines go and how they look.

use service_basics::Line;
use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Sends log lines of this program to standard error from now on. The variable
/// `RUST_LOG` wins over the configured level.
///
/// # Errors
/// When the configured level is none.
pub fn start(config: &LogConfig) -> Result<(), String> {
    let filter = match EnvFilter::try_from_default_env() {
        Ok(filter) => filter,
        Err(_) => config.filter()?,
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .event_format(Line::new(config.format == LogFormat::Json))
        .init();
    Ok(())
}
