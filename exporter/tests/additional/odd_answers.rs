//! Answers that say nothing, too much or something else cost their own series
//! at most.

use bmc_sim::DeviceBuilder;
use bmc_sim::device::Answer;
use rmcp_ipmi::wire::{CompletionCode, NetFn};

use crate::lab::{Lab, scrape};
use crate::machine::{STANDARD, built, everything, exporter, now, set};

#[test]
fn a_clock_that_was_not_set_has_no_skew() {
    let lab = Lab::new();
    let sim = lab.start(built(everything()));
    let exporter = exporter("bmc-clock");
    let skew = |time: u32| {
        sim.device(|device| device.clock_at_start = time);
        let told = scrape(&exporter, &sim);
        assert!(told.is_complete(), "{:?}", told.up());
        told.plain("ipmi_bmc_clock_skew_seconds")
    };
    let hour_ago = skew(now() - 3600).expect("a skew");
    assert!((-3610.0..-3590.0).contains(&hour_ago), "{hour_ago}");
    assert_eq!(skew(17), None);
    assert_eq!(skew(0x1fff_ff00), None);
}

#[test]
fn a_guid_that_was_not_set_is_none() {
    let lab = Lab::new();
    let sim = lab.start(DeviceBuilder::new().guid([0; 16]).build());
    let exporter = exporter("guid");
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert!(told.family("ipmi_system_guid_info").is_empty());
}

#[test]
fn faults_of_the_self_test_are_named() {
    let lab = Lab::new();
    let mut device = DeviceBuilder::new().build();
    device.self_test = [0x57, 0x48];
    let sim = lab.start(device);
    let exporter = exporter("self-test");
    let told = scrape(&exporter, &sim);
    assert_eq!(
        set(&told, "ipmi_bmc_self_test_state", "result"),
        ["corrupted_or_inaccessible"]
    );
    assert_eq!(
        set(&told, "ipmi_bmc_self_test_fault_state", "fault"),
        ["sdr_repository", "sdr_repository_empty"]
    );
    sim.device(|device| device.self_test = [0x7b, 0xff]);
    let told = scrape(&exporter, &sim);
    assert_eq!(
        set(&told, "ipmi_bmc_self_test_state", "result"),
        ["device_specific"]
    );
    assert!(told.family("ipmi_bmc_self_test_fault_state").is_empty());
}

#[test]
fn an_update_of_the_firmware_is_seen() {
    let lab = Lab::new();
    let sim = lab.start(built(everything()));
    let exporter = exporter("bmc-details");
    let available = || {
        let told = scrape(&exporter, &sim);
        assert!(told.is_complete(), "{:?}", told.up());
        told.plain("ipmi_bmc_firmware_available")
    };
    assert_eq!(available(), Some(1.0));
    sim.device(|device| device.device_id[2] |= 0x80);
    assert_eq!(available(), Some(0.0));
    sim.device(|device| {
        let code = CompletionCode::FIRMWARE_UPDATING;
        device.refuse(NetFn::APP, 0x01, code, None);
    });
    assert_eq!(available(), Some(0.0));
    sim.device(|device| {
        device.allow(NetFn::APP, 0x01);
        device.device_id[2] &= 0x7f;
    });
    assert_eq!(available(), Some(1.0));
}

#[test]
fn a_counter_of_no_minutes_counts_nothing() {
    let lab = Lab::new();
    let mut device = DeviceBuilder::new().build();
    let answer = Answer::ok(vec![0, 1, 2, 3, 4]);
    device.set_answer(NetFn::CHASSIS, 0x0f, None, answer);
    let sim = lab.start(device);
    let exporter = exporter("power-on-hours");
    let told = scrape(&exporter, &sim);
    assert!(!told.is_up("power-on-hours"));
    assert!(told.is_empty());
}

/// Whatever bytes come, the answer stays one that can be read, and the other
/// collectors stay up.
#[test]
fn answers_of_any_length_are_survived() {
    let lab = Lab::new();
    let sim = lab.start(built(everything()));
    let exporter = exporter(&format!("ipmi, {STANDARD}"));
    assert!(scrape(&exporter, &sim).is_complete());
    let commands = [
        (NetFn::CHASSIS, 0x00),
        (NetFn::CHASSIS, 0x07),
        (NetFn::CHASSIS, 0x0f),
        (NetFn::APP, 0x04),
        (NetFn::APP, 0x37),
        (NetFn::TRANSPORT, 0x02),
        (NetFn::GROUP_EXTENSION, 0x01),
        (NetFn::GROUP_EXTENSION, 0x03),
        (NetFn::GROUP_EXTENSION, 0x10),
        (NetFn::STORAGE, 0x10),
        (NetFn::STORAGE, 0x11),
        (NetFn::STORAGE, 0x5c),
    ];
    for length in [0, 1, 2, 3, 5, 12, 40, 200] {
        for byte in [0x00, 0xdc, 0xff] {
            let sim = lab.start(built(everything()));
            sim.device(|device| {
                for (net_fn, command) in commands {
                    let answer = Answer::ok(vec![byte; length]);
                    device.set_answer(net_fn, command, None, answer);
                }
            });
            // Parsing it panics where a series repeats.
            let told = scrape(&exporter, &sim);
            assert!(
                told.is_up("ipmi"),
                "{length} of {byte:02x}: {:?}",
                told.up()
            );
            assert!(told.is_up("sel-entries"), "{length} of {byte:02x}");
        }
    }
}
