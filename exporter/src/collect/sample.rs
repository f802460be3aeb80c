//! Samples of the additional collectors: metric, labels and value in one, so
//! that a collector says in its own file what it tells, and answers, `probe` and
//! tests need to know nothing more.

use crate::exposition::LabelText;

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows, until it starts over. The name ends with `_total`.
    Counter,
}

/// One metric family.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with the unit in it.
    pub name: &'static str,
    /// The HELP text.
    pub help: &'static str,
    /// Gauge or counter.
    pub kind: Kind,
}

/// One series and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The family.
    pub metric: &'static Metric,
    /// Labels, by name.
    pub labels: Vec<(&'static str, String)>,
    /// A finite number.
    pub value: f64,
}

impl Sample {
    /// The labels as they stand behind the name.
    pub fn label_text(&self) -> LabelText {
        self.labels
            .iter()
            .fold(LabelText::none(), |text, (name, value)| {
                text.with(name, value)
            })
    }
}

/// What one additional collector tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples(Vec<Sample>);

impl Samples {
    /// All of them, those of one metric in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Sample> {
        self.0.iter()
    }

    /// Adds a series without labels.
    pub fn put(&mut self, metric: &'static Metric, value: f64) {
        self.put_with(metric, Vec::new(), value);
    }

    /// Adds a series. A value that is no number is left out. A second series of
    /// the same labels is left out by whoever writes the answer.
    pub fn put_with(
        &mut self,
        metric: &'static Metric,
        mut labels: Vec<(&'static str, String)>,
        value: f64,
    ) {
        labels.sort_unstable();
        if value.is_finite() {
            self.0.push(Sample {
                metric,
                labels,
                value,
            });
        }
    }

    /// Adds all of another collector's part.
    pub fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds 1 or 0.
    pub fn put_flag(
        &mut self,
        metric: &'static Metric,
        labels: Vec<(&'static str, String)>,
        is_set: bool,
    ) {
        self.put_with(metric, labels, f64::from(u8::from(is_set)));
    }

    /// Adds one series for each of the words `all`, 1 for those that `is_set`.
    pub fn put_states(
        &mut self,
        metric: &'static Metric,
        label: &'static str,
        all: &[&str],
        is_set: impl Fn(usize) -> bool,
    ) {
        for (index, word) in all.iter().enumerate() {
            self.put_flag(metric, vec![(label, (*word).to_owned())], is_set(index));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static METRIC: Metric = Metric {
        name: "ipmi_m",
        help: "M.",
        kind: Kind::Gauge,
    };

    #[test]
    fn a_series_has_a_number_and_sorted_labels() {
        let mut samples = Samples::default();
        let labels = vec![("name", "x".to_owned()), ("id", "1".to_owned())];
        samples.put_with(&METRIC, labels, 1.0);
        samples.put(&METRIC, f64::NAN);
        samples.put(&METRIC, f64::INFINITY);
        let all: Vec<&Sample> = samples.iter().collect();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].label_text().as_str(), r#"{id="1",name="x"}"#);
        assert_eq!(all[0].value, 1.0);
    }

    #[test]
    fn states_are_one_series_a_word() {
        let mut samples = Samples::default();
        samples.put_states(&METRIC, "state", &["on", "off"], |index| index == 1);
        let values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
        assert_eq!(values, [0.0, 1.0]);
    }
}
