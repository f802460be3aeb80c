//! The machine that faults befall: sensors whose value is their raw reading and
//! whose record id is their number, and something for every collector.

use bmc_sim::device::{DcmiPowerLimit, Satellite, Watchdog};
use bmc_sim::{
    AnalogSensor, BmcConfig, Device, DeviceBuilder, DiscreteSensor, SensorKey, SimHandle, V15Config,
};

use crate::lab;

/// Sensors with a value have the numbers 1 to this; two discrete ones follow.
pub(crate) const ANALOG: u8 = 8;
/// What the power meter says.
pub(crate) const WATTS: u16 = 158;
/// How many entries the log has.
pub(crate) const ENTRIES: u8 = 4;
/// Time of the log's entries.
pub(crate) const TIME: u32 = 1_767_230_000;
/// Address of the controller behind the BMC, and the channel to it.
pub(crate) const SATELLITE: u8 = 0x2c;
const CHANNEL: u8 = 6;

pub(crate) fn config() -> BmcConfig {
    lab::config()
}

pub(crate) fn machine() -> Device {
    builder().build()
}

/// The machine with a controller behind its BMC that has two further sensors.
pub(crate) fn with_satellite() -> Device {
    let sensor = |name, raw| AnalogSensor::temperature(name, raw).on_channel(CHANNEL);
    let satellite = DeviceBuilder::satellite_at(SATELLITE)
        .analog(sensor("PCH Temp", 51))
        .analog(sensor("DIMM Temp", 43))
        .only_device_sdrs()
        .build();
    builder()
        .described_satellite(CHANNEL, "ME", Satellite::new(satellite))
        .build()
}

/// The machine with something for the additional collectors too.
pub(crate) fn everything() -> Device {
    builder()
        .fru(0, inventory())
        .dcmi_power_limit(DcmiPowerLimit {
            watts: 400,
            correction_ms: 1_000,
            sampling_seconds: 1,
        })
        .dcmi_temperatures(0x41, &CPU_TEMPERATURES)
        .build()
}

/// More than fit into one answer.
pub(crate) const CPU_TEMPERATURES: [i8; 10] = [31, 32, 33, 34, 35, 36, 37, 38, 39, 40];

/// A board area behind the common header; all checksums are right.
fn inventory() -> Vec<u8> {
    let mut board = vec![0x01, 3, 0x00, 0, 0, 0];
    for text in ["Maker", "Board", "S1", "P1"] {
        board.push(0xc0 | u8::try_from(text.len()).expect("a short text"));
        board.extend_from_slice(text.as_bytes());
    }
    board.push(0xc1);
    board.resize(23, 0);
    let mut header = vec![0x01, 0, 0, 1, 0, 0, 0];
    for part in [&mut header, &mut board] {
        let sum = part.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        part.push(sum.wrapping_neg());
    }
    [header, board].concat()
}

fn builder() -> DeviceBuilder {
    let mut builder = DeviceBuilder::new()
        .firmware(2, 0x30)
        .dcmi_power(WATTS)
        .system_info(1, "1.2.3")
        .watchdog(Watchdog {
            timer_use: 0x44,
            action: 0x01,
            pre_timeout_seconds: 0,
            expired_flags: 0,
            initial_count: 3_000,
            present_count: 2_500,
        });
    for number in 1..=ANALOG {
        builder = builder.analog(AnalogSensor::temperature(&format!("Sensor {number}"), 30));
    }
    for number in 1..=2 {
        builder = builder.discrete(DiscreteSensor::power_supply(&format!("PS{number}"), 0x0001));
    }
    for minute in 0..u32::from(ENTRIES) {
        // Memory, correctable error.
        builder = builder.sel_event(TIME + minute * 60, 0x0c, 1, 0x6f, [0x00, 0xff, 0xff]);
    }
    builder
}

/// Gives all sensors new values, all of them nominal; `round` counts scrapes.
pub(crate) fn move_values(sim: &SimHandle, round: usize) {
    sim.device(|device| {
        for number in 1..=ANALOG {
            let raw = 20 + (round * 7 + usize::from(number) * 3) % 60;
            let raw = u8::try_from(raw).expect("below 80");
            device.set_reading(SensorKey::bmc(number), raw);
        }
    });
}

/// A BMC that speaks IPMI 1.5 beside 2.0.
pub(crate) fn both_generations() -> BmcConfig {
    config().v15(V15Config::default())
}
