//! The commands that are asked once each: a table, so that everything that is
//! sent to a BMC beside the walks can be seen at a glance. All of them only read.

use rmcp_ipmi::command::oem::manufacturer;
use rmcp_ipmi::wire::NetFn;

use crate::config::Collector;

/// When a command is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Always.
    Always,
    /// When the machine is one of these makers' (IANA enterprise numbers), or this
    /// collector of the module asks it.
    Vendor(&'static [u32], Collector),
    /// When personal data are kept: the answer holds nothing else.
    Personal,
}

/// One command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) name: &'static str,
    pub(super) net_fn: NetFn,
    pub(super) command: u8,
    pub(super) request: &'static [u8],
    pub(super) when: When,
}

const fn read(
    name: &'static str,
    net_fn: NetFn,
    command: u8,
    request: &'static [u8],
    when: When,
) -> Read {
    Read {
        name,
        net_fn,
        command,
        request,
        when,
    }
}

const DELL: When = When::Vendor(&[manufacturer::DELL], Collector::DellPower);
const SUPERMICRO: When = When::Vendor(
    &[
        manufacturer::SUPERMICRO,
        manufacturer::SUPERMICRO_UNASSIGNED,
    ],
    Collector::SmLanMode,
);
const ENERGY: When = When::Vendor(
    &[manufacturer::LENOVO, manufacturer::IBM],
    Collector::LenovoEnergy,
);
const ENCLOSURE: When = When::Vendor(
    &[manufacturer::LENOVO, manufacturer::IBM],
    Collector::LenovoFpcPower,
);
/// Families of vendors.
const OEM_30: NetFn = NetFn(0x30);
const OEM_32: NetFn = NetFn(0x32);
/// "The channel this arrives on".
const THIS: u8 = 0x0e;

pub(super) const GET_DEVICE_GUID: u8 = 0x08;
pub(super) const GET_SYSTEM_GUID: u8 = 0x37;

/// Asked like before a session, and kept as `sessionless`.
pub(super) const CAPABILITIES: &[Read] = &[
    read(
        "Get Channel Authentication Capabilities",
        NetFn::APP,
        0x38,
        &[0x80 | THIS, 0x04],
        When::Always,
    ),
    read(
        "Get Channel Authentication Capabilities (IPMI 1.5)",
        NetFn::APP,
        0x38,
        &[THIS, 0x04],
        When::Always,
    ),
];

