//! The event log is read once for both of its collectors, and then only what is
//! new in it.

use rmcp_ipmi::wire::NetFn;

use crate::lab::{Lab, scrape};
use crate::machine::{EVENT_TIME, built, everything, exporter, series};

const GET_SEL_INFO: u8 = 0x40;
const GET_SEL_ENTRY: u8 = 0x43;

#[test]
fn both_collectors_share_one_walk() {
    let lab = Lab::new();
    let mut builder = everything();
    for minute in 0..30 {
        let time = EVENT_TIME + 1000 + minute * 60;
        builder = builder.sel_event(time, 0x0c, 8, 0x6f, [0x00, 0xff, 0xff]);
    }
    let sim = lab.start(built(builder));
    let exporter = exporter("sel-events, sel-entries");
    let asked = || {
        let counters = sim.counters();
        (
            counters.command(NetFn::STORAGE, GET_SEL_INFO),
            counters.command(NetFn::STORAGE, GET_SEL_ENTRY),
        )
    };
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(asked(), (1, 32));
    assert_eq!(series(&told, "ipmi_sel_entry_info").len(), 10);
    assert_eq!(
        series(&told, "ipmi_sel_entries"),
        [
            "state=Critical,type=Temperature 1",
            "state=Warning,type=Memory 31"
        ]
    );

    // Nothing new: a look at the log and at its last entry.
    scrape(&exporter, &sim);
    assert_eq!(asked(), (2, 33));

    let entry = sim.device(|device| device.sel.entries()[0]);
    sim.device(|device| device.sel.add(entry));
    let told = scrape(&exporter, &sim);
    assert_eq!(asked(), (3, 35));
    assert_eq!(
        series(&told, "ipmi_sel_entries")[1],
        "state=Warning,type=Memory 32"
    );

    sim.device(|device| device.sel.clear());
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(series(&told, "ipmi_sel_entries"), Vec::<String>::new());
    assert_eq!(series(&told, "ipmi_sel_entry_info"), Vec::<String>::new());
}
