//! What each of the collectors tells of a machine that has everything.

use bmc_sim::device::Device;

use crate::lab::{Lab, scrape};
use crate::machine::{EVENT_TIME, STANDARD, all_vendors, built, everything, exporter, series, set};
use crate::support::prometheus::promtool_complaints;

fn device() -> Device {
    built(everything().vendor(674, 256).oem(all_vendors()))
}

#[test]
fn everything_is_told_in_names_that_prometheus_likes() {
    let lab = Lab::new();
    let sim = lab.start(device());
    let exporter = exporter(&format!("chassis, {STANDARD}, dell-power"));
    let told = scrape(&exporter, &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_eq!(promtool_complaints(&told.body), Vec::<String>::new());
}

#[test]
fn the_bmc_about_itself() {
    let lab = Lab::new();
    let sim = lab.start(device());
    let exporter = exporter(STANDARD);
    let told = scrape(&exporter, &sim);
    assert_eq!(told.plain("ipmi_bmc_firmware_available"), Some(1.0));
    assert_eq!(
        series(&told, "ipmi_bmc_device_info"),
        [
            "auxiliary_firmware_revision=00000000,device_id=32,device_revision=1,ipmi_version=2.0,\
          product_id=256 1"
        ]
    );
    assert_eq!(
        set(&told, "ipmi_bmc_capability", "capability"),
        [
            "chassis",
            "event_generator",
            "event_receiver",
            "fru_inventory",
            "sdr_repository",
            "sel",
            "sensor"
        ]
    );
    assert_eq!(set(&told, "ipmi_bmc_self_test_state", "result"), ["passed"]);
    assert_eq!(told.family("ipmi_bmc_self_test_fault_state").len(), 8);
    assert_eq!(
        series(&told, "ipmi_bmc_lan_info"),
        ["ip_address=192.0.2.25,ip_source=dhcp,mac_address=02:00:5e:00:00:01,vlan_id=100 1"]
    );
    let skew = told.plain("ipmi_bmc_clock_skew_seconds").expect("a skew");
    assert!(skew.abs() < 2.0, "{skew}");
    assert_eq!(
        series(&told, "ipmi_system_guid_info"),
        ["ipmi=01000000-2620-0a8e-144d-3c519e02756d,\
          rfc4122=6d75029e-513c-4d14-8e0a-202600000001,\
          smbios=9e02756d-3c51-144d-8e0a-202600000001 1"]
    );
}

#[test]
fn the_chassis() {
    let lab = Lab::new();
    let sim = lab.start(device());
    let exporter = exporter(STANDARD);
    let told = scrape(&exporter, &sim);
    let set = |name, label| set(&told, name, label);
    assert_eq!(
        set("ipmi_chassis_condition_state", "condition"),
        ["intrusion"]
    );
    assert_eq!(
        set("ipmi_chassis_last_power_event_state", "event"),
        ["command"]
    );
    assert_eq!(
        set("ipmi_chassis_power_restore_policy_state", "policy"),
        ["previous"]
    );
    assert_eq!(set("ipmi_chassis_identify_state", "state"), ["off"]);
    assert_eq!(
        set("ipmi_chassis_front_panel_button_disabled", "button"),
        ["reset"]
    );
    assert_eq!(
        set("ipmi_chassis_capability", "capability"),
        ["intrusion_sensor"]
    );
    assert_eq!(
        series(&told, "ipmi_chassis_restart_cause_info"),
        ["cause=power_button,channel=1 1"]
    );
    assert_eq!(
        told.plain("ipmi_chassis_power_on_seconds_total"),
        Some(3_600_000.0)
    );
    assert_eq!(
        told.exposition.families["ipmi_chassis_power_on_seconds_total"].kind,
        "counter"
    );
}

#[test]
fn thresholds_are_in_the_unit_of_the_values() {
    let lab = Lab::new();
    let sim = lab.start(device());
    let exporter = exporter("ipmi, thresholds");
    let told = scrape(&exporter, &sim);
    assert_eq!(
        series(&told, "ipmi_sensor_threshold"),
        [
            "id=1,name=Inlet,threshold=lower_critical,type=Temperature 5",
            "id=1,name=Inlet,threshold=upper_critical,type=Temperature 90",
            "id=1,name=Inlet,threshold=upper_non_critical,type=Temperature 80",
            "id=2,name=Fan 1,threshold=lower_critical,type=Fan 500",
        ]
    );
    assert_eq!(told.sensor(2), Some(5600.0));
}

#[test]
fn the_event_log_in_words() {
    let lab = Lab::new();
    let sim = lab.start(device());
    let exporter = exporter(STANDARD);
    let told = scrape(&exporter, &sim);
    assert_eq!(
        series(&told, "ipmi_sel_entries"),
        [
            "state=Critical,type=Temperature 1",
            "state=Warning,type=Memory 1"
        ]
    );
    assert_eq!(
        told.plain("ipmi_sel_last_event_timestamp_seconds"),
        Some(f64::from(EVENT_TIME + 60))
    );
    assert_eq!(
        series(&told, "ipmi_sel_entry_info"),
        [
            "direction=Assertion Event,event=Correctable memory error,name=Sensor #8,record_id=1,\
             state=Warning,type=Memory 1",
            "direction=Assertion Event,event=Upper Critical - going high ; Sensor Reading = 97.00 \
             C ; Threshold = 95.00 C,name=System Board Inlet,record_id=2,state=Critical,\
             type=Temperature 1",
        ]
    );
    assert_eq!(
        series(&told, "ipmi_sel_entry_timestamp_seconds"),
        [
            format!("record_id=1 {EVENT_TIME}"),
            format!("record_id=2 {}", EVENT_TIME + 60)
        ]
    );
}
