//! What both services of this project need to be operated, whatever their
//! business is: log lines, the metrics of a process, the older text format of
//! metrics, connections that make room when they are idle or slow, and the
//! question whether a service is well.
#![forbid(unsafe_code)]

mod connections;
pub mod health;
mod log_line;
mod process;
mod text_format;

pub use connections::{Activity, Busy, Connections, Limits, Place, Watched, drive};
pub use log_line::Line;
pub use process::ProcessCollector;
pub use text_format::from_open_metrics;
