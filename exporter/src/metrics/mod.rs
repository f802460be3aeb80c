//! The answer of `/ipmi`: the families of the stock exporter, and between them,
//! in alphabetical order, what the additional collectors tell.

mod stock;

use std::cmp::Ordering;
use std::collections::HashSet;
use std::time::Duration;

use crate::collect::{Kind, Results, Sample, SelEventCounts};
use crate::config::Module;
use crate::exposition::{Format, Writer};
use stock::{FAMILIES, Family};

/// What an answer is written from.
pub struct Answer<'a> {
    /// What was collected.
    pub results: &'a Results,
    /// With which collectors.
    pub module: &'a Module,
    /// How long it took.
    pub duration: Duration,
}

impl Answer<'_> {
    fn sel_events(&self) -> &SelEventCounts {
        static NONE: SelEventCounts = SelEventCounts::EMPTY;
        self.results.sel_events.as_deref().unwrap_or(&NONE)
    }
}

/// Writes the whole answer to one scrape.
pub fn render(answer: &Answer<'_>, format: Format) -> String {
    let writer = write(answer, format);
    writer.finish()
}

/// Writes the families without the format's last line, for an answer that goes on.
pub fn render_part(answer: &Answer<'_>, format: Format) -> String {
    write(answer, format).into_part()
}

fn write(answer: &Answer<'_>, format: Format) -> Writer {
    let sensors = answer
        .results
        .sensors
        .as_ref()
        .map_or(0, |readings| readings.samples.len());
    let mut additional: Vec<&Sample> = answer
        .results
        .additional
        .values()
        .flat_map(|samples| samples.iter())
        .collect();
    // Stable: the samples of a family stay in their order.
    additional.sort_by_key(|sample| sample.metric.name);
    let mut writer = Writer::new(format, 2048 + (sensors + additional.len()) * 160);
    let mut additional = additional
        .chunk_by(|a, b| a.metric.name == b.metric.name)
        .peekable();
    for family in FAMILIES {
        while let Some(samples) = additional.next_if(|samples| comes_before(samples, family)) {
            write_additional(&mut writer, samples);
        }
        write_stock(&mut writer, answer, family);
    }
    for samples in additional {
        write_additional(&mut writer, samples);
    }
    writer
}

fn comes_before(samples: &[&Sample], family: &Family) -> bool {
    samples
        .first()
        .is_some_and(|sample| sample.metric.name.cmp(family.name) == Ordering::Less)
}

fn write_stock(writer: &mut Writer, answer: &Answer<'_>, family: &Family) {
    let mut is_empty = true;
    (family.samples)(answer, &mut |labels, value| {
        if is_empty {
            writer.gauge(family.name, family.help);
            is_empty = false;
        }
        writer.sample(labels, value);
    });
}

fn write_additional(writer: &mut Writer, samples: &[&Sample]) {
    let Some(metric) = samples.first().map(|sample| sample.metric) else {
        return;
    };
    match metric.kind {
        Kind::Gauge => writer.gauge(metric.name, metric.help),
        Kind::Counter => writer.counter(metric.name, metric.help),
    }
    // Two series of the same labels would spoil the whole answer, and a BMC that
    // lies can make them: the first one counts.
    let mut written = HashSet::new();
    for sample in samples {
        let labels = sample.label_text();
        if !written.contains(&labels) {
            writer.sample(&labels, sample.value);
            written.insert(labels);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::collect::{METRICS, Samples};
    use crate::config::Collector;

    #[test]
    fn families_are_in_alphabetical_order_and_unique() {
        assert!(FAMILIES.is_sorted_by(|a, b| a.name < b.name));
        for family in FAMILIES {
            let is_taken = METRICS.iter().any(|metric| metric.name == family.name);
            assert!(!is_taken, "{}", family.name);
        }
    }

    #[test]
    fn additional_families_stand_between_the_others_and_repeat_nothing() {
        let mut samples = Samples::default();
        for metric in METRICS {
            samples.put(metric, 1.0);
            samples.put(metric, 2.0);
        }
        let mut results = Results::default();
        results
            .additional
            .insert(Collector::Guid, Arc::new(samples));
        let text = render(
            &Answer {
                results: &results,
                module: &Module::builtin(),
                duration: Duration::ZERO,
            },
            Format::Text,
        );
        let names: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
            .collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        assert_eq!(names.len(), METRICS.len() + 2);
        assert!(!text.contains(" 2\n"), "{text}");
    }

    #[test]
    fn without_results_only_up_and_duration_are_left() {
        let module = Module::builtin();
        let text = render(
            &Answer {
                results: &Results::default(),
                module: &module,
                duration: Duration::from_millis(1500),
            },
            Format::Text,
        );
        assert_eq!(
            text,
            "# HELP ipmi_scrape_duration_seconds Returns how long the scrape took to complete in seconds.\n\
             # TYPE ipmi_scrape_duration_seconds gauge\n\
             ipmi_scrape_duration_seconds 1.5\n\
             # HELP ipmi_up '1' if a scrape of the IPMI device was successful, '0' otherwise.\n\
             # TYPE ipmi_up gauge\n\
             ipmi_up{collector=\"bmc\"} 0\n\
             ipmi_up{collector=\"chassis\"} 0\n\
             ipmi_up{collector=\"dcmi\"} 0\n\
             ipmi_up{collector=\"ipmi\"} 0\n"
        );
    }
}
