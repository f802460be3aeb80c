//! Writes families one after another into one buffer.

use super::{Format, LabelText, write_number};

/// Collects the answer to one scrape.
pub struct Writer {
    out: String,
    format: Format,
    family: &'static str,
}

/// What the names of counters end with.
const TOTAL: &str = "_total";

impl Writer {
    /// Starts an answer; `expected_bytes` saves the buffer from growing.
    pub fn new(format: Format, expected_bytes: usize) -> Self {
        Self {
            out: String::with_capacity(expected_bytes),
            format,
            family: "",
        }
    }

    /// Starts a family of gauges. Families come in alphabetical order, each at
    /// most once, and none without samples.
    pub fn gauge(&mut self, name: &'static str, help: &str) {
        self.head(name, name, help, " gauge\n");
    }

    /// Starts a family of counters, whose name ends with `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) {
        // In OpenMetrics the suffix belongs to the samples only.
        let family = match self.format {
            Format::OpenMetrics => name.strip_suffix(TOTAL).unwrap_or(name),
            Format::Text => name,
        };
        self.head(name, family, help, " counter\n");
    }

    fn head(&mut self, name: &'static str, family: &str, help: &str, kind: &str) {
        debug_assert!(self.family < name, "{name} comes after {}", self.family);
        self.family = name;
        self.out.push_str("# HELP ");
        self.out.push_str(family);
        self.out.push(' ');
        self.help(help);
        self.out.push_str("\n# TYPE ");
        self.out.push_str(family);
        self.out.push_str(kind);
    }

    fn help(&mut self, help: &str) {
        if !help.contains(['\\', '\n', '"']) {
            self.out.push_str(help);
            return;
        }
        for character in help.chars() {
            match (character, self.format) {
                ('\\', _) => self.out.push_str("\\\\"),
                ('\n', _) => self.out.push_str("\\n"),
                ('"', Format::OpenMetrics) => self.out.push_str("\\\""),
                (other, _) => self.out.push(other),
            }
        }
    }

    /// Adds a sample to the family that was started last.
    pub fn sample(&mut self, labels: &LabelText, value: f64) {
        self.out.push_str(self.family);
        self.out.push_str(labels.as_str());
        self.out.push(' ');
        write_number(&mut self.out, value);
        self.out.push('\n');
    }

    /// Gives what was written, without the format's last line.
    pub fn into_part(self) -> String {
        self.out
    }

    /// Gives the whole answer.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format) -> String {
        let mut writer = Writer::new(format, 0);
        writer.gauge("ipmi_a", "Say \"a\"\\b.");
        writer.sample(&LabelText::none(), 1.5);
        writer.gauge("ipmi_b", "B.");
        writer.sample(&LabelText::none().with("id", "1"), f64::NAN);
        writer.sample(&LabelText::none().with("id", "2"), 2.0);
        writer.finish()
    }

    #[test]
    fn text_format() {
        assert_eq!(
            written(Format::Text),
            "# HELP ipmi_a Say \"a\"\\\\b.\n# TYPE ipmi_a gauge\nipmi_a 1.5\n\
             # HELP ipmi_b B.\n# TYPE ipmi_b gauge\n\
             ipmi_b{id=\"1\"} NaN\nipmi_b{id=\"2\"} 2\n"
        );
    }

    #[test]
    fn counters_keep_their_suffix_in_samples() {
        let written = |format| {
            let mut writer = Writer::new(format, 0);
            writer.counter("ipmi_a_total", "A.");
            writer.sample(&LabelText::none(), 1.0);
            writer.into_part()
        };
        assert_eq!(
            written(Format::Text),
            "# HELP ipmi_a_total A.\n# TYPE ipmi_a_total counter\nipmi_a_total 1\n"
        );
        assert_eq!(
            written(Format::OpenMetrics),
            "# HELP ipmi_a A.\n# TYPE ipmi_a counter\nipmi_a_total 1\n"
        );
    }

    #[test]
    fn open_metrics_escapes_quotes_in_help_and_ends_with_eof() {
        let text = written(Format::OpenMetrics);
        assert!(
            text.starts_with("# HELP ipmi_a Say \\\"a\\\"\\\\b.\n"),
            "{text}"
        );
        assert!(text.ends_with("ipmi_b{id=\"2\"} 2\n# EOF\n"), "{text}");
    }
}
