//! ipmitool and FreeIPMI read the same simulated BMCs as the exporter: programs
//! that share nothing with this workspace judge simulator and decoders alike.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use bmc_sim::{Device, SimHandle};
use tempfile::TempDir;

use crate::lab::{Lab, PASSWORD, Scrape, USER, scrape};
use crate::machine::{
    STANDARD, VENDORS, all_vendors, built, engine, engine_record, everything, exporter,
};
use crate::support::process::program;

/// What a program prints; it may fail when it is content with less.
fn run(path: &str, package: &str, arguments: &[String]) -> String {
    let output = Command::new(program(path, package))
        .args(arguments)
        .output()
        .expect("the program can be started");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn words(line: &str) -> impl Iterator<Item = String> {
    line.split_whitespace().map(str::to_owned)
}

fn ipmitool(sim: &SimHandle, command: &str) -> String {
    let (host, port) = (sim.addr().ip(), sim.addr().port());
    let fixed =
        format!("-I lanplus -C 17 -N 2 -R 2 -L ADMINISTRATOR -H {host} -p {port} -U {USER}");
    let mut arguments: Vec<String> = words(&fixed).collect();
    arguments.extend(["-P".to_owned(), PASSWORD.to_owned()]);
    arguments.extend(words(command));
    run("ipmitool", "ipmitool", &arguments)
}

fn freeipmi(sim: &SimHandle, name: &str, command: &str) -> String {
    let fixed = format!("-D LAN_2_0 -I 17 -h {} -l ADMIN -u {USER}", sim.addr());
    let mut arguments: Vec<String> = words(&fixed).collect();
    arguments.extend(["-p".to_owned(), PASSWORD.to_owned()]);
    // Of its own: ports, and so the names of its cache files, come round again.
    let cache = TempDir::new().expect("a temporary directory");
    if ["ipmi-fru", "ipmi-oem"].contains(&name) {
        let path = cache.path().display();
        arguments.push(format!("--sdr-cache-directory={path}"));
    }
    arguments.extend(words(command));
    run(name, "freeipmi-tools", &arguments)
}

/// What a program must print of one of our series: the line, and how the value
/// is written there.
struct Line {
    metric: &'static str,
    labels: &'static [(&'static str, &'static str)],
    printed: fn(f64) -> String,
}

const fn line(
    metric: &'static str,
    labels: &'static [(&'static str, &'static str)],
    printed: fn(f64) -> String,
) -> Line {
    Line {
        metric,
        labels,
        printed,
    }
}

/// Compares without regard to how much blank is between words.
fn assert_printed(told: &Scrape, text: &str, lines: &[Line]) {
    let squeezed: Vec<String> = text
        .lines()
        .map(|line| words(line).collect::<Vec<_>>().join(" "))
        .collect();
    for Line {
        metric,
        labels,
        printed,
    } in lines
    {
        let value = told.exposition.value(metric, labels);
        let expected = printed(value.unwrap_or_else(|| panic!("no {metric} {labels:?}")));
        assert!(
            squeezed.iter().any(|line| line.contains(&expected)),
            "{metric} {labels:?}: {expected:?} is not in\n{text}"
        );
    }
}

fn machine() -> Device {
    let builder = everything()
        .vendor(674, 256)
        .oem(all_vendors())
        .sdr(engine_record(0x2c));
    let mut device = built(builder);
    device.add_satellite(6, engine(0x2c));
    device
}

#[test]
fn ipmitool_prints_the_same() {
    let lab = Lab::new();
    let sim = lab.start(machine());
    let told = scrape(&exporter(&format!("{STANDARD}, dell-power")), &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_printed(
        &told,
        &ipmitool(&sim, "dcmi power reading"),
        &[
            line("ipmi_dcmi_power_minimum_watts", &[], |watts| {
                format!("Minimum during sampling period: {watts} Watts")
            }),
            line("ipmi_dcmi_power_maximum_watts", &[], |watts| {
                format!("Maximum during sampling period: {watts} Watts")
            }),
            line("ipmi_dcmi_power_average_watts", &[], |watts| {
                format!("Average power reading over sample period: {watts} Watts")
            }),
            line("ipmi_dcmi_power_reporting_period_seconds", &[], |seconds| {
                format!("Sampling period: {seconds:08} Seconds.")
            }),
        ],
    );
    assert_printed(
        &told,
        &ipmitool(&sim, "dcmi power get_limit"),
        &[
            line("ipmi_dcmi_power_limit_watts", &[], |watts| {
                format!("Power Limit: {watts} Watts")
            }),
            line("ipmi_dcmi_power_limit_correction_seconds", &[], |seconds| {
                format!("Correction time: {} milliseconds", seconds * 1000.0)
            }),
            line("ipmi_dcmi_power_limit_sampling_seconds", &[], |seconds| {
                format!("Sampling period: {seconds} seconds")
            }),
        ],
    );
    let temperatures = ipmitool(&sim, "dcmi get_temp_reading");
    let printed: BTreeSet<(String, String, String)> = temperatures
        .lines()
        .filter_map(|line| {
            let (entity, rest) = line.split_once("h)")?;
            let mut rest = words(rest);
            let entity = ["inlet", "cpu", "baseboard"]
                .into_iter()
                .find(|name| entity.to_lowercase().starts_with(name))?;
            Some((
                entity.to_owned(),
                rest.next()?,
                rest.next()?.replace('+', ""),
            ))
        })
        .collect();
    let ours: BTreeSet<(String, String, String)> = told
        .family("ipmi_dcmi_temperature_celsius")
        .into_iter()
        .map(|(series, value)| {
            let label = |name: &str| series.labels[name].clone();
            (label("entity"), label("instance"), format!("{value}"))
        })
        .collect();
    assert_eq!(ours.len(), 13);
    assert_eq!(ours, printed, "{temperatures}");
    assert_printed(
        &told,
        &ipmitool(&sim, "chassis poh"),
        &[line(
            "ipmi_chassis_power_on_seconds_total",
            &[],
            |seconds| {
                let hours = seconds / 3600.0;
                format!(
                    "POH Counter : {} days, {} hours",
                    (hours / 24.0).floor(),
                    hours % 24.0
                )
            },
        )],
    );
    let guid = told.family("ipmi_system_guid_info");
    let (guid, _) = guid.into_iter().next().expect("a GUID");
    for form in ["ipmi", "smbios"] {
        let text = ipmitool(&sim, &format!("mc guid {form}"));
        assert!(text.contains(&guid.labels[form]), "{form}: {text}");
    }
    assert_printed(
        &told,
        &ipmitool(&sim, "delloem powermonitor"),
        &[
            line("ipmi_dell_energy_joules_total", &[], |joules| {
                format!("Reading : {:.1} kWh", joules / 3_600_000.0)
            }),
            line("ipmi_dell_peak_power_watts", &[], |watts| {
                format!("Peak Reading : {watts} W")
            }),
            line("ipmi_dell_peak_current_amperes", &[], |amperes| {
                format!("Peak Reading : {amperes:.1} A")
            }),
        ],
    );
}

#[test]
fn freeipmi_prints_the_same() {
    let lab = Lab::new();
    let sim = lab.start(machine());
    let told = scrape(&exporter(&format!("{STANDARD}, {VENDORS}")), &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    assert_printed(
        &told,
        &freeipmi(&sim, "ipmi-dcmi", "--get-system-power-statistics"),
        &[
            line("ipmi_dcmi_power_minimum_watts", &[], |watts| {
                format!("Minimum Power over sampling duration : {watts} watts")
            }),
            line("ipmi_dcmi_power_maximum_watts", &[], |watts| {
                format!("Maximum Power over sampling duration : {watts} watts")
            }),
            line("ipmi_dcmi_power_average_watts", &[], |watts| {
                format!("Average Power over sampling duration : {watts} watts")
            }),
        ],
    );
    assert_printed(
        &told,
        &freeipmi(&sim, "ipmi-dcmi", "--get-power-limit"),
        &[line("ipmi_dcmi_power_limit_watts", &[], |watts| {
            format!("Power Limit Requested : {watts} watts")
        })],
    );
    let guid = told.family("ipmi_system_guid_info");
    let (guid, _) = guid.into_iter().next().expect("a GUID");
    let text = freeipmi(&sim, "bmc-info", "--get-system-guid");
    assert_eq!(text.trim(), guid.labels["ipmi"]);
    assert_printed(
        &told,
        &freeipmi(
            &sim,
            "ipmi-oem",
            "dell get-instantaneous-power-consumption-data",
        ),
        &[
            line("ipmi_dell_power_watts", &[], |watts| {
                format!("Instantaneous Power : {watts} W")
            }),
            line("ipmi_dell_current_amperes", &[], |amperes| {
                format!("Instantaneous Amps : {amperes:.2} A")
            }),
        ],
    );
    assert_printed(
        &told,
        &freeipmi(&sim, "ipmi-oem", "dell get-power-consumption-data"),
        &[
            line("ipmi_dell_energy_joules_total", &[], |joules| {
                format!("Cumulative Energy : {:.2} kWh", joules / 3_600_000.0)
            }),
            line("ipmi_dell_peak_power_watts", &[], |watts| {
                format!("Peak Watt : {watts} W")
            }),
        ],
    );
    assert_printed(
        &told,
        &freeipmi(&sim, "ipmi-oem", "dell get-power-head-room"),
        &[line(
            "ipmi_dell_power_headroom_watts",
            &[("against", "peak")],
            |watts| format!("Peak Head Room : {watts} W"),
        )],
    );
    let statistics = "intelnm get-node-manager-statistics mode=globalpower";
    assert_printed(
        &told,
        &freeipmi(&sim, "ipmi-oem", statistics),
        &[
            line(
                "ipmi_node_manager_power_watts",
                &[("domain", "platform"), ("statistic", "current")],
                |watts| format!("Current Power : {watts} Watts"),
            ),
            line(
                "ipmi_node_manager_power_watts",
                &[("domain", "platform"), ("statistic", "average")],
                |watts| format!("Average Power : {watts} Watts"),
            ),
        ],
    );
}

/// FreeIPMI asks whatever board it is told; ours asks the ones it knows. Both
/// send the same bytes, or the simulator would not answer both.
#[test]
fn freeipmi_agrees_about_supplies() {
    let lab = Lab::new();
    let builder = everything().vendor(47_488, 43_707).oem(all_vendors());
    let sim = lab.start(built(builder));
    let told = scrape(&exporter("sm-power-supplies"), &sim);
    let ours = |supply: &str| {
        let labels = [("supply", supply)];
        let value = told
            .exposition
            .value("ipmi_supermicro_power_supply_good", &labels);
        value.expect("a supply")
    };
    let text = freeipmi(
        &sim,
        "ipmi-oem",
        "supermicro get-pmbus-power-supply-status 1",
    );
    assert_eq!((text.trim(), ours("1")), ("good", 1.0));
    let text = freeipmi(&sim, "ipmi-oem", "supermicro get-power-supply-status 2");
    assert_eq!((text.trim(), ours("2")), ("bad", 0.0));
}

/// The fields of an inventory by ipmitool's and FreeIPMI's names, and ours.
const FIELDS: [(&str, &str, &str); 11] = [
    ("Board Mfg", "Board Manufacturer", "board_manufacturer"),
    ("Board Product", "Board Product Name", "board_product"),
    ("Board Serial", "Board Serial Number", "board_serial"),
    (
        "Board Part Number",
        "Board Part Number",
        "board_part_number",
    ),
    (
        "Product Manufacturer",
        "Product Manufacturer Name",
        "product_manufacturer",
    ),
    ("Product Name", "Product Name", "product_name"),
    (
        "Product Part Number",
        "Product Part/Model Number",
        "product_part_number",
    ),
    ("Product Version", "Product Version", "product_version"),
    ("Product Serial", "Product Serial Number", "product_serial"),
    ("Product Asset Tag", "Product Asset Tag", "asset_tag"),
    ("Chassis Serial", "Chassis Serial Number", "chassis_serial"),
];

/// Inventory of a real machine, device by device and field by field.
#[test]
fn both_print_the_same_inventory() {
    let lab = Lab::new();
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/bmcs");
    let device = Device::load(&recordings.join("dell-poweredge-r640")).unwrap();
    let sim = lab.start(device);
    let told = scrape(&exporter("fru"), &sim);
    assert!(told.is_complete(), "{:?}", told.up());
    let ipmitool = ipmitool(&sim, "fru print");
    let freeipmi = freeipmi(&sim, "ipmi-fru", "");
    let mut compared = 0;
    for (series, _) in told.family("ipmi_fru_info") {
        let id: u8 = series.labels["fru"].parse().expect("a number");
        let of_ipmitool = section(&ipmitool, &format!("(ID {id})"), "FRU Device Description");
        let of_freeipmi = section(
            &freeipmi,
            &format!("(ID {id:02X}h)"),
            "FRU Inventory Device",
        );
        for (theirs, its, ours) in FIELDS {
            let value = &series.labels[ours];
            if value.is_empty() {
                continue;
            }
            for (text, name) in [(&of_ipmitool, theirs), (&of_freeipmi, its)] {
                let found = text.lines().any(|line| {
                    line.split_once(':').is_some_and(|(field, printed)| {
                        field.trim().trim_start_matches("FRU ") == name && printed.trim() == value
                    })
                });
                assert!(found, "{id}: no {name} {value:?} in\n{text}");
                compared += 1;
            }
        }
    }
    assert!(compared > 40, "{compared}");
}

/// The lines from the heading with `mark` to the next heading.
fn section(text: &str, mark: &str, heading: &str) -> String {
    let mut lines = text
        .lines()
        .skip_while(|line| !(line.contains(heading) && line.contains(mark)));
    let first = lines.next().unwrap_or_default();
    let rest = lines.take_while(|line| !line.contains(heading));
    [first]
        .into_iter()
        .chain(rest)
        .fold(String::new(), |all, line| all + line + "\n")
}
