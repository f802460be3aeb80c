//! Names behind IANA enterprise numbers.

/// `number<TAB>name` lines, sorted by number: the public register as of the
/// version that FreeIPMI prints from, so that labels stay what they were.
static REGISTER: &str = include_str!("../../data/enterprise-numbers.tsv");

/// How `bmc-info` prints a manufacturer: `Dell Inc. (674)`, or only the number
/// where the register has no name.
pub(crate) fn manufacturer_text(number: u32) -> String {
    name(number).map_or_else(|| number.to_string(), |name| format!("{name} ({number})"))
}

/// Bisects the text itself: an index would cost more memory than it saves time.
fn name(wanted: u32) -> Option<&'static str> {
    let mut rest = REGISTER;
    while !rest.is_empty() {
        let bytes = rest.as_bytes();
        let middle = bytes.len() / 2;
        let start = bytes
            .get(..middle)?
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let (before, from_line) = rest.split_at_checked(start)?;
        let (line, after) = from_line.split_once('\n')?;
        let (number, name) = line.split_once('\t')?;
        match number.parse::<u32>().ok()?.cmp(&wanted) {
            std::cmp::Ordering::Equal => return Some(name),
            std::cmp::Ordering::Less => rest = after,
            std::cmp::Ordering::Greater => rest = before,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_front_of_numbers() {
        for (number, text) in [
            (0, "Reserved (0)"),
            (2, "IBM (2)"),
            (343, "Intel Corporation (343)"),
            (674, "Dell Inc. (674)"),
            (10876, "Super Micro Computer Inc. (10876)"),
            (47196, "Hewlett Packard Enterprise (47196)"),
            (2187, "2187"),
            (1_048_575, "1048575"),
        ] {
            assert_eq!(manufacturer_text(number), text);
        }
    }

    #[test]
    fn every_line_is_found_by_its_number() {
        let mut lines = 0;
        for line in REGISTER.lines() {
            let (number, expected) = line.split_once('\t').unwrap();
            assert_eq!(name(number.parse().unwrap()), Some(expected));
            lines += 1;
        }
        assert_eq!(lines, 47_731);
    }
}
