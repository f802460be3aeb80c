//! Label sets, rendered once and used for every scrape.

/// A label set in the form in which it stands behind a metric name:
/// `{id="3",name="CPU1 Temp"}`, or nothing.
///
/// Labels must be added in alphabetical order, as the stock exporter writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelText(String);

impl LabelText {
    /// The label set without labels.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a label.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if self.0.pop().is_some() {
            self.0.push(',');
        } else {
            self.0.push('{');
        }
        self.0.push_str(name);
        self.0.push_str("=\"");
        escape(&mut self.0, value);
        self.0.push_str("\"}");
        self
    }

    /// The rendered text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Both formats escape label values alike.
fn escape(out: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_joined() {
        assert_eq!(LabelText::none().as_str(), "");
        let labels = LabelText::none()
            .with("id", "3")
            .with("name", "a\"b\\c\nd, é");
        assert_eq!(labels.as_str(), r#"{id="3",name="a\"b\\c\nd, é"}"#);
    }
}
