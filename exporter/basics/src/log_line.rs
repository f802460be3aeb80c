//! Log lines in the form that the stock exporter's users grep: one line an
//! event, `time=… level=… source=… msg="…" key=value`, or the same keys as JSON.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime as Rfc3339};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes an event as a line, for [`mod@tracing_subscriber::fmt`].
#[derive(Clone, Copy, Debug)]
pub struct Line {
    is_json: bool,
}

impl Line {
    /// Lines in JSON, or in logfmt.
    #[must_use]
    pub fn new(is_json: bool) -> Self {
        Self { is_json }
    }
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut time = String::new();
        Rfc3339.format_time(&mut Writer::new(&mut time))?;
        let file = metadata.file().unwrap_or_default();
        let file = file.rsplit_once("src/").map_or(file, |(_, path)| path);
        let source = format!("{file}:{}", metadata.line().unwrap_or_default());

        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Pairs::new(self.is_json);
        line.add("time", &time);
        line.add("level", metadata.level().as_str());
        line.add("source", &source);
        line.add("msg", &fields.message);
        for (name, value) in &fields.others {
            line.add(name, value);
        }
        writeln!(writer, "{}", line.finish())
    }
}

/// An event's message and its other fields, in their order.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.others.push((field.name(), text));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// Key-value pairs in one of the two forms.
struct Pairs {
    text: String,
    is_json: bool,
}

impl Pairs {
    fn new(is_json: bool) -> Self {
        Self {
            text: String::new(),
            is_json,
        }
    }

    fn add(&mut self, key: &str, value: &str) {
        let separator = match (self.text.is_empty(), self.is_json) {
            (true, true) => "{",
            (true, false) => "",
            (false, true) => ",",
            (false, false) => " ",
        };
        self.text.push_str(separator);
        // Writing to a String cannot fail.
        let _ = if self.is_json {
            write!(self.text, "{}:{}", quoted(key), quoted(value))
        } else if needs_quotes(value) {
            write!(self.text, "{key}={}", quoted(value))
        } else {
            write!(self.text, "{key}={value}")
        };
    }

    fn finish(mut self) -> String {
        if self.is_json {
            self.text.push('}');
        }
        self.text
    }
}

/// Quoted so that whatever a BMC or a client wrote stays on one line and cannot
/// be taken for a key.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn needs_quotes(value: &str) -> bool {
    value.is_empty()
        || value
            .chars()
            .any(|character| character <= ' ' || "=\"\\\u{7f}".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(is_json: bool) -> String {
        let mut pairs = Pairs::new(is_json);
        pairs.add("level", "INFO");
        pairs.add("msg", "Listening on");
        pairs.add("name", "a\"b\nc=d");
        pairs.add("empty", "");
        pairs.finish()
    }

    #[test]
    fn lines_are_logfmt_or_json_and_stay_lines() {
        assert_eq!(
            line(false),
            r#"level=INFO msg="Listening on" name="a\"b\nc=d" empty="""#
        );
        assert_eq!(
            line(true),
            r#"{"level":"INFO","msg":"Listening on","name":"a\"b\nc=d","empty":""}"#
        );
    }
}
