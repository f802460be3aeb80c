//! The event log is read once, then only what is new in it.

use bmc_sim::DeviceBuilder;
use rmcp_ipmi::wire::NetFn;

use crate::lab::{Lab, Scrape, module, modules, scrape, scrape_with};
use crate::support::exporter::Exporter;

const GET_SEL_ENTRY: u8 = 0x43;

/// Seconds since 1970 of the log's events.
const TIME: u32 = 1_700_000_000;

/// An event of the second watchdog, whose text has a comma and parentheses.
fn watchdog_event(builder: DeviceBuilder, time: u32) -> DeviceBuilder {
    builder.sel_event(time, 0x23, 9, 0x6f, [0x00, 0xff, 0xff])
}

fn memory_event(builder: DeviceBuilder, time: u32) -> DeviceBuilder {
    builder.sel_event(time, 0x0c, 8, 0x6f, [0x00, 0xff, 0xff])
}

/// The last entry of a log.
fn last_entry(builder: DeviceBuilder) -> [u8; 16] {
    *builder.build().sel.entries().last().expect("an entry")
}

#[test]
fn events_are_counted_once_and_read_once() {
    let mut builder = DeviceBuilder::new().analogs(1);
    for minute in 0..20 {
        builder = memory_event(builder, TIME + minute * 60);
    }
    builder = watchdog_event(builder, TIME + 5000);
    let lab = Lab::new();
    let sim = lab.start(builder.build());
    let exporter = Exporter::ours(&module(
        "    collectors: [sel, sel-events]\n\
         \x20   sel_events:\n\
         \x20   - {name: memory, regex: \"[Cc]orrectable memory error\"}\n\
         \x20   - {name: comma, regex: \"expired, status only\"}\n\
         \x20   - {name: never, regex: nothing like this}",
    ));
    let entry_reads = || sim.counters().command(NetFn::STORAGE, GET_SEL_ENTRY);
    let by_name = |scrape: &Scrape, name: &str| {
        let value = |family: &str| scrape.exposition.value(family, &[("name", name)]);
        let count = value("ipmi_sel_events_count_by_name").expect("a count");
        (
            count,
            value("ipmi_sel_events_latest_timestamp").expect("a time"),
        )
    };
    let time = |seconds: u32| f64::from(TIME + seconds);

    let first = scrape(&exporter, &sim);
    assert!(first.is_complete(), "{:?}", first.up());
    assert_eq!(by_name(&first, "memory"), (20.0, time(19 * 60)));
    assert_eq!(by_name(&first, "comma"), (1.0, time(5000)));
    assert_eq!(by_name(&first, "never"), (0.0, 0.0));
    assert_eq!(first.plain("ipmi_sel_logs_count"), Some(21.0));
    let states: f64 = first
        .family("ipmi_sel_events_count_by_state")
        .into_values()
        .sum();
    assert_eq!(states, 21.0);

    // Nothing new: one look at the last entry at most.
    let before = entry_reads();
    assert_eq!(by_name(&scrape(&exporter, &sim), "memory").0, 20.0);
    assert!(entry_reads() - before <= 1, "{}", entry_reads() - before);

    let before = entry_reads();
    let new = last_entry(memory_event(DeviceBuilder::new(), TIME + 9000));
    sim.device(|device| device.sel.add(new));
    let more = scrape(&exporter, &sim);
    assert_eq!(by_name(&more, "memory"), (21.0, time(9000)));
    assert_eq!(by_name(&more, "comma"), (1.0, time(5000)));
    assert!(entry_reads() - before <= 2, "{}", entry_reads() - before);

    sim.device(|device| device.sel.clear());
    let cleared = scrape(&exporter, &sim);
    assert!(cleared.is_complete(), "{:?}", cleared.up());
    assert_eq!(by_name(&cleared, "memory"), (0.0, 0.0));
    assert_eq!(cleared.plain("ipmi_sel_logs_count"), Some(0.0));
    sim.device(|device| device.sel.add(new));
    assert_eq!(
        by_name(&scrape(&exporter, &sim), "memory"),
        (1.0, time(9000))
    );
}

#[test]
fn modules_that_take_turns_read_the_log_once_each() {
    let mut builder = DeviceBuilder::new().analogs(1);
    for minute in 0..20 {
        builder = memory_event(builder, TIME + minute * 60);
    }
    let lab = Lab::new();
    let sim = lab.start(builder.build());
    let counting = |regex: &str| {
        format!("    collectors: [sel-events]\n    sel_events: [{{name: n, regex: {regex}}}]")
    };
    let exporter = Exporter::ours(&modules(&[
        ("memory", &counting("memory")),
        ("fans", &counting("Fan")),
    ]));
    let ask = |module: &str| {
        let scrape = scrape_with(&exporter, &sim, module);
        assert!(scrape.is_complete(), "{:?}", scrape.up());
        scrape
            .exposition
            .value("ipmi_sel_events_count_by_name", &[("name", "n")])
    };
    assert_eq!(ask("memory"), Some(20.0));
    assert_eq!(ask("fans"), Some(0.0));
    let before = sim.counters().command(NetFn::STORAGE, GET_SEL_ENTRY);
    assert_eq!(ask("memory"), Some(20.0));
    assert_eq!(ask("fans"), Some(0.0));
    // Each looks only whether the last entry is still the last.
    let reads = sim.counters().command(NetFn::STORAGE, GET_SEL_ENTRY) - before;
    assert!(reads <= 2, "{reads}");
}
