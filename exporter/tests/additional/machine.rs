//! A machine that has everything, and short ways to what is told of it.

use std::time::{SystemTime, UNIX_EPOCH};

use bmc_sim::device::{
    Answer, DcmiPower, DcmiPowerLimit, DellMeters, FpcPower, LenovoEnergy, NodeManager, Oem,
    Satellite, SupermicroSupply, Thresholds,
};
use bmc_sim::{AnalogSensor, Device, DeviceBuilder};
use rmcp_ipmi::wire::NetFn;

use crate::lab::{Scrape, module};
use crate::support::exporter::Exporter;

/// Everything that any BMC may have, without the vendors' own.
pub(crate) const STANDARD: &str = "bmc-details, bmc-clock, self-test, guid, chassis-details, \
     power-on-hours, dcmi-statistics, dcmi-temperatures, lan, thresholds, sel-entries, fru";
/// The vendors' own.
pub(crate) const VENDORS: &str =
    "dell-power, lenovo-energy, lenovo-fpc-power, intel-node-manager, sm-power-supplies";

/// Seconds since 1970 of the log's events.
pub(crate) const EVENT_TIME: u32 = 1_700_000_000;

/// Our own time in whole seconds.
pub(crate) fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u32::try_from(since.as_secs()).unwrap()
}

/// An exporter with one module, `bmc`, and these collectors.
pub(crate) fn exporter(collectors: &str) -> Exporter {
    Exporter::ours(&module(&format!("    collectors: [{collectors}]")))
}

/// A FRU image with a board and a product area, checksums right.
pub(crate) fn fru_image(board_serial: &str, product_serial: &str) -> Vec<u8> {
    fn field(area: &mut Vec<u8>, text: &str) {
        area.push(0xc0 | u8::try_from(text.len()).unwrap());
        area.extend_from_slice(text.as_bytes());
    }
    fn close(mut area: Vec<u8>) -> Vec<u8> {
        area.push(0xc1);
        while !(area.len() + 1).is_multiple_of(8) {
            area.push(0);
        }
        area[1] = u8::try_from((area.len() + 1) / 8).unwrap();
        summed(area)
    }
    fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
        let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        bytes.push(sum.wrapping_neg());
        bytes
    }
    // 2020-01-01 00:00 UTC in minutes since 1996.
    let minutes: u32 = (1_577_836_800 - 820_454_400) / 60;
    let [m0, m1, m2, _] = minutes.to_le_bytes();
    let mut board = vec![1, 0, 0x19, m0, m1, m2];
    for text in ["ACME", "Mainboard", board_serial, "PN-1", ""] {
        field(&mut board, text);
    }
    let board = close(board);
    let mut product = vec![1, 0, 0x19];
    for text in [
        "ACME",
        "Server 9",
        "PN-2",
        "v3",
        product_serial,
        "asset 7",
        "",
    ] {
        field(&mut product, text);
    }
    let product = close(product);
    let offset = u8::try_from((8 + board.len()) / 8).unwrap();
    let header = summed(vec![1, 0, 0, 1, offset, 0, 0]);
    [header, board, product].concat()
}

/// A FRU device locator record of the BMC.
pub(crate) fn fru_locator(record_id: u8, device: u8, name: &str) -> Vec<u8> {
    let mut record = vec![record_id, 0, 0x51, 0x11, 0];
    record.extend([0x20, device, 0x80, 0, 0, 0x10, 0, 0x0a, 1, 0]);
    record.push(0xc0 | u8::try_from(name.len()).unwrap());
    record.extend_from_slice(name.as_bytes());
    record[4] = u8::try_from(record.len() - 5).unwrap();
    record
}

