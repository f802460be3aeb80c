//! What both services of this project need to be operated, whatever their
//! business is: log lines, the metrics of a process, the older text format of
//! metrics, and connections that make room when they are idle or slow.
#![forbid(unsafe_code)]

mod connections;
mod log_line;
mod process;
mod text_format;

pub use connections::{Activity, Busy, Connections, Limits, Place, Watched, drive};
pub use log_line::Line;
pub use process::ProcessCollector;
pub use text_format::from_open_metrics;
