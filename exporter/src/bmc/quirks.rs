//! FreeIPMI's work-around flags as the session's switches.

use std::collections::BTreeSet;

use rmcp_ipmi::session::Quirks;

use crate::config::Workaround;

/// The switches that stand behind the flags. Flags about sensors, records and
/// events are looked at where those are read.
pub fn quirks(flags: &BTreeSet<Workaround>) -> Quirks {
    let has = |flag| flags.contains(&flag);
    let is_sun = has(Workaround::Sun20);
    Quirks {
        intel: has(Workaround::Intel20),
        surplus_code_byte: is_sun || has(Workaround::Supermicro20),
        open_session_privilege: is_sun || has(Workaround::OpenSessPriv),
        no_checksum_check: has(Workaround::NoChecksumCheck),
        unauthenticated_replies: has(Workaround::UnauthenticatedReplies),
        session_id_zero: has(Workaround::IdZero),
        unexpected_authentication: has(Workaround::UnexpectedAuth),
        force_message_authentication: has(Workaround::ForcePerMsg),
        swapped_sequence: has(Workaround::EndianSeq),
        no_auth_code_check: has(Workaround::NoAuthCodeCheck),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Quirks {
        quirks(
            &names
                .iter()
                .filter_map(|name| Workaround::parse(name))
                .collect(),
        )
    }

    #[test]
    fn flags_switch_what_they_are_named_for() {
        let off = Quirks::default();
        assert_eq!(of(&["authcap", "integritycheckvalue", "assumeio"]), off);
        for (flag, expected) in [
            ("intel20", Quirks { intel: true, ..off }),
            (
                "supermicro20",
                Quirks {
                    surplus_code_byte: true,
                    ..off
                },
            ),
            (
                "sun20",
                Quirks {
                    surplus_code_byte: true,
                    open_session_privilege: true,
                    ..off
                },
            ),
            (
                "opensesspriv",
                Quirks {
                    open_session_privilege: true,
                    ..off
                },
            ),
            (
                "endianseq",
                Quirks {
                    swapped_sequence: true,
                    ..off
                },
            ),
            (
                "unexpectedauth",
                Quirks {
                    unexpected_authentication: true,
                    ..off
                },
            ),
            (
                "forcepermsg",
                Quirks {
                    force_message_authentication: true,
                    ..off
                },
            ),
        ] {
            assert_eq!(of(&[flag]), expected, "{flag}");
        }
    }

    /// Whatever weakens a check has a caution, and nothing else has.
    #[test]
    fn weakening_flags_are_cautioned_about() {
        for name in Workaround::names() {
            let weakens = of(&[name]).weakens_checks();
            let caution = Workaround::parse(name).and_then(Workaround::caution);
            assert_eq!(caution.is_some(), weakens, "{name}");
        }
    }
}
