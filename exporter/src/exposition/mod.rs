//! From metric families to the bytes that Prometheus reads. Pure.
//!
//! Every metric of `/ipmi` is a gauge, so text format 0.0.4 and OpenMetrics
//! differ only in escaping, content type and the last line.

mod format;
mod labels;
mod number;
mod writer;

pub use format::Format;
pub use labels::LabelText;
pub use number::write_number;
pub use writer::Writer;
