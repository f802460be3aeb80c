//! One collection in both exposition formats.

use crate::support::exporter::Exporter;
use crate::support::exposition::{Exposition, same};
use crate::support::ipmi_sim_file;
use crate::support::simulator::{Machine, Simulator};

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";

#[test]
fn open_metrics_and_text_hold_the_same_series() {
    let machine = Machine {
        records: "varied",
        events: "varied",
        extras: Some("08=na 13=C0"),
    };
    let simulator = Simulator::start(&machine);
    let exporter = Exporter::ours(&ipmi_sim_file("modules-head.yml"));
    let scrape = |accept: &str| {
        exporter
            .ipmi_accepting(&simulator.target(), "everything", accept)
            .expect("ours answers")
    };
    let text = scrape("text/plain;version=0.0.4");
    let open = scrape(OPEN_METRICS);
    let content_type = |answer: &crate::support::http::Response| {
        answer
            .headers
            .get("content-type")
            .cloned()
            .unwrap_or_default()
    };
    assert!(
        content_type(&text).starts_with("text/plain; version=0.0.4"),
        "{}",
        content_type(&text)
    );
    assert!(
        content_type(&open).starts_with("application/openmetrics-text"),
        "{}",
        content_type(&open)
    );
    assert!(
        open.body.ends_with("# EOF\n"),
        "OpenMetrics ends with its mark"
    );
    assert!(
        !text.body.contains("# EOF"),
        "the text format has no such mark"
    );

    let (text, open) = (Exposition::parse(&text.body), Exposition::parse(&open.body));
    assert_eq!(text.families, open.families);
    let names = |exposition: &Exposition| -> Vec<String> {
        exposition.series.keys().map(ToString::to_string).collect()
    };
    assert_eq!(names(&text), names(&open));
    for (series, &value) in &text.series {
        if series.name != "ipmi_scrape_duration_seconds" {
            assert!(same(value, open.series[series]), "{series}");
        }
    }
}
