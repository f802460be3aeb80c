//! BMCs that deviate from IPMI 2.0, each refused without its work-around and
//! served with it.

use std::time::Instant;

use bmc_sim::Fault;
use rmcp_ipmi::crypto::{CipherSuiteId, SUITES};
use rmcp_ipmi::session::{Quirks, RejectReason};
use rmcp_ipmi::wire::Role;

use crate::forge::{Forge, Incoming};
use crate::pair::{GET_DEVICE_ID, Pair, Setup, USER, ms};
use crate::peers::Scripted;

fn setup(fault: &Fault, quirks: Quirks) -> Pair {
    let mut pair = Setup::new(1)
        .settings(|settings| settings.with_quirks(quirks))
        .pair();
    pair.bmc.set_fault(fault.clone());
    pair
}

#[test]
fn a_surplus_byte_of_the_code_is_ignored_by_name() {
    let quirks = Quirks {
        surplus_code_byte: true,
        ..Quirks::default()
    };
    let mut pair = setup(&Fault::CodeLenPlus1, Quirks::default());
    assert_eq!(pair.fail_to_log_in().label(), "wrong_password");
    let mut pair = setup(&Fault::CodeLenPlus1, quirks);
    pair.log_in();
    pair.read(1, 1, ms(500)).unwrap();
    // The rest of the code counts as ever.
    let mut pair = setup(&Fault::CodeLenPlus1, quirks);
    pair.bmc.set_fault(Fault::Rakp2BadMac);
    assert_eq!(pair.fail_to_log_in().label(), "wrong_password");
    assert_eq!(pair.bmc.counters().rakp3_with_code, 0);
}

#[test]
fn wrong_checksums_are_ignored_by_name_where_integrity_is_on() {
    let quirks = Quirks {
        no_checksum_check: true,
        ..Quirks::default()
    };
    let mut pair = setup(&Fault::BadChecksum, Quirks::default());
    pair.log_in();
    assert!(pair.read(1, 1, ms(2_000)).is_err());
    assert!(pair.rejected(RejectReason::BadChecksum) > 0);
    let mut pair = setup(&Fault::BadChecksum, quirks);
    pair.log_in();
    pair.read(1, 1, ms(500)).unwrap();

    // Suite 1 has no integrity: the checksums are all there is.
    let mut pair = Setup::new(1)
        .suites(&[1], &[1])
        .settings(|settings| settings.with_quirks(quirks))
        .pair();
    pair.bmc.set_fault(Fault::BadChecksum);
    pair.log_in();
    assert!(pair.read(1, 1, ms(2_000)).is_err());
}

#[test]
fn replies_without_integrity_are_taken_by_name_if_they_are_encrypted() {
    let quirks = Quirks {
        unauthenticated_replies: true,
        ..Quirks::default()
    };
    let mut pair = setup(&Fault::ReplyUnauthenticated, Quirks::default());
    pair.log_in();
    assert!(pair.read(1, 1, ms(2_000)).is_err());
    assert!(pair.rejected(RejectReason::Unprotected) > 0);
    let mut pair = setup(&Fault::ReplyUnauthenticated, quirks);
    pair.log_in();
    for mark in 1..20 {
        pair.read(1, mark, ms(500)).unwrap();
    }
    // A code that is there must be right.
    let mut pair = setup(&Fault::ReplyBadAuthcode, quirks);
    pair.log_in();
    assert!(pair.read(1, 1, ms(2_000)).is_err());
    assert!(pair.rejected(RejectReason::BadAuthCode) > 0);

    // Without encryption nothing at all would stand behind a reply.
    let mut pair = Setup::new(1)
        .suites(&[16], &[16])
        .settings(|settings| settings.with_quirks(quirks))
        .pair();
    pair.bmc.set_fault(Fault::ReplyUnauthenticated);
    pair.log_in();
    assert!(pair.read(1, 1, ms(2_000)).is_err());
}

/// What an old Intel board makes of the exchange: the figures are computed here
/// from the bytes that were sent, by other means than the session's.
#[test]
fn an_old_intel_board_is_logged_in_to_by_name() {
    const LONG: &str = "twenty-byte-passwd!!";
    for suite in [3, 8, 2, 12] {
        for quirks in [
            Quirks::default(),
            Quirks {
                intel: true,
                ..Quirks::default()
            },
        ] {
            let password = if suite == 8 || suite == 12 {
                &LONG[..16]
            } else {
                LONG
            };
            let mut name = Vec::new();
            let peer = Scripted {
                forge: Forge::new(password),
                script: |forge: &mut Forge, incoming: Incoming| {
                    if matches!(incoming, Incoming::Rakp1 { .. }) {
                        name = forge.username().to_vec();
                    }
                    let Incoming::Rakp3 { tag } = incoming else {
                        return vec![forge.answer(&incoming)];
                    };
                    // The board looks the user up, and forgets that it did.
                    let role = Role::new(forge.role().privilege(), false);
                    assert_eq!(forge.rakp3_is_good(role), quirks.intel);
                    vec![forge.rakp4_by_integrity(tag)]
                },
            };
            let settings = rmcp_ipmi::session::Settings::new(
                rmcp_ipmi::crypto::Username::new(USER.as_bytes()).unwrap(),
                rmcp_ipmi::crypto::Password::new(LONG.as_bytes()).unwrap(),
            )
            .with_suites(&[CipherSuiteId(suite)])
            .with_quirks(quirks);
            let mut pair = Pair::with_peer(peer, settings, 1, Instant::now());
            if quirks.intel {
                assert_eq!(pair.log_in(), suite);
                pair.call(GET_DEVICE_ID, &[], ms(500)).unwrap();
                drop(pair);
                assert_eq!(name.len(), 16);
                assert!(name.starts_with(USER.as_bytes()) && name.ends_with(&[0]));
            } else if password != LONG {
                assert_eq!(pair.fail_to_log_in().label(), "wrong_password");
            }
        }
    }
}

#[test]
fn no_work_around_changes_a_log_in_to_a_bmc_that_is_right() {
    let harmless = Quirks {
        surplus_code_byte: true,
        open_session_privilege: true,
        no_checksum_check: true,
        unauthenticated_replies: true,
        session_id_zero: true,
        unexpected_authentication: true,
        force_message_authentication: true,
        swapped_sequence: true,
        no_auth_code_check: true,
        intel: false,
    };
    assert!(harmless.weakens_checks());
    for suite in &SUITES {
        let mut pair = Setup::new(1)
            .suites(&[suite.id.0], &[suite.id.0])
            .settings(|settings| settings.with_quirks(harmless))
            .pair();
        assert_eq!(pair.log_in(), suite.id.0);
        pair.read(1, 1, ms(500)).unwrap();
    }
}
