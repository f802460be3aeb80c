//! The metrics of the additional collectors, one table. Names begin with
//! `ipmi_`, carry their unit, and belong to one collector each.

use crate::collect::sample::{Kind, Metric};

/// Declares the metrics and the list of them all.
macro_rules! metrics {
    ($($ident:ident: $kind:ident $name:literal, $help:literal;)*) => {
        $(pub(super) static $ident: Metric = Metric {
            name: $name,
            help: $help,
            kind: Kind::$kind,
        };)*

        /// All of them.
        pub static METRICS: &[&Metric] = &[$(&$ident),*];
    };
}

metrics! {
    CLOCK_SKEW: Gauge "ipmi_bmc_clock_skew_seconds",
        "Clock of the BMC minus the clock of the exporter, in seconds; the BMC counts whole seconds.";
    CLOCK_UTC_OFFSET: Gauge "ipmi_bmc_clock_utc_offset_seconds",
        "By how much the BMC says that its clock is ahead of UTC, in seconds.";
    BMC_CAPABILITY: Gauge "ipmi_bmc_capability",
        "Whether the BMC says that it has a function (1=yes, 0=no).";
    BMC_DEVICE: Gauge "ipmi_bmc_device_info",
        "Constant metric with value '1' providing revisions and numbers of the BMC.";
    BMC_FIRMWARE_AVAILABLE: Gauge "ipmi_bmc_firmware_available",
        "Whether the firmware of the BMC is in normal operation (1), or starting or being updated (0).";
    LAN_INFO: Gauge "ipmi_bmc_lan_info",
        "Constant metric with value '1' providing the network interface of the BMC.";
    SELF_TEST_FAULT: Gauge "ipmi_bmc_self_test_fault_state",
        "Whether the self test of the BMC found this fault (1=yes, 0=no).";
    SELF_TEST: Gauge "ipmi_bmc_self_test_state",
        "Result of the self test of the BMC (1: this one, 0: another).";
    CHASSIS_CAPABILITY: Gauge "ipmi_chassis_capability",
        "Whether the chassis has a function (1=yes, 0=no).";
    CHASSIS_CONDITION: Gauge "ipmi_chassis_condition_state",
        "Whether this condition of the chassis holds (1=true, 0=false).";
    FRONT_PANEL_BUTTON: Gauge "ipmi_chassis_front_panel_button_disabled",
        "Whether this button of the front panel is disabled (1=disabled, 0=enabled).";
    IDENTIFY: Gauge "ipmi_chassis_identify_state",
        "State of the identify light of the chassis (1: this one, 0: another).";
    LAST_POWER_EVENT: Gauge "ipmi_chassis_last_power_event_state",
        "Whether this was a cause of the last power event (1=true, 0=false).";
    POWER_ON_SECONDS: Counter "ipmi_chassis_power_on_seconds_total",
        "For how long the machine has been switched on in all, in seconds.";
    RESTORE_POLICY: Gauge "ipmi_chassis_power_restore_policy_state",
        "What the chassis does when mains power comes back (1: this, 0: something else).";
    RESTART_CAUSE: Gauge "ipmi_chassis_restart_cause_info",
        "Constant metric with value '1' providing why the machine was started last.";
    DCMI_INFO: Gauge "ipmi_dcmi_info",
        "Constant metric with value '1' providing the version of DCMI.";
    DCMI_POWER_AVERAGE: Gauge "ipmi_dcmi_power_average_watts",
        "Average power consumption over the reporting period in Watts.";
    DCMI_LIMIT_ACTIVE: Gauge "ipmi_dcmi_power_limit_active",
        "Whether a power limit is in force (1=yes, 0=no).";
    DCMI_LIMIT_CORRECTION: Gauge "ipmi_dcmi_power_limit_correction_seconds",
        "How long the power limit may be exceeded before the exception action, in seconds.";
    DCMI_LIMIT_SAMPLING: Gauge "ipmi_dcmi_power_limit_sampling_seconds",
        "Over what time power is averaged for the power limit, in seconds.";
    DCMI_LIMIT: Gauge "ipmi_dcmi_power_limit_watts",
        "Power limit that is set in Watts, whether it is in force or not.";
    DCMI_POWER_MAXIMUM: Gauge "ipmi_dcmi_power_maximum_watts",
        "Highest power consumption over the reporting period in Watts.";
    DCMI_POWER_MINIMUM: Gauge "ipmi_dcmi_power_minimum_watts",
        "Lowest power consumption over the reporting period in Watts.";
    DCMI_POWER_PERIOD: Gauge "ipmi_dcmi_power_reporting_period_seconds",
        "The period of the power statistics in seconds.";
    DCMI_TEMPERATURE: Gauge "ipmi_dcmi_temperature_celsius",
        "Temperature by DCMI in degree Celsius.";
    DELL_CURRENT: Gauge "ipmi_dell_current_amperes",
        "Input current of all supplies of a Dell machine in Amperes.";
    DELL_ENERGY: Counter "ipmi_dell_energy_joules_total",
        "Energy that a Dell machine has consumed in Joules.";
    DELL_ENERGY_SINCE: Gauge "ipmi_dell_energy_start_timestamp_seconds",
        "Since when a Dell machine counts its energy, by the clock of the BMC.";
    DELL_HEADROOM: Gauge "ipmi_dell_power_headroom_watts",
        "Power that the supplies of a Dell machine could give beyond the present or the highest one in Watts.";
    DELL_PEAK_CURRENT: Gauge "ipmi_dell_peak_current_amperes",
        "Highest input current of a Dell machine in Amperes.";
    DELL_PEAK_CURRENT_AT: Gauge "ipmi_dell_peak_current_timestamp_seconds",
        "When a Dell machine had its highest current, by the clock of the BMC.";
    DELL_PEAK_POWER_AT: Gauge "ipmi_dell_peak_power_timestamp_seconds",
        "When a Dell machine had its highest power, by the clock of the BMC.";
    DELL_PEAK_POWER: Gauge "ipmi_dell_peak_power_watts",
        "Highest power of a Dell machine in Watts.";
    DELL_POWER: Gauge "ipmi_dell_power_watts",
        "Power of all supplies of a Dell machine in Watts.";
    FRU_MADE: Gauge "ipmi_fru_board_manufacture_timestamp_seconds",
        "When the board of a FRU device was made, as its inventory says.";
    FRU_CHECKSUMS: Gauge "ipmi_fru_checksums_valid",
        "Whether all checksums of a FRU device's inventory are right (1=yes, 0=no).";
    FRU_COMPLETE: Gauge "ipmi_fru_complete",
        "Whether a FRU device's inventory could be read to its end (1=yes, 0=no).";
    FRU_INFO: Gauge "ipmi_fru_info",
        "Constant metric with value '1' providing the inventory of a FRU device.";
    LENOVO_ENERGY: Counter "ipmi_lenovo_energy_joules_total",
        "Energy by the counters of a Lenovo machine in Joules.";
    LENOVO_FPC_POWER: Gauge "ipmi_lenovo_fpc_power_watts",
        "Power of a Lenovo NeXtScale enclosure in Watts.";
    NM_TEMPERATURE: Gauge "ipmi_node_manager_inlet_temperature_celsius",
        "Inlet temperature by the statistics of Intel Node Manager in degree Celsius.";
    NM_POWER: Gauge "ipmi_node_manager_power_watts",
        "Power by the statistics of Intel Node Manager in Watts.";
    NM_PERIOD: Gauge "ipmi_node_manager_reporting_period_seconds",
        "The period of the statistics of Intel Node Manager in seconds.";
    SEL_ENTRIES: Gauge "ipmi_sel_entries",
        "Current number of events in the SEL by state and type of sensor.";
    SEL_ENTRY: Gauge "ipmi_sel_entry_info",
        "Constant metric with value '1' providing one of the newest entries in the SEL.";
    SEL_ENTRY_TIME: Gauge "ipmi_sel_entry_timestamp_seconds",
        "When one of the newest entries in the SEL was made, by the clock of the BMC.";
    SEL_LAST: Gauge "ipmi_sel_last_event_timestamp_seconds",
        "Latest time stamp in the SEL, by the clock of the BMC.";
    SEL_LATEST: Gauge "ipmi_sel_latest_event_timestamp_seconds",
        "Latest time stamp in the SEL by state and type of sensor, by the clock of the BMC.";
    THRESHOLD: Gauge "ipmi_sensor_threshold",
        "Threshold of a sensor, in the unit of the metric that holds the sensor's value.";
    THRESHOLDS_LIVE: Gauge "ipmi_sensor_thresholds_live",
        "Whether the thresholds of a sensor are those that it works with now (1), or those of its record (0).";
    SM_SUPPLY: Gauge "ipmi_supermicro_power_supply_good",
        "Whether a power supply of a Supermicro board is good (1=yes, 0=no).";
    SYSTEM_GUID: Gauge "ipmi_system_guid_info",
        "Constant metric with value '1' providing the GUID of the system in the byte orders in use.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Collector;

    #[test]
    fn every_metric_and_collector_is_documented() {
        let text = include_str!("../../../../docs/metrics.md");
        let missing: Vec<&str> = METRICS
            .iter()
            .map(|metric| metric.name)
            .chain(Collector::NAMES)
            .filter(|name| !text.contains(&format!("`{name}`")))
            .collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn metrics_are_unique_and_named_as_prometheus_wants_it() {
        let mut names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            let is_counter = metric.kind == Kind::Counter;
            assert_eq!(metric.name.ends_with("_total"), is_counter, "{metric:?}");
            assert!(metric.name.starts_with("ipmi_"), "{metric:?}");
            assert!(metric.help.ends_with('.'), "{metric:?}");
        }
    }
}