/// What the answers say is in the documentation of the metrics.
pub(super) const READS: &[Read] = &[
    read("Get Self Test Results", NetFn::APP, 0x04, &[], When::Always),
    read("Get ACPI Power State", NetFn::APP, 0x07, &[], When::Always),
    read(
        "Get Device GUID",
        NetFn::APP,
        GET_DEVICE_GUID,
        &[],
        When::Always,
    ),
    read(
        "Get System GUID",
        NetFn::APP,
        GET_SYSTEM_GUID,
        &[],
        When::Always,
    ),
    read("Get Watchdog Timer", NetFn::APP, 0x25, &[], When::Always),
    read(
        "Get BMC Global Enables",
        NetFn::APP,
        0x2f,
        &[],
        When::Always,
    ),
    read(
        "Get Chassis Capabilities",
        NetFn::CHASSIS,
        0x00,
        &[],
        When::Always,
    ),
    read(
        "Get Chassis Status",
        NetFn::CHASSIS,
        0x01,
        &[],
        When::Always,
    ),
    read(
        "Get System Restart Cause",
        NetFn::CHASSIS,
        0x07,
        &[],
        When::Always,
    ),
    read("Get POH Counter", NetFn::CHASSIS, 0x0f, &[], When::Always),
    read(
        "Get SEL Allocation Info",
        NetFn::STORAGE,
        0x41,
        &[],
        When::Always,
    ),
    read("Get SEL Time", NetFn::STORAGE, 0x48, &[], When::Always),
    read(
        "Get SEL Time UTC Offset",
        NetFn::STORAGE,
        0x5c,
        &[],
        When::Always,
    ),
    read(
        "Get SDR Repository Allocation Info",
        NetFn::STORAGE,
        0x21,
        &[],
        When::Always,
    ),
    read(
        "Get SDR Repository Time",
        NetFn::STORAGE,
        0x28,
        &[],
        When::Always,
    ),
    // LAN parameters: set in progress, authentication types, source of the
    // address, cipher suites and their levels.
    read(
        "LAN: set in progress",
        NetFn::TRANSPORT,
        0x02,
        &[THIS, 0, 0, 0],
        When::Always,
    ),
    read(
        "LAN: authentication types",
        NetFn::TRANSPORT,
        0x02,
        &[THIS, 1, 0, 0],
        When::Always,
    ),
    read(
        "LAN: authentication enables",
        NetFn::TRANSPORT,
        0x02,
        &[THIS, 2, 0, 0],
        When::Always,
    ),
    read(
        "LAN: address source",
        NetFn::TRANSPORT,
        0x02,
        &[THIS, 4, 0, 0],
        When::Always,
    ),
    read(
        "LAN: cipher suite count",
        NetFn::TRANSPORT,
        0x02,
        &[THIS, 22, 0, 0],
        When::Always,
    ),
    read(
        "LAN: cipher suites",
        NetFn::TRANSPORT,
        0x02,
        &[THIS, 23, 0, 0],
        When::Always,
    ),
    read(
        "LAN: cipher suite levels",
        NetFn::TRANSPORT,
        0x02,
        &[THIS, 24, 0, 0],
        When::Always,
    ),
    read(
        "LAN: address",
        NetFn::TRANSPORT,
        0x02,
        &[THIS, 3, 0, 0],
        When::Personal,
    ),
    read(
        "LAN: MAC address",
        NetFn::TRANSPORT,
        0x02,
        &[THIS, 5, 0, 0],
        When::Personal,
    ),
    read(
        "LAN: VLAN",
        NetFn::TRANSPORT,
        0x02,
        &[THIS, 20, 0, 0],
        When::Personal,
    ),
    // DCMI: the five groups of capabilities, power and its limit.
    read(
        "DCMI: capabilities 1",
        NetFn::GROUP_EXTENSION,
        0x01,
        &[0xdc, 1],
        When::Always,
    ),
    read(
        "DCMI: capabilities 2",
        NetFn::GROUP_EXTENSION,
        0x01,
        &[0xdc, 2],
        When::Always,
    ),
    read(
        "DCMI: capabilities 3",
        NetFn::GROUP_EXTENSION,
        0x01,
        &[0xdc, 3],
        When::Always,
    ),
    read(
        "DCMI: capabilities 4",
        NetFn::GROUP_EXTENSION,
        0x01,
        &[0xdc, 4],
        When::Always,
    ),
    read(
        "DCMI: capabilities 5",
        NetFn::GROUP_EXTENSION,
        0x01,
        &[0xdc, 5],
        When::Always,
    ),
    read(
        "DCMI: power reading",
        NetFn::GROUP_EXTENSION,
        0x02,
        &[0xdc, 1, 0, 0],
        When::Always,
    ),
    read(
        "DCMI: power limit",
        NetFn::GROUP_EXTENSION,
        0x03,
        &[0xdc, 0, 0],
        When::Always,
    ),
    read(
        "DCMI: asset tag",
        NetFn::GROUP_EXTENSION,
        0x06,
        &[0xdc, 0, 16],
        When::Personal,
    ),
    // Vendors.
    read("Dell: power", OEM_30, 0xb3, &[0x0a, 0x00], DELL),
    read("Dell: energy and peaks", OEM_30, 0x9c, &[0x07, 0x01], DELL),
    read("Dell: headroom", OEM_30, 0xbb, &[], DELL),
    read(
        "Supermicro: LAN mode",
        OEM_30,
        0x70,
        &[0x0c, 0x00],
        SUPERMICRO,
    ),
    read(
        "Lenovo: energy meter",
        NetFn::OEM_GROUP,
        0x82,
        &[0x66, 0x4a, 0, 0, 0, 1],
        ENERGY,
    ),
    read(
        "IBM: energy meter",
        NetFn::OEM_GROUP,
        0x82,
        &[0x4d, 0x4f, 0, 0, 0, 1],
        ENERGY,
    ),
    read("Enclosure: power taken", OEM_32, 0x90, &[1], ENCLOSURE),
    read("Enclosure: power given", OEM_32, 0x90, &[2], ENCLOSURE),
    read("Enclosure: power of fans", OEM_32, 0x90, &[3], ENCLOSURE),
];