/// A builder with everything that is in [`STANDARD`].
pub(crate) fn everything() -> DeviceBuilder {
    let thresholds = Thresholds {
        lower_critical: Some(5),
        upper_non_critical: Some(80),
        upper_critical: Some(90),
        ..Thresholds::default()
    };
    let mut inlet = AnalogSensor::temperature("Inlet", 21);
    inlet.thresholds = thresholds;
    let mut fan = AnalogSensor::fan("Fan 1", 56);
    fan.thresholds = Thresholds {
        lower_critical: Some(5),
        ..Thresholds::default()
    };
    DeviceBuilder::new()
        .analog(inlet)
        .analog(fan)
        .sdr(fru_locator(0x40, 0, "System Board"))
        .sdr(fru_locator(0x41, 3, "PS1"))
        .fru(0, fru_image("BS-1", "PS-1"))
        .fru(3, fru_image("BS-2", "PS-2"))
        .dcmi_temperatures(0x40, &[22, -3])
        .dcmi_temperatures(0x41, &[41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51])
        .dcmi_power_limit(DcmiPowerLimit {
            watts: 500,
            correction_ms: 1500,
            sampling_seconds: 30,
        })
        .chassis_status(&[0x21, 0x10, 0x41, 0x02])
        .sel_event(EVENT_TIME, 0x0c, 8, 0x6f, [0x00, 0xff, 0xff])
        .sel_event(EVENT_TIME + 60, 0x01, 1, 0x01, [0x59, 0x61, 0x5f])
}

/// The machine as it is started.
pub(crate) fn built(builder: DeviceBuilder) -> Device {
    let mut device = builder.build();
    device.dcmi_power = Some(DcmiPower {
        current: 221,
        minimum: 213,
        maximum: 487,
        average: 222,
        period_ms: 300_000,
        active: true,
    });
    device.power_on_hours_at_start = 1000;
    device.clock_at_start = now();
    for (parameter, value) in [
        (3, vec![0x11, 192, 0, 2, 25]),
        (4, vec![0x11, 0x02]),
        (5, vec![0x11, 2, 0, 0x5e, 0, 0, 1]),
        (20, vec![0x11, 0x64, 0x80]),
    ] {
        let request = [0x0e, parameter, 0, 0];
        device.set_answer(NetFn::TRANSPORT, 0x02, Some(&request), Answer::ok(value));
    }
    device
}

/// What all vendors have, on one machine: who it says to be decides what it is
/// asked.
pub(crate) fn all_vendors() -> Oem {
    Oem {
        dell: Some(DellMeters {
            watts: 158,
            deciamperes: 7,
            since: EVENT_TIME,
            watt_hours: 123_456,
            peak_deciamperes: 23,
            peak_watts: 400,
            peaks_at: EVENT_TIME + 100,
            headroom: [500, 300],
            wide: false,
        }),
        lenovo_energy: Some(LenovoEnergy {
            iana: 19_046,
            ac_millijoules: Some(5_000_000_000),
            dc_millijoules: 4_500_000_500,
        }),
        lenovo_fpc: Some(FpcPower {
            ac_watts: 550,
            dc_watts: 500,
            fan_centiwatts: 6250,
            short: false,
        }),
        node_manager: Some(node_manager()),
        supermicro_supplies: [
            (1, SupermicroSupply::PmBus(0x01)),
            (2, SupermicroSupply::Controller(0x00)),
        ]
        .into(),
    }
}

/// A management engine that can be reached at this address.
pub(crate) fn engine(address: u8) -> Satellite {
    let mut engine = DeviceBuilder::new().build();
    engine.address = address;
    engine.oem.node_manager = Some(node_manager());
    Satellite::new(engine)
}

/// The record by which a board announces its engine.
pub(crate) fn engine_record(address: u8) -> Vec<u8> {
    vec![
        0x60, 0, 0x51, 0xc0, 11, 0x57, 0x01, 0x00, 0x0d, 0x01, address, 0x60, 0x18, 0x19, 0x1a,
        0x1b,
    ]
}

fn node_manager() -> NodeManager {
    NodeManager {
        platform_watts: [158, 100, 402, 159],
        cpu_watts: Some([60, 20, 90, 55]),
        inlet_celsius: [24, 20, 30, 23],
        period_seconds: 3600,
        measuring: true,
    }
}

/// The series of one metric as text, in order: `{labels} value`.
pub(crate) fn series(scrape: &Scrape, name: &str) -> Vec<String> {
    scrape
        .family(name)
        .into_iter()
        .map(|(series, value)| {
            let labels: Vec<String> = series
                .labels
                .iter()
                .map(|(label, text)| format!("{label}={text}"))
                .collect();
            format!("{} {value}", labels.join(","))
        })
        .collect()
}

/// The labels of those series of a metric that are 1, one label each.
pub(crate) fn set(scrape: &Scrape, name: &str, label: &str) -> Vec<String> {
    scrape
        .family(name)
        .into_iter()
        .filter(|(_, value)| *value > 0.0)
        .map(|(series, _)| series.labels[label].clone())
        .collect()
}
