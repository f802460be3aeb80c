//! Where on a Dell PowerEdge an event happened: event data 2 and 3 together.
//!
//! Dell's boards flag both bytes as OEM and put a memory module or a PCI
//! address into them.

use super::SystemEvent;

/// Which events carry a memory module: `(sensor type, event type, offsets)`.
const MEMORY_EVENTS: [(u8, u8, &[u8]); 4] = [
    (0x0c, 0x6f, &[0x00, 0x01, 0x06, 0x07, 0x0a]),
    (0x0c, 0x07, &[0x01, 0x02]),
    (0x0c, 0x0b, &[0x00, 0x01]),
    (0x10, 0x6f, &[0x00]),
];

/// Which events carry a PCI address or slot.
const PCI_EVENTS: [(u8, u8, &[u8]); 3] = [
    (0x13, 0x6f, &[0x05, 0x0a]),
    (0xc2, 0x6f, &[0x00]),
    (0xc3, 0x6f, &[0x01]),
];

fn listed(event: &SystemEvent, list: &[(u8, u8, &[u8])]) -> bool {
    list.iter().any(|&(sensor_type, event_type, offsets)| {
        sensor_type == event.sensor_type.0
            && event_type == event.event_type.0
            && offsets.contains(&event.offset())
    })
}

/// The place, in FreeIPMI's words; `None` when the event carries none.
pub(super) fn location(event: &SystemEvent) -> Option<String> {
    let [data1, data2, data3] = event.data;
    // Both bytes have to be flagged as OEM codes, and one of them given.
    if data1 & 0xf0 != 0xa0 || (data2, data3) == (0xff, 0xff) {
        None
    } else if listed(event, &MEMORY_EVENTS) {
        memory(data2, data3)
    } else if listed(event, &PCI_EVENTS) {
        Some(pci(data2, data3))
    } else {
        None
    }
}

/// The high nibble of data 2 is the memory card, or how many modules a node
/// has; its low nibble counts groups of eight modules, one of which is set in
/// data 3.
fn memory(data2: u8, data3: u8) -> Option<String> {
    if data3 == 0 {
        return None;
    }
    let index = u16::from(data2 & 0x0f)
        .saturating_mul(8)
        .saturating_add(u16::try_from(data3.trailing_zeros()).unwrap_or(0));
    let number = index.saturating_add(1);
    let per_node: u16 = match data2 >> 4 {
        0x8 => 4,
        0x9 => 6,
        0xa => 8,
        0xb => 9,
        0xc => 12,
        0xd => 24,
        // The doubled word is what existing expressions match.
        0xf => return Some(format!("DIMM DIMM {number}")),
        card => return Some(format!("Memory Card {card}, DIMM {number}")),
    };
    let node = u8::try_from(index.checked_div(per_node)?).ok()?;
    let node = char::from(b'A'.checked_add(node)?);
    let module = index.checked_rem(per_node)?.saturating_add(1);
    Some(format!("DIMM {node}{module}"))
}

fn pci(data2: u8, data3: u8) -> String {
    let low = data3 & 0x7f;
    if data3 & 0x80 == 0 {
        format!(
            "Bus {low}, Device {}, Function {}",
            data2 >> 3,
            data2 & 0x07
        )
    } else {
        format!("Slot {low}")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::card(0x12, 0x81, Some("Memory Card 1, DIMM 17"))]
    #[case::four_per_node(0x80, 0x80, Some("DIMM B4"))]
    #[case::six_per_node(0x91, 0x01, Some("DIMM B3"))]
    #[case::eight_per_node(0xa1, 0x80, Some("DIMM B8"))]
    #[case::nine_per_node(0xb1, 0x01, Some("DIMM A9"))]
    #[case::twelve_per_node(0xc1, 0x80, Some("DIMM B4"))]
    #[case::twenty_four_per_node(0xd1, 0x24, Some("DIMM A11"))]
    #[case::no_card(0xf5, 0x80, Some("DIMM DIMM 48"))]
    #[case::no_module(0x12, 0x00, None)]
    fn memory_modules(#[case] data2: u8, #[case] data3: u8, #[case] text: Option<&str>) {
        assert_eq!(memory(data2, data3).as_deref(), text);
    }

    #[rstest]
    #[case(0x0b, 0x7f, "Bus 127, Device 1, Function 3")]
    #[case(0x0b, 0xc5, "Slot 69")]
    fn pci_addresses(#[case] data2: u8, #[case] data3: u8, #[case] text: &str) {
        assert_eq!(pci(data2, data3), text);
    }
}