/// Get System Info Parameters (IPMI 2.0 section 22.14b).
pub(super) const GET_SYSTEM_INFO: u8 = 0x59;
/// Its parameters with texts, and whether the text says whose machine it is:
/// firmware version, system name, operating systems (primary, present, its
/// version), address of the BMC's page.
pub(super) const SYSTEM_TEXTS: &[(u8, bool)] = &[
    (1, false),
    (2, true),
    (3, true),
    (4, true),
    (5, true),
    (6, true),
];
/// Most blocks of one text.
pub(super) const MAX_TEXT_BLOCKS: u8 = 17;

/// Get Channel Cipher Suites (IPMI 2.0 section 22.15): this channel, IPMI
/// payloads, list by suite.
pub(super) const GET_CIPHER_SUITES: u8 = 0x54;
pub(super) const MAX_SUITE_PARTS: u8 = 64;
pub(super) const fn suites_request(part: u8) -> [u8; 3] {
    [THIS, 0x00, 0x80 | part]
}
/// Bytes of a full part of the list, the channel included.
pub(super) const SUITES_PART_BYTES: usize = 17;

/// Temperatures by DCMI (DCMI 1.5 section 6.7.3): command, and the entities with
/// their twins of IPMI: inlet, processors, board.
pub(super) const GET_TEMPERATURES: u8 = 0x10;
pub(super) const TEMPERATURE_ENTITIES: [u8; 6] = [0x37, 0x40, 0x03, 0x41, 0x07, 0x42];
/// Readings in one answer, and most answers for one entity.
pub(super) const TEMPERATURES_PER_ANSWER: u8 = 8;
pub(super) const MAX_TEMPERATURES: u8 = 240;

/// Statistics of Intel's Node Manager behind the BMC (IANA number, mode, domain,
/// no policy): power of the machine, processors, memory, cards; inlet temperature.
pub(super) const NODE_MANAGER: [Read; 5] = [
    node_manager("Node Manager: power", &[0x57, 1, 0, 1, 0, 0]),
    node_manager("Node Manager: processors", &[0x57, 1, 0, 1, 1, 0]),
    node_manager("Node Manager: memory", &[0x57, 1, 0, 1, 2, 0]),
    node_manager("Node Manager: cards", &[0x57, 1, 0, 1, 4, 0]),
    node_manager("Node Manager: inlet", &[0x57, 1, 0, 2, 0, 0]),
];

const fn node_manager(name: &'static str, request: &'static [u8]) -> Read {
    read(name, NetFn::OEM_GROUP, 0xc8, request, When::Always)
}

/// Lenovo's energy counters (IANA number, handle, side, 8 bytes).
pub(super) const GET_ENERGY: u8 = 0x81;
/// Where the answer to "energy meter" has the handle.
pub(super) const ENERGY_HANDLE_AT: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    /// Commands that write, or make a device on a bus move, whatever their name:
    /// they must never come into the table.
    #[test]
    fn nothing_that_writes_is_in_the_table() {
        let allowed: &[(NetFn, &[u8])] = &[
            (NetFn::CHASSIS, &[0x00, 0x01, 0x07, 0x0f]),
            (
                NetFn::APP,
                &[0x04, 0x07, 0x08, 0x25, 0x2f, 0x37, 0x38, 0x54, 0x59],
            ),
            (NetFn::STORAGE, &[0x21, 0x28, 0x41, 0x48, 0x5c]),
            (NetFn::TRANSPORT, &[0x02]),
            (NetFn::GROUP_EXTENSION, &[0x01, 0x02, 0x03, 0x06, 0x10]),
            (NetFn::OEM_GROUP, &[0x81, 0x82, 0xc8]),
            (OEM_30, &[0x70, 0x9c, 0xb3, 0xbb]),
            (OEM_32, &[0x90]),
        ];
        for read in READS.iter().chain(CAPABILITIES).chain(&NODE_MANAGER) {
            let family = allowed.iter().find(|(net_fn, _)| *net_fn == read.net_fn);
            let commands = family.map_or(&[][..], |(_, commands)| commands);
            assert!(commands.contains(&read.command), "{}", read.name);
        }
        // Supermicro's and Dell's numbers read only with these bytes.
        for (command, request) in [(0x70, [0x0c, 0x00]), (0x9c, [0x07, 0x01])] {
            let mut rows = READS
                .iter()
                .filter(|read| read.net_fn == OEM_30 && read.command == command);
            assert!(rows.all(|read| read.request == request));
        }
    }
}
