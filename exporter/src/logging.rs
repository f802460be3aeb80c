//! Log lines in the form that the stock exporter's users grep: one line an
//! event, `time=… level=… source=… msg="…" key=value`, or the same keys as JSON.

use service_basics::Line;

use crate::cli::{LogArgs, LogFormat, LogLevel};

/// Sends log lines of this program to standard error from now on.
pub fn start(arguments: LogArgs) {
    let level = match arguments.level {
        LogLevel::Debug => tracing::Level::DEBUG,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Error => tracing::Level::ERROR,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .event_format(Line::new(arguments.format == LogFormat::Json))
        .init();
}
